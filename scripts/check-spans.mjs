// @ts-check
/**
 * Spans a second and peak memory of the readers, each in a process of its own fed by a stream: lines of OTLP/JSON,
 * one JSON document, protobuf records; of lines and protobuf also with every span attributed (19 in 20 on the curve, the
 * twentieth 3 s above it) and summed up; and the receiver's with attribution, which gets at most 100 MB in requests of 100 spans. `npm run check:spans -- --gb 5` makes them that long; nothing is written to disk.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const { values } = parseArgs({ options: { gb: { type: 'string', default: '1' }, child: { type: 'string' } } })
const bytesWanted = Number(values.gb) * 1e9

/** What the contract asks of each. @type {Readonly<Record<string, number>>} */
const wanted = {
  lines: 60_000,
  document: 10_000,
  protobuf: 150_000,
  'attributed-lines': 60_000,
  'attributed-protobuf': 150_000,
  receiver: 5000,
}
const MAX_RSS_MB = 256
/** Distinct spans; their ids are changed each time round. */
const SPANS = 2000
const START_MS = 1_790_000_000_000
/** Tokens of a prefix that is always warm. */
const CACHED = 1024

if (values.child === undefined) await runAll()
else if (values.child === 'receiver') await receiveAll()
else await readAll(values.child)

async function runAll() {
  if (!existsSync(new URL('dist/src/span/intake.js', root))) throw new Error('run `npm run build` first')
  let isGood = true
  for (const [format, least] of Object.entries(wanted)) {
    const args = [fileURLToPath(import.meta.url), '--child', format, '--gb', values.gb]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let told = ''
    for await (const part of child.stdout) told += part
    const { spans, seconds, cpuSeconds, bytes: read, rssMb } = JSON.parse(told)
    const perSecond = Math.round(spans / cpuSeconds)
    // The receiver holds ten seconds of its traffic, and its sender here lives beside it.
    const maxRssMb = format === 'receiver' ? 512 : MAX_RSS_MB
    const isFast = perSecond >= least && rssMb <= maxRssMb
    isGood &&= isFast
    console.log(
      `${isFast ? 'good' : 'FAIL'}  ${format}: ${perSecond.toLocaleString('en')} spans a second of one core ` +
        `(at least ${least.toLocaleString('en')}; ${Math.round(spans / seconds).toLocaleString('en')} by the wall), ` +
        `${spans.toLocaleString('en')} spans of ${Math.round(read / spans)} bytes, ${(read / 1e9).toFixed(2)} GB, ` +
        `peak memory ${rssMb} MB (at most ${maxRssMb})`,
    )
  }
  process.exitCode = isGood ? 0 : 1
}

/** @param {string} child */
async function readAll(child) {
  const format = child.replace('attributed-', '')
  const sink = child === format ? undefined : await attributing()
  const { createIntake } = await import(new URL('dist/src/span/intake.js', root).href)
  const { readStream } = await import(new URL('dist/src/span/read-spans.js', root).href)
  const { otlpLine } = await import(new URL('dist/src/span/otlp-envelope.js', root).href)
  const pieces = format === 'protobuf' ? protobufRecords() : jsonPieces(otlpLine, format)
  let fed = 0
  async function* feed() {
    if (format === 'document') yield Buffer.from('{"resourceSpans":[')
    for (let round = 0; fed < bytesWanted; round++) {
      // In chunks as a disk gives them.
      for (const piece of pieces) {
        stamp(piece, round, format)
        fed += piece.bytes.length
        yield piece.bytes
        if (fed >= bytesWanted) break
      }
    }
    if (format === 'document') yield Buffer.from('{}]}')
  }
  const intake = createIntake()
  let spans = 0
  const started = performance.now()
  const before = process.cpuUsage()
  for await (const batch of readStream(feed(), intake)) {
    spans += batch.length
    sink?.take(batch)
  }
  intake.end()
  const rest = intake.take()
  spans += rest.length
  sink?.take(rest)
  sink?.end(spans)
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - started) / 1000
  const faults = Object.keys(intake.counts.faults)
  if (faults.length > 0 || spans !== intake.counts.seen) throw new Error(JSON.stringify(intake.counts))
  const rssMb = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(JSON.stringify({ spans, seconds, cpuSeconds: (user + system) / 1e6, bytes: fed, rssMb }))
}

/** The curve that the spans follow, and all that `plumbline attribute` does to print groups. */
async function attributing() {
  const { createAttributor } = await import(new URL('dist/src/attribute/attribute.js', root).href)
  const { knownTargets } = await import(new URL('dist/src/attribute/known.js', root).href)
  const { pairUp } = await import(new URL('dist/src/attribute/paired.js', root).href)
  const { createSummary } = await import(new URL('dist/src/attribute/summary.js', root).href)
  const attributor = pairUp(createAttributor({ known: knownTargets(snapshotOfCurve()) }))
  const summary = createSummary(['service', 'model'])
  let above = 0
  /** @param {{ attribution: { verdict: string } }[]} pairs */
  const add = (pairs) => {
    for (const pair of pairs) {
      summary.add(pair)
      if (pair.attribution.verdict !== 'none') above++
    }
  }
  return {
    /** @param {unknown[]} batch */
    take(batch) {
      for (const span of batch) add(attributor.push(span))
    },
    /** @param {number} spans */
    end(spans) {
      add(attributor.end())
      const share = above / spans
      if (summary.result().all.spans !== spans || Math.abs(share - 0.05) > 0.005)
        throw new Error(`${above} of ${spans} spans are above the curve`)
    },
  }
}

function snapshotOfCurve() {
  /** @param {number} value */
  const parameter = (value) => ({ value, se: value / 100, low: value * 0.98, high: value * 1.02 })
  // Of a logistic residual of some 10 %.
  const quantiles = Array.from({ length: 99 }, (_, i) => 0.058 * Math.log((i + 1) / (99 - i)))
  const residual = { sd: 0.1, quantiles }
  const common = { target: 'gpt', residual, samples: 240 }
  const moment = new Date(START_MS - 3_600_000).toISOString()
  return {
    id: 'curve',
    startedAt: moment,
    endedAt: moment,
    targets: [{ name: 'gpt', provider: 'openai', model: 'gpt-5-mini' }],
    curves: [
      {
        ...common,
        law: 'prefill',
        parameters: { base: parameter(200), fresh: parameter(100), hit: parameter(0.01) },
        validity: { fresh: [128, 12_000], cached: [0, 12_000] },
      },
      {
        ...common,
        law: 'decode',
        parameters: { step: parameter(12), perContext: parameter(0) },
        validity: { context: [128, 20_000] },
      },
    ],
    summary: [{ target: 'gpt', outputTokens: 512 }],
    samples: [],
  }
}

/** The sender runs in the same process: its time counts as the receiver's. */
async function receiveAll() {
  const { createIntake } = await import(new URL('dist/src/span/intake.js', root).href)
  const { startReceiver } = await import(new URL('dist/src/serve/receiver.js', root).href)
  const { otlpLine } = await import(new URL('dist/src/span/otlp-envelope.js', root).href)
  const intake = createIntake({ window: 100_000 })
  const sink = await attributing()
  let spans = 0
  /** @param {unknown[]} batch */
  const onSpans = (batch) => {
    spans += batch.length
    sink.take(batch)
  }
  const started = await startReceiver({ intake, onSpans, port: 0 })
  if (!started.ok) throw new Error(started.message)
  const requests = Math.ceil(Math.min(bytesWanted, 1e8) / 160_000)
  let sent = 0
  let read = 0
  const begun = performance.now()
  const before = process.cpuUsage()
  for (let i = 0; i < requests; i += 4) {
    const posts = Array.from({ length: 4 }, async (_, j) => {
      const groups = Array.from({ length: 100 }, (__, k) => groupOf((i + j) * 100 + k, 4))
      const body = otlpLine(groups)
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${started.receiver.url}/v1/traces`, { method: 'POST', headers, body })
      if (answer.status !== 200) throw new Error(`status ${answer.status}: ${await answer.text()}`)
      await answer.text()
      sent += groups.length
      read += body.length
    })
    await Promise.all(posts)
  }
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - begun) / 1000
  await started.receiver.close()
  sink.end(spans)
  if (spans !== sent) throw new Error(`${sent} spans sent, ${spans} came out`)
  const rssMb = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(JSON.stringify({ spans, seconds, cpuSeconds: (user + system) / 1e6, bytes: read, rssMb }))
}

/**
 * Bytes and where in them the trace ids stand.
 * @typedef {{ bytes: Buffer, ids: number[] }} Piece
 * @typedef {string | number | boolean | string[]} Value
 */

/**
 * Gives every span of a piece other ids, in place: a round's number in the first eight digits of its trace.
 * @param {Piece} piece @param {number} round @param {string} format
 */
function stamp(piece, round, format) {
  const mark = round.toString(16).padStart(8, '0')
  for (const at of piece.ids) {
    if (format === 'protobuf') piece.bytes.writeUInt32BE(round + 1, at)
    else piece.bytes.write(mark, at, 'latin1')
  }
}

/** @param {(groups: object[]) => string} otlpLine @param {string} format @returns {Piece[]} */
function jsonPieces(otlpLine, format) {
  /** @type {Piece[]} */
  const pieces = []
  for (let i = 0; i < SPANS; i += 100) {
    const texts = []
    for (let j = i; j < i + 100; j++) {
      const line = otlpLine([groupOf(j, 4)])
      texts.push(format === 'lines' ? line : line.slice('{"resourceSpans":['.length, -2))
    }
    const piece = Buffer.from(texts.join(format === 'lines' ? '\n' : ',') + (format === 'lines' ? '\n' : ','))
    pieces.push({ bytes: piece, ids: placesOf(piece, '"traceId":"') })
  }
  return pieces
}

/** @param {Buffer} piece @param {string} word */
function placesOf(piece, word) {
  const places = []
  for (let at = piece.indexOf(word); at >= 0; at = piece.indexOf(word, at + 1)) places.push(at + word.length)
  return places
}

/** @param {number} i @param {number} padding */
function groupOf(i, padding) {
  return { resource: { 'service.name': 'shop' }, scope: { name: 'app.llm' }, spans: [spanAt(i, padding)] }
}

/** A call of 18 attributes. @param {number} i @param {number} padding */
function spanAt(i, padding) {
  const hex = i.toString(16).padStart(8, '0')
  const input = CACHED + 200 + ((i * 7919) % 6000)
  const output = 20 + ((i * 104_729) % 400)
  const startMs = START_MS + i * 700
  const ttftMs = 200 + (input - CACHED) / 10 + (i % 20 === 7 ? 3000 : 0)
  /** @type {Record<string, Value>} */
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-5-mini',
    'gen_ai.response.model': `gpt-5-mini-2026-08-0${1 + (i % 3)}`,
    'gen_ai.response.id': `chatcmpl-${hex}AbCdEfGh`,
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.request.max_tokens': 1024,
    'gen_ai.request.temperature': 0.7,
    'gen_ai.request.stream': true,
    'gen_ai.response.time_to_first_chunk': ttftMs / 1000,
    'gen_ai.usage.input_tokens': input,
    'gen_ai.usage.cache_read.input_tokens': CACHED,
    'gen_ai.usage.output_tokens': output,
    'gen_ai.agent.name': `helpdesk-${i % 7}`,
    'server.address': 'api.openai.com',
    'openai.response.system_fingerprint': 'fp_44709d6fcb',
    'app.release': '2026.11.3-canary',
    'app.note': 'x'.repeat(padding),
  }
  const spanId = `eee19b7e${hex}`
  const traceId = `00000000${hex}d269b633${hex}`
  const endMs = startMs + ttftMs + (output - 1) * 12
  return { traceId, spanId, name: 'chat gpt-5-mini', kind: 'client', startMs, endMs, attributes }
}

/** The Collector's records of 100 spans, padded to 1.5 kB a span. */
function protobufRecords() {
  /** @type {Piece[]} */
  const pieces = []
  for (let i = 0; i < SPANS; i += 100) {
    const spans = Array.from({ length: 100 }, (_, j) => message(2, spanBytes(spanAt(i + j, 740))))
    const resource = message(1, message(1, text(1, 'service.name'), message(2, text(1, 'shop'))))
    const body = message(1, resource, message(2, message(1, text(1, 'app.llm')), ...spans))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    const piece = Buffer.concat([length, body])
    // A trace id is the field 1 of 16 bytes; only there do these three bytes stand in a row.
    const ids = placesOf(piece, '\x0a\x10\x00').map((at) => at - 1)
    pieces.push({ bytes: piece, ids })
  }
  return pieces
}

/** @param {ReturnType<typeof spanAt>} span */
function spanBytes({ traceId, spanId, name, startMs, endMs, attributes }) {
  return Buffer.concat([
    bytes(1, Buffer.from(traceId, 'hex')),
    bytes(2, Buffer.from(spanId, 'hex')),
    text(5, name),
    Buffer.from([6 * 8, 3]),
    time(7, startMs),
    time(8, endMs),
    ...Object.entries(attributes).map(([key, value]) =>
      message(9, text(1, key), message(2, anyValue(value))),
    ),
  ])
}

/** @param {Value} value @returns {Buffer} */
function anyValue(value) {
  if (typeof value === 'string') return text(1, value)
  if (typeof value === 'boolean') return Buffer.from([2 * 8, value ? 1 : 0])
  if (Array.isArray(value)) return message(5, ...value.map((item) => message(1, anyValue(item))))
  if (Number.isInteger(value)) return Buffer.from([3 * 8, ...varint(value)])
  const buffer = Buffer.alloc(9, 4 * 8 + 1)
  buffer.writeDoubleLE(value, 1)
  return buffer
}

/** @param {number} field @param {number} ms */
function time(field, ms) {
  const buffer = Buffer.alloc(9, field * 8 + 1)
  buffer.writeBigUInt64LE(BigInt(Math.round(ms * 1000)) * 1000n, 1)
  return buffer
}

/** @param {number} field @param {string} value */
function text(field, value) {
  return bytes(field, Buffer.from(value))
}

/** @param {number} field @param {Buffer[]} parts */
function message(field, ...parts) {
  return bytes(field, Buffer.concat(parts))
}

/** @param {number} field @param {Buffer} value */
function bytes(field, value) {
  return Buffer.concat([Buffer.from([field * 8 + 2, ...varint(value.length)]), value])
}

/** @param {number} value */
function varint(value) {
  const out = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80)
  return [...out, rest]
}
