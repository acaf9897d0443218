// Runs both scripts against the toy server, i.e. the transports without the application:
//   cargo build -p api --example toy && node toy.mjs ../../target/debug/examples/toy
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const address = `127.0.0.1:${process.env.PORT ?? 4010}`;
const server = spawn(process.argv[2], [address], { stdio: 'inherit' });
const up = () => fetch(`http://${address}/graphql?query=%7B__typename%7D`).then((response) => response.ok, () => false);
while (!(await up())) if (server.exitCode !== null) process.exit(1);

async function run(script, env) {
  const child = spawn('node', [script], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.on('data', (text) => {
    process.stdout.write(text);
    if (String(text).includes('DRAIN')) server.kill('SIGTERM');
  });
  const [code] = await once(child, 'exit');
  return code;
}
// The socket script drains the server at its end, so it comes last; the short token outlives the audit.
const audit = await run('audit-http.mjs', { MEARI_HTTP: `http://${address}/graphql` });
const socket = await run('socket.mjs', {
  MEARI_WS: `ws://${address}/graphql`, MEARI_TOKEN: 'alice', MEARI_TOKEN_REVOKE: 'bob',
  MEARI_TOKEN_SHORT: 'short', MEARI_TOKEN_RENEWED: 'renewed', MEARI_DRAIN: '1', MEARI_ALL: '1',
});
server.kill();
process.exit(audit || socket);
