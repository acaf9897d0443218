// Prints signed and spoiled requests with the verdict of the provider's own library, one JSON per
// line: `node oracles.mjs SEED COUNT`.
import { createHmac } from 'node:crypto'
import { validateSignature } from '@line/bot-sdk'
import { Webhook } from 'standardwebhooks'
import twilio from 'twilio'

const [seed, count] = process.argv.slice(2).map(Number)
let state = seed
// mulberry32: the same seed is the same requests.
const random = () => {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const below = (n) => Math.floor(random() * n)
const of = (list) => list[below(list.length)]
const LETTERS = [...'abcXYZ019 _-.+=&%/\\"\'<>?#:;~\n\t가나한글éñøß中文😀👩‍👩‍👧\u0301\u200d']
const text = (max) => Array.from({ length: below(max) }, () => of(LETTERS)).join('')
const word = (min) => Array.from({ length: min + below(20) }, () => of([...'abcdefXYZ0123456789'])).join('')
const base64 = (bytes) => Buffer.from(bytes).toString('base64')
const now = Math.floor(Date.now() / 1000)
const say = (made) => console.log(JSON.stringify({ now, ...made }))

// What may happen on the way: mostly nothing, else one spoiled byte, secret or signature.
const spoil = (sent) => {
  switch (below(8)) {
    case 0: return { ...sent, body: `${sent.body} ` }
    case 1: return { ...sent, body: sent.body.length ? sent.body.slice(0, -1) : 'x' }
    case 2: return { ...sent, secret: sent.other }
    case 3: return { ...sent, signature: sent.signature.replace(/[A-Za-z0-9]/, (c) => (c === 'A' ? 'B' : 'A')) }
    default: return sent
  }
}

function fromLine() {
  const secret = word(8)
  const body = random() < 0.5 ? JSON.stringify({ destination: word(3), events: [{ text: text(80) }] }) : text(120)
  const signature = createHmac('sha256', secret).update(body).digest('base64')
  const sent = spoil({ secret, other: word(8), body, signature })
  const is_valid = validateSignature(sent.body, sent.secret, sent.signature)
  say({
    channel: 'line', secret_name: 'channel_secret', secret: sent.secret, url: 'https://desk.test/w',
    headers: { 'x-line-signature': sent.signature }, body: base64(sent.body), is_valid,
  })
}

function fromTwilio() {
  const secret = word(16)
  const host = of(['desk.test', 'desk.test:443', 'desk.test:8443', '10.0.0.1', 'a.b.desk.test'])
  const url = `https://${host}/webhooks/twilio/${word(4)}`
  const query = random() < 0.3 ? `a=${word(1)}&b=${encodeURIComponent(text(8))}` : ''
  const whole = query ? `${url}?${query}` : url
  const params = {}
  for (let n = below(12); n > 0; n--) {
    const key = of(['Body', 'body', 'From', 'To', 'MessageSid', 'NumMedia', 'MediaUrl0', 'Z', word(1)])
    // Repeated fields keep to plain letters: Twilio's libraries sort others each in its own way.
    params[key] = random() < 0.15 ? [word(2), word(2), word(2)] : text(40)
  }
  const pairs = Object.entries(params).flatMap(([key, value]) => [value].flat().map((one) => [key, one]))
  const signature = twilio.getExpectedTwilioSignature(secret, whole, params)
  const sent = { secret, other: word(16), signature, params, pairs, url, query }
  switch (below(8)) {
    case 0: sent.pairs = [...pairs, ['Extra', 'x']]; break
    case 1: sent.secret = sent.other; break
    case 2: sent.signature = sent.signature.replace(/[A-Za-z0-9]/, (c) => (c === 'A' ? 'B' : 'A')); break
    case 3: sent.url = url.replace('/webhooks/', '/webhook/'); break
    case 4: // The usual port is written or not, as somebody's proxy likes it.
      sent.url = host === 'desk.test:443' ? url.replace(':443', '') : url.replace('//desk.test/', '//desk.test:443/'); break
    default:
  }
  const read = {}
  for (const [key, value] of sent.pairs) (read[key] ??= []).push(value)
  for (const key of Object.keys(read)) if (read[key].length === 1) read[key] = read[key][0]
  const address = query ? `${sent.url}?${query}` : sent.url
  const is_valid = twilio.validateRequest(sent.secret, sent.signature, address, read)
  say({
    channel: 'twilio', secret_name: 'auth_token', secret: sent.secret, url: sent.url, query,
    headers: { 'x-twilio-signature': sent.signature }, body: base64(new URLSearchParams(sent.pairs).toString()), is_valid,
  })
}

function fromStandard() {
  const whsec = () => `whsec_${base64(Array.from({ length: 24 + below(40) }, () => below(256)))}`
  const secret = whsec()
  const id = `msg_${word(4)}`
  const seconds = now - of([0, 0, 0, 1, 60, 200, -200, 400, -400, 5000])
  const body = random() < 0.5 ? JSON.stringify({ account: 'a', events: [{ id, text: text(60) }] }) : text(120)
  const signature = new Webhook(secret).sign(id, new Date(seconds * 1000), body)
  const sent = spoil({ secret, other: whsec(), body, signature })
  const many = of([sent.signature, sent.signature, `v1,${base64('nonsense')} ${sent.signature}`, `v2,${sent.signature.slice(3)}`])
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': many }
  let is_valid = true
  try {
    new Webhook(sent.secret).verify(sent.body, headers)
  } catch (error) {
    // A body that is no JSON was believed before it was read.
    is_valid = error instanceof SyntaxError
  }
  const intact = sent.body === body && sent.secret === secret
  say({
    channel: 'api', secret_name: 'signing_secret', secret: sent.secret, url: 'https://desk.test/w', headers, body: base64(sent.body), is_valid,
    signed: intact ? { id, seconds, signature } : undefined,
  })
}

for (let n = 0; n < count; n++) {
  fromLine()
  fromTwilio()
  fromStandard()
}
