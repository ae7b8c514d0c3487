/**
 * The instrument's own error against a server that the calibration does not know: TTFT and gap errors, lost events and
 * CPU per event, beside what the calibration said of itself and how late a bare socket is on this machine, which no client
 * in Node can be better than. Exit 1 where a bound is not kept.
 * `--streams 50,200,500,1000 --rate 50 --seconds 5 --workers 1 --realtime`
 */
import { spawn } from 'node:child_process'
import { loadavg } from 'node:os'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { bareLateness } from '../test/bench/peers/bare-client.mjs'
import { warmJudge } from '../test/bench/peers/warm-judge.mjs'
import { build, isBuilt } from './build.mjs'
import { becomeRealtime } from './realtime.mjs'

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '50,200,500,1000' },
    /** Tokens a second of each stream. */
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '5' },
    /** All streams in one step of the server as well, at this number; 0: not. */
    step: { type: 'string', default: '200' },
    /** Threads that stamp; a run has one from 16 requests in flight on. 0: the main thread stamps. */
    workers: { type: 'string', default: '1' },
    /** Before all other programs (Linux, as root), so that the figures are the instrument's and not those of its neighbours. */
    realtime: { type: 'boolean', default: false },
    /** Times each figure is taken; the median counts. */
    repeats: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
if (!isBuilt() && !build()) process.exit(3)
if (values.realtime) {
  if (Number(values.workers) > 1) {
    console.error('error: --realtime with several --workers starves whatever they wait for; take one, or 0')
    process.exit(2)
  }
  becomeRealtime()
}
const { calibrate } = await import('../dist/src/instrument/calibrate.js')
const { hrtimeOffsetNs } = await import('../dist/src/instrument/clock-check.js')
const { frameBody } = await import('../dist/src/protocol/frame.js')
const { sleepUntil, waitUntil } = await import('../dist/src/run/pace.js')
const { quantiles } = await import('../dist/src/stats/quantile.js')
const { systemClock } = await import('../dist/src/units/time.js')
const { startCrew } = await import('../dist/src/run/crew.js')
const { createTransport } = await import('../dist/src/wire/transport.js')

const gapMs = 1000 / Number(values.rate)
const tokens = Math.round(Number(values.seconds) * Number(values.rate))
const workers = Number(values.workers)
const crew = workers > 0 ? await startCrew({ workers, clock: systemClock }) : null
if (crew !== null && 'problem' in crew) throw new Error(crew.problem)
const connect = crew?.connect ?? createTransport
const never = new AbortController().signal
/** Starts are spread over so many gaps, so that no two streams start at once and the phases come out even. */
const GAPS = 31
/** Before the first token: all streams have been started by then. */
const BASE_MS = 1500

/** With more streams the kernel would not get to the packets beside a loop that spins. @param {number} streams */
const spins = (streams) => workers <= 1 && streams <= 500

/** @param {object} options */
async function startServer(options) {
  const file = new URL('../test/bench/peers/truth-server.mjs', import.meta.url).pathname
  const child = spawn(process.execPath, ['--max-semi-space-size=64', file, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  /** @type {string} */
  const port = await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
  return { origin: `http://127.0.0.1:${port}`, close: () => child.stdin.end() }
}

const limitMs = 60_000
/** @param {'GET' | 'POST'} method @param {string} path @param {string | null} body */
const request = (method, path, body) => ({
  method,
  path,
  headers: { 'content-type': 'application/json' },
  body,
  endMarker: body === null ? null : 'data: [DONE]',
  deadlines: { connectMs: limitMs, firstByteMs: limitMs, gapMs: limitMs, totalMs: limitMs },
})
const ask = request(
  'POST',
  '/v1/chat/completions',
  JSON.stringify({
    model: 'truth',
    stream: true,
    max_tokens: tokens,
    messages: [{ role: 'user', content: 'Hang a plumb line.' }],
  }),
)

/** @param {number} streams */
async function bare(streams) {
  const server = await startServer({ baseMs: BASE_MS, gapMs, tokens, bare: true, spin: spins(streams) })
  const port = Number(new URL(server.origin).port)
  const spreadMs = GAPS * gapMs
  const asked = { port, streams, tokens, gapMs, spreadMs, baseMs: BASE_MS }
  const { late, ttft, cpuUs } = await bareLateness(asked)
  server.close()
  const [bareP50, bareP99] = quantiles(late, [0.5, 0.99])
  const [bareTtftP50, bareTtftP99] = quantiles(ttft, [0.5, 0.99])
  return { bareP50, bareP99, bareTtftP50, bareTtftP99, bareCpuUs: cpuUs }
}

/** @param {number} streams @param {boolean} step */
async function measure(streams, step) {
  const server = await startServer({ baseMs: BASE_MS, gapMs, tokens, step, spin: spins(streams) })
  const connection = /** @type {const} */ ('reused')
  const transport = connect({
    origin: server.origin,
    clock: systemClock,
    http: '1.1',
    maxConnections: streams + Math.max(1, workers),
    proxy: 'none',
  })
  await transport.warm(streams)
  await warmJudge(server.origin)
  const startNs = systemClock.nowNs() + 50e6
  /** CPU from the last start, so that what starting costs is not in it. */
  let cpu = process.cpuUsage()
  const sent = []
  for (let i = 0; i < streams; i++) {
    const notBeforeNs = startNs + (i * GAPS * gapMs * 1e6) / streams
    const { leadNs = 0 } = transport
    await (leadNs > 0 ? sleepUntil : waitUntil)(notBeforeNs - leadNs, systemClock, never)
    sent.push(transport.send(ask, { connection, notBeforeNs }))
  }
  await waitUntil(systemClock.nowNs() + 400e6, systemClock, never)
  cpu = process.cpuUsage()
  const exchanges = await Promise.all(sent)
  const used = process.cpuUsage(cpu)
  const truthAnswer = await transport.send(request('GET', '/truth', null), { connection })
  /** @type {{ originNs: string, streams: { name: string, receivedNs: number, sentNs: number[] }[] }} */
  const truth = JSON.parse(Buffer.from(truthAnswer.body).toString())
  await transport.close()
  server.close()

  const offsetNs = Number(hrtimeOffsetNs(systemClock) - BigInt(truth.originNs))
  const byName = new Map(truth.streams.map((stream) => [stream.name, stream]))
  const ttft = []
  /** Of the first tokens alone: the TTFT's error where it is told by what the server sent. */
  const first = []
  const late = []
  const gaps = []
  let lost = 0
  for (const { body, chunkEnd, chunkNs, startNs: began, failure } of exchanges) {
    if (failure !== undefined) console.error(`error: ${failure.detail}`)
    const { frames } = frameBody(body, chunkEnd, 'sse')
    const content = frames.filter(({ frame }) => frame.data.includes('"content":" plumb"'))
    const name = /"id":"([^"]+)"/.exec(frames[0]?.frame.data ?? '')?.[1] ?? ''
    const known = byName.get(name)
    lost += tokens - content.length
    if (known === undefined) continue
    const arrived = content.map(({ chunk }) => chunkNs[chunk] ?? NaN)
    const ownTtft = (arrived[0] ?? NaN) - (began ?? NaN)
    ttft.push((ownTtft - ((known.sentNs[0] ?? NaN) - known.receivedNs)) / 1e6)
    first.push(((arrived[0] ?? NaN) + offsetNs - (known.sentNs[0] ?? NaN)) / 1e6)
    for (const [k, at] of arrived.entries()) {
      const sentNs = known.sentNs[k] ?? NaN
      late.push((at + offsetNs - sentNs) / 1e6)
      if (k > 0)
        gaps.push(Math.abs(at - (arrived[k - 1] ?? NaN) - (sentNs - (known.sentNs[k - 1] ?? NaN))) / 1e6)
    }
  }
  const [ttftP50, ttftP99] = quantiles(ttft, [0.5, 0.99])
  const [firstP50, firstP99] = quantiles(first, [0.5, 0.99])
  const [p50, p99, max] = quantiles(late, [0.5, 0.99, 1])
  const [gapP99] = quantiles(gaps, [0.99])
  const cpuUs = (used.user + used.system) / (streams * tokens)
  return { ttftP50, ttftP99, firstP50, firstP99, gapP99, p50, p99, max, lost, cpuUs }
}

/** @param {number | undefined} value */
const shown = (value) => (value === undefined ? NaN : Number(value.toFixed(3)))
/** @param {number[]} list */
const median = (list) => quantiles(list, [0.5])[0]
const rows = []
const broken = []
const plans = values.streams.split(',').map((n) => ({ streams: Number(n), step: false }))
if (Number(values.step) > 0) plans.push({ streams: Number(values.step), step: true })
for (const { streams, step } of plans) {
  /** @type {Record<string, number | undefined>[]} */
  const runs = []
  for (let i = 0; i < Number(values.repeats); i++) {
    const estimate = step ? null : (await calibrate({ streams, clock: systemClock, connect })).error
    runs.push({
      ...(await measure(streams, step)),
      ...(step ? {} : await bare(streams)),
      estimateP50: estimate?.p50,
      estimateP99: estimate?.p99,
    })
  }
  /** @param {string} key */
  const of = (key) => shown(median(runs.map((run) => run[key] ?? NaN)))
  const row = {
    streams: step ? `${streams} in one step` : streams,
    'ttft error p50': of('ttftP50'),
    'ttft error p99': of('ttftP99'),
    'first late p50': of('firstP50'),
    'first late p99': of('firstP99'),
    'gap error p99': of('gapP99'),
    'late p50': of('p50'),
    'late p99': of('p99'),
    'late max': of('max'),
    'bare ttft p50': of('bareTtftP50'),
    'bare ttft p99': of('bareTtftP99'),
    'bare p50': of('bareP50'),
    'bare p99': of('bareP99'),
    'estimate p50': of('estimateP50'),
    'estimate p99': of('estimateP99'),
    'ratio p50': shown(of('estimateP50') / of('p50')),
    'ratio p99': shown(of('estimateP99') / of('p99')),
    lost: Math.max(...runs.map((run) => run['lost'] ?? 0)),
    'CPU µs/event': of('cpuUs'),
    'bare CPU': of('bareCpuUs'),
    load: shown(loadavg()[0]),
  }
  rows.push(row)
  if (row.lost > 0) broken.push(`${streams} streams: ${row.lost} events lost`)
  if (step) continue
  if (
    streams === 200 &&
    !(row['ttft error p50'] <= 0.1 && row['ttft error p99'] <= 1 && row['gap error p99'] <= 1.5)
  )
    broken.push('200 streams: ttft error p50 over .1 ms, p99 over 1 ms or gap error p99 over 1.5 ms')
  const isNear = (/** @type {number} */ ratio, /** @type {number} */ factor) =>
    ratio <= factor && ratio >= 1 / factor
  if (streams <= 500 && !(isNear(row['ratio p50'], 1.5) && isNear(row['ratio p99'], 2)))
    broken.push(
      `${streams} streams: the calibration's estimate is not within 1.5 (p50) and 2 (p99) of the truth`,
    )
}
if (values.json) console.log(JSON.stringify(rows))
else {
  console.log(
    `milliseconds; ${values.rate} tokens/s a stream, ${tokens} tokens each, Node ${process.version}, ` +
      `${workers === 0 ? 'stamped on the main thread' : `${workers} thread(s) that stamp`}${values.realtime ? ', real-time priority' : ''}`,
  )
  console.table(rows)
  console.log('load: programs that want to run; above the number of cores the figures say little')
}
await crew?.close()
for (const each of broken) console.error(`not kept: ${each}`)
process.exitCode = broken.length > 0 ? 1 : 0
