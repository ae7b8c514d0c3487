/**
 * How late tokens reach the receiving end: many streams of the `exact` profile, phases spread evenly, read by bare
 * sockets in this process while the simulator runs in another. What is read goes through one buffer, since a collection
 * here would be read as lateness there. `--streams 200 --rate 50 --tokens 200 --limit 1 --realtime`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { build, isBuilt } from './build.mjs'
import { becomeRealtime } from './realtime.mjs'

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '200' },
    rate: { type: 'string', default: '50' },
    tokens: { type: 'string', default: '250' },
    /** ms at p99; more is exit code 1. */
    limit: { type: 'string', default: '1' },
    /** Before all other programs (Linux, as root). */
    realtime: { type: 'boolean', default: false },
  },
})
const streams = Number(values.streams)
const tokens = Number(values.tokens)
const tpotMs = 1000 / Number(values.rate)
/** Long enough that all streams are open before the first token of any. */
const BASE_MS = 1500
const WARM_UPS = 2
const WARM_UP_TOKENS = 8
const MARK = Buffer.from('"content":')

if (!isBuilt() && !build()) process.exit(3)
if (values.realtime) becomeRealtime()
const buffer = Buffer.allocUnsafeSlow(65_536)
const { spawnSimulator } = await import('../dist/src/simulate/process.js')

/**
 * Opens a connection. `ask` writes the request and resolves to how long after its due time each token was here, ms. Due is
 * counted from the instant before the request was written, so the request's own way is in it.
 * @param {number} port @param {number} count tokens
 * @returns {Promise<{ ask(): Promise<Float64Array> }>}
 */
function openStream(port, count) {
  const messages = [{ role: 'user', content: 'Hello.' }]
  const body = JSON.stringify({ model: 'exact', stream: true, max_tokens: count, messages })
  const request = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  const late = new Float64Array(count)
  let token = -1 // The first content is the empty one of the role.
  let beganMs = 0
  /** @param {number} length */
  const callback = (length) => {
    const sinceMs = performance.now() - beganMs
    const part = buffer.subarray(0, length)
    for (let at = part.indexOf(MARK); at >= 0; at = part.indexOf(MARK, at + 1)) {
      if (token >= 0) late[token] = sinceMs - (BASE_MS + token * tpotMs)
      if (++token === count) socket.destroy()
    }
    return true
  }
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } })
  return new Promise((resolve, reject) => {
    const ask = () => {
      beganMs = performance.now()
      socket.write(request)
      return new Promise((landed, broken) => {
        socket.on('close', () => landed(late.subarray(0, Math.max(0, token)))).on('error', broken)
      })
    }
    socket.once('connect', () => resolve({ ask })).once('error', reject)
  })
}

const folder = mkdtempSync(join(tmpdir(), 'pacing-'))
const truth = join(folder, 'truth.ndjson')
const simulator = await spawnSimulator({
  profile: 'exact',
  set: { base: BASE_MS, fresh: 0, tpot: tpotMs },
  truth,
})
const port = Number(new URL(simulator.url).port)
// A request that waits for code to be compiled would be late, and with it all its tokens.
for (let round = 0; round < WARM_UPS; round++) {
  const few = await Promise.all(Array.from({ length: 20 }, () => openStream(port, WARM_UP_TOKENS)))
  await Promise.all(few.map(({ ask }) => ask()))
}
const opened = await Promise.all(Array.from({ length: streams }, () => openStream(port, tokens)))
const beganMs = performance.now()
// Several rounds of phases, so that 200 requests are written over some 800 ms and never two at once.
const started = opened.map(async ({ ask }, i) => {
  await sleep((i * tpotMs * 41) / streams)
  return ask()
})
const late = (await Promise.all(started)).flatMap((each) => [...each]).toSorted((a, b) => a - b)
const seconds = (performance.now() - beganMs) / 1000
await simulator.close()
const told = readFileSync(truth, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line))
  .flatMap(({ outputTokens, lateness }) => (outputTokens === tokens ? lateness : []))
rmSync(folder, { recursive: true })

/** @param {number} p */
const quantile = (p) => Number(late[Math.floor(p * (late.length - 1))]?.toFixed(3))
/** @param {number} x */
const rounded = (x) => Number(x.toFixed(3))
console.log(`${streams} streams x ${values.rate} tokens/s, ${late.length} tokens in ${seconds.toFixed(1)} s`)
console.log(
  `load average ${loadavg()[0]?.toFixed(1)}: ${values.realtime ? 'real-time priority' : 'a figure of a busy machine is worth little'}`,
)
console.table({
  'received late, ms': { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), max: quantile(1) },
})
console.table({
  'the truth of written late': {
    'mean, ms': rounded(told.reduce((sum, { meanMs }) => sum + meanMs, 0) / told.length),
    'max, ms': rounded(Math.max(...told.map(({ maxMs }) => maxMs))),
    'share > 1 ms': rounded(told.reduce((sum, { lateTokens }) => sum + lateTokens, 0) / late.length),
  },
})
if (late.length !== streams * tokens) {
  console.error(`error: ${streams * tokens} tokens were asked for`)
  process.exitCode = 1
}
if (quantile(0.99) > Number(values.limit)) process.exitCode = 1
