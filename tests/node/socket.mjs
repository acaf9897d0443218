// Drives graphql-transport-ws with the npm client `graphql-ws` and, where the client is too well
// behaved to misbehave, with a bare `ws` socket. Environment:
//   MEARI_WS            ws://host/graphql
//   MEARI_TOKEN         an access token of somebody who may save skills
//   MEARI_TOKEN_REVOKE  a token of another session; the script signs it out            (optional)
//   MEARI_TOKEN_SHORT   a token that expires within seconds, and                       (optional)
//   MEARI_TOKEN_RENEWED a longer one of the same session                               (optional)
//   MEARI_DRAIN=1       prints DRAIN when the server shall be told to drain            (optional)
// A part whose variables are missing is reported as not run; MEARI_ALL=1 makes that a failure.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const env = process.env;
const url = env.MEARI_WS ?? 'ws://127.0.0.1:4010/graphql';
const token = env.MEARI_TOKEN ?? 'alice';
const patience = Number(env.MEARI_PATIENCE_MS ?? 60_000);
let failures = 0;
let skipped = 0;

function assert(condition, what) {
  if (!condition) throw new Error(what);
}
function within(promise, what, ms = patience) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
async function promise(name, needed, body) {
  const missing = needed.filter((variable) => !env[variable]);
  if (missing.length > 0) {
    skipped += 1;
    console.log(`not run  ${name} (needs ${missing.join(', ')})`);
    return;
  }
  try {
    await within(body(), name);
    console.log(`ok       ${name}`);
  } catch (error) {
    failures += 1;
    console.error(`FAILED   ${name}: ${error?.message ?? JSON.stringify(error)}`);
  }
}

/** A client, its close event as a promise, and a way to cut the wire below it. */
function client(accessToken, options = {}) {
  const wires = [];
  let closed;
  const gone = new Promise((resolve) => { closed = resolve; });
  class Wire extends WebSocket {
    constructor(...args) { super(...args); wires.push(this); }
  }
  const made = createClient({
    url, webSocketImpl: Wire, lazy: false, retryAttempts: 0,
    connectionParams: { accessToken }, onNonLazyError: () => {}, ...options,
    on: { closed, ...options.on },
  });
  return { made, gone, cut: () => wires.at(-1).terminate(), acknowledged: new Promise((resolve) => made.on('connected', (_, payload) => resolve(payload))) };
}
async function ask({ made }, query, variables) {
  for await (const result of made.iterate({ query, variables })) return result;
}
const save = (from, name) => ask(from, 'mutation ($name: String!) { saveSkill(name: $name) { problem { code } } }', { name });
const CHANGES = 'subscription ($after: String) { changes(after: $after) { cursor resync changes { __typename ... on SkillImage { name } } } }';

/** A bare socket; resolves with its close code. */
function bare(messages, { protocol = 'graphql-transport-ws', afterAck = [] } = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocol);
    socket.on('error', reject);
    socket.on('open', () => messages.forEach((message) => socket.send(message)));
    socket.on('message', (data) => {
      if (JSON.parse(data).type === 'connection_ack') afterAck.forEach((message) => socket.send(message));
    });
    socket.on('close', (code) => resolve(code));
  });
}
const init = (accessToken) => JSON.stringify({ type: 'connection_init', payload: { accessToken } });
const subscribe = (id, query) => JSON.stringify({ type: 'subscribe', id, payload: { query } });
async function code(expected, closing) {
  const actual = await closing;
  assert(actual === expected, `closed ${actual}, expected ${expected}`);
}

// First, because the short token is already running out.
await promise('an expired token closes 4403, and renewSocket prevents it', ['MEARI_TOKEN_SHORT', 'MEARI_TOKEN_RENEWED'], async () => {
  const [lapses, renews] = [client(env.MEARI_TOKEN_SHORT), client(env.MEARI_TOKEN_SHORT)];
  await Promise.all([lapses.acknowledged, renews.acknowledged]);
  let ended = false;
  renews.gone.then(() => { ended = true; });
  const renewed = await ask(renews, 'mutation ($t: String!) { renewSocket(accessToken: $t) { problem { code } } }', { t: env.MEARI_TOKEN_RENEWED });
  assert(renewed.data?.renewSocket.problem === null, JSON.stringify(renewed));
  await code(4403, lapses.gone.then((event) => event.code));
  assert(!ended && (await ask(renews, '{ __typename }')).data, 'the renewed socket lives on');
  await renews.made.dispose();
});
await promise('connects and is told the time of the server', [], async () => {
  const one = client(token);
  const payload = await one.acknowledged;
  assert(Math.abs(Date.parse(payload.serverTime) - Date.now()) < 60_000, 'serverTime');
  await one.made.dispose();
});
await promise('a query and a mutation work on the socket', [], async () => {
  const one = client(token);
  const { data } = await ask(one, '{ viewer { id } }');
  assert(data.viewer.id, 'viewer');
  assert((await save(one, `query ${Date.now()}`)).data.saveSkill.problem === null, 'saveSkill');
  await one.made.dispose();
});
await promise('an invalid query is an error message, not a close', [], async () => {
  const one = client(token);
  const error = await ask(one, '{ nope }').then(() => null, (errors) => errors);
  assert(error?.[0]?.extensions?.code === 'BAD_USER_INPUT', `got ${JSON.stringify(error)}`);
  assert((await ask(one, '{ __typename }')).data, 'the socket lives on');
  await one.made.dispose();
});
await promise('changes arrive and a cut wire resumes without loss or repetition', [], async () => {
  const writer = client(token);
  const run = `resume ${Date.now()}`;
  const wanted = [...Array(30).keys()].map((i) => `${run} ${i}`);
  const seen = [];
  let after = null;
  let wires = 0;
  let live;
  const first = new Promise((resolve) => { live = resolve; });
  const reading = (async () => {
    while (seen.length < wanted.length) {
      const reader = client(token);
      wires += 1;
      const cutAt = seen.length + 10;
      try {
        for await (const { data } of reader.made.iterate({ query: CHANGES, variables: { after } })) {
          assert(!data.changes.resync, 'resync');
          after = data.changes.cursor;
          live();
          for (const change of data.changes.changes) if (change.name?.startsWith(run)) seen.push(change.name);
          if (seen.length >= cutAt) reader.cut();
        }
      } catch (error) {
        // A cut wire is reported as a close event; anything else is a failure.
        if (error?.code === undefined) throw error;
      }
    }
  })();
  await first;
  for (const name of wanted) await save(writer, name);
  await reading;
  assert(JSON.stringify(seen) === JSON.stringify(wanted), `got ${seen.join()}`);
  assert(wires > 1, 'the wire was never cut');
  await writer.made.dispose();
});
await promise('a cursor of another epoch asks for a resync', [], async () => {
  const one = client(token);
  const { data } = await ask(one, CHANGES, { after: '999999.1' });
  assert(data.changes.resync === true && data.changes.cursor, JSON.stringify(data));
  await one.made.dispose();
});
await promise('a wrong or missing token closes 4403', [], async () => {
  await code(4403, client('wrong').gone.then((event) => event.code));
  await code(4403, bare([JSON.stringify({ type: 'connection_init' })]));
});
await promise('no connection_init closes 4408', [], () => code(4408, bare([])));
await promise('subscribe before the ack closes 4401', [], () => code(4401, bare([subscribe('1', '{ __typename }')])));
await promise('a second connection_init closes 4429', [], () => code(4429, bare([init(token)], { afterAck: [init(token)] })));
await promise('two init messages at once close 4429', [], () => code(4429, bare([init(token), init(token)])));
await promise('a duplicate id closes 4409', [], () =>
  code(4409, bare([init(token)], { afterAck: [subscribe('1', 'subscription { changes { cursor } }'), subscribe('1', 'subscription { changes { cursor } }')] })));
await promise('an invalid message closes 4400', [], async () => {
  for (const message of ['{', '{"type":"nonsense"}', '{"type":"subscribe","id":"1"}', JSON.stringify({ type: 'x'.repeat(300) })]) {
    await code(4400, bare([init(token)], { afterAck: [message] }));
  }
});
await promise('another subprotocol closes 4406 or is not agreed on', [], async () => {
  const closed = await bare([], { protocol: 'graphql-ws' }).catch((error) => error.message);
  assert(closed === 4406 || /subprotocol/i.test(String(closed)), String(closed));
});
await promise('a revoked session closes 4403 at once', ['MEARI_TOKEN_REVOKE'], async () => {
  const one = client(env.MEARI_TOKEN_REVOKE);
  await one.acknowledged;
  ask(one, 'mutation { signOut { problem { code } } }').catch(() => {});
  await within(code(4403, one.gone.then((event) => event.code)), 'close', 3000);
});
await promise('a drain closes 1012', ['MEARI_DRAIN'], async () => {
  const one = client(token);
  await one.acknowledged;
  console.log('DRAIN');
  await code(1012, one.gone.then((event) => event.code));
});

console.log(`${failures} failed, ${skipped} not run`);
process.exit(failures > 0 || (env.MEARI_ALL && skipped > 0) ? 1 : 0);
