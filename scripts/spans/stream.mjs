// @ts-check
/**
 * Spans of 1.5 kB and 18 attributes without end, as OTLP/JSON and as protobuf, and the curve that they follow: 19 in 20
 * lie on it, the twentieth 3 s above it. A seed is a number that all ids begin with.
 */

/** Distinct spans; each time round they come later, in other traces. */
const SPANS = 2000
const EVERY_MS = 70
const ROUND_S = (SPANS * EVERY_MS) / 1000
/** Spans of a piece. */
const PIECE = 100
const START_MS = 1_790_000_000_000
/** Tokens of a prefix that is always warm. */
const CACHED = 1024
/** Name of the model, in the spans and in the baseline. */
const MODEL = 'gpt-5-mini'
const NAME = `chat ${MODEL}`

/**
 * Bytes, and where in them trace ids and moments stand (of JSON the seconds, of protobuf the nanoseconds).
 * @typedef {{ bytes: Buffer, ids: number[], times: { at: number, from: bigint }[] }} Piece
 * @typedef {string | number | boolean | string[]} Value
 * @typedef {'lines' | 'document' | 'protobuf'} Format
 */

/**
 * Pieces until there are `bytes` of them: yields each with its number of spans. A buffer is used again for the next
 * round, so whoever keeps one must copy it.
 * @param {Format} format @param {number} bytes @param {number} [seed]
 * @returns {Generator<{ bytes: Buffer, spans: number }>}
 */
export function* spanPieces(format, bytes, seed = 1) {
  const pieces = format === 'protobuf' ? protobufPieces() : jsonPieces(format)
  if (format === 'document') yield { bytes: Buffer.from('{"resourceSpans":['), spans: 0 }
  let fed = 0
  for (let round = 0; fed < bytes; round++) {
    for (const piece of pieces) {
      stamp(piece, seed, round, format)
      fed += piece.bytes.length
      yield { bytes: piece.bytes, spans: PIECE }
      if (fed >= bytes) break
    }
  }
  if (format === 'document') yield { bytes: Buffer.from('{}]}'), spans: 0 }
}

/** One request of OTLP/JSON. @param {number} from @param {number} count */
export function spanRequest(from, count) {
  const spans = Array.from({ length: count }, (_, i) => jsonSpan(spanAt(from + i, 190)))
  return JSON.stringify({ resourceSpans: [groupOf(spans)] })
}

/** A snapshot with the curve, without its checksum. @param {string} format @param {object} definitions */
export function baselineOfStream(format, definitions) {
  /** @param {number} value */
  const parameter = (value) => ({ value, se: value / 100, low: value * 0.98, high: value * 1.02, unit: 'ms' })
  // Of a logistic residual of some 10 %.
  const quantiles = Array.from({ length: 99 }, (_, i) => 0.058 * Math.log((i + 1) / (99 - i)))
  const common = {
    target: 'gpt',
    residual: { sd: 0.1, quantiles },
    samples: 240,
    blocks: 20,
    regimes: 1,
    warnings: [],
  }
  const moment = new Date(START_MS - 3_600_000).toISOString()
  return {
    format,
    id: 'curve',
    startedAt: moment,
    endedAt: moment,
    partial: false,
    scenario: { name: 'spans', file: null, hash: 'sha256:0', text: 'name: spans' },
    provenance: {
      harness: '0.0.0',
      commit: null,
      node: process.version,
      os: process.platform,
      cpu: '',
      seed: 1,
      runId: 'curve',
      definitions,
    },
    instrument: {
      timerNs: 40,
      error: null,
      loopDelay: { p50: 0, p99: 1, max: 2 },
      arrivals: [],
      overloaded: false,
      warnings: [],
    },
    targets: [
      {
        name: 'gpt',
        provider: 'openai',
        protocol: 'openai-chat',
        baseUrl: 'http://127.0.0.1:1',
        model: MODEL,
        tokenizer: 'o200k_base',
      },
    ],
    curves: [
      {
        ...common,
        law: 'prefill',
        parameters: {
          base: parameter(200),
          fresh: { ...parameter(100), unit: 'us/token' },
          hit: { ...parameter(0.01), unit: 'us/token' },
        },
        validity: { fresh: [128, 12_000], cached: [0, 12_000] },
      },
      {
        ...common,
        law: 'decode',
        parameters: { step: parameter(12), perContext: { ...parameter(0), unit: 'us/token/token' } },
        validity: { context: [128, 20_000] },
      },
    ],
    summary: [],
    spent: { requests: 0, promptTokens: 0, outputTokens: 0, cost: null },
    notes: [],
    samples: [],
  }
}

/**
 * Makes every span of a piece one of the round, in place: the first eight digits of its trace, and its times.
 * @param {Piece} piece @param {number} seed @param {number} round @param {Format} format
 */
function stamp({ bytes, ids, times }, seed, round, format) {
  const mark = seed * 1_000_000 + round
  const later = BigInt(round * ROUND_S)
  if (format === 'protobuf') {
    for (const at of ids) bytes.writeUInt32BE(mark, at)
    for (const { at, from } of times) bytes.writeBigUInt64LE(from + later * 1_000_000_000n, at)
  } else {
    for (const at of ids) bytes.write(mark.toString(16).padStart(8, '0'), at, 'latin1')
    for (const { at, from } of times) bytes.write(String(from + later), at, 'latin1')
  }
}

/** A span a request, as a Collector without batches writes them. @param {Format} format @returns {Piece[]} */
function jsonPieces(format) {
  /** @type {Piece[]} */
  const pieces = []
  const end = format === 'lines' ? '\n' : ','
  for (let i = 0; i < SPANS; i += PIECE) {
    const texts = []
    for (let j = i; j < i + PIECE; j++) {
      const group = groupOf([jsonSpan(spanAt(j, 4))])
      texts.push(JSON.stringify(format === 'lines' ? { resourceSpans: [group] } : group) + end)
    }
    const bytes = Buffer.from(texts.join(''))
    const times = [...placesOf(bytes, '"startTimeUnixNano":"'), ...placesOf(bytes, '"endTimeUnixNano":"')]
    pieces.push({
      bytes,
      ids: placesOf(bytes, '"traceId":"'),
      times: times.map((at) => ({ at, from: BigInt(bytes.toString('latin1', at, at + 10)) })),
    })
  }
  return pieces
}

/** @param {object[]} spans */
function groupOf(spans) {
  return {
    resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
    scopeSpans: [{ scope: { name: 'app.llm' }, spans }],
  }
}

/** The Collector's records of 100 spans, padded to 1.5 kB a span. */
function protobufPieces() {
  /** @type {Piece[]} */
  const pieces = []
  for (let i = 0; i < SPANS; i += PIECE) {
    const spans = Array.from({ length: PIECE }, (_, j) => message(2, protoSpan(spanAt(i + j, 740))))
    const resource = message(1, message(1, text(1, 'service.name'), message(2, text(1, 'shop'))))
    const body = message(1, resource, message(2, message(1, text(1, 'app.llm')), ...spans))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    const bytes = Buffer.concat([length, body])
    // A trace id is the field 1 of 16 bytes; only there do these three bytes stand in a row.
    const ids = placesOf(bytes, '\x0a\x10\x00').map((at) => at - 1)
    // Behind it stand the span's id, its name, its kind (2), and the tag of its start; its end follows.
    const starts = ids.map((at) => at + 16 + 10 + 2 + NAME.length + 2 + 1)
    const times = [...starts, ...starts.map((at) => at + 9)]
    pieces.push({ bytes, ids, times: times.map((at) => ({ at, from: bytes.readBigUInt64LE(at) })) })
  }
  return pieces
}

/** Behind each place where the word stands. @param {Buffer} piece @param {string} word */
function placesOf(piece, word) {
  const places = []
  for (let at = piece.indexOf(word); at >= 0; at = piece.indexOf(word, at + 1)) places.push(at + word.length)
  return places
}

/** A call of 18 attributes. @param {number} i @param {number} padding */
function spanAt(i, padding) {
  const hex = i.toString(16).padStart(8, '0')
  const input = CACHED + 200 + ((i * 7919) % 6000)
  const output = 20 + ((i * 104_729) % 400)
  const startMs = START_MS + i * EVERY_MS
  const ttftMs = 200 + (input - CACHED) / 10 + (i % 20 === 7 ? 3000 : 0)
  /** @type {Record<string, Value>} */
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': MODEL,
    'gen_ai.response.model': `${MODEL}-2026-08-0${1 + (i % 3)}`,
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
  return { traceId, spanId, name: NAME, startMs, endMs, attributes }
}

/** @param {ReturnType<typeof spanAt>} span */
function jsonSpan({ traceId, spanId, name, startMs, endMs, attributes }) {
  return {
    traceId,
    spanId,
    name,
    kind: 3,
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: jsonValue(value) })),
    status: {},
  }
}

/** @param {number} ms */
function nanoseconds(ms) {
  return `${BigInt(Math.round(ms * 1000)) * 1000n}`
}

/** @param {Value} value @returns {object} */
function jsonValue(value) {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(jsonValue) } }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** @param {ReturnType<typeof spanAt>} span */
function protoSpan({ traceId, spanId, name, startMs, endMs, attributes }) {
  return Buffer.concat([
    delimited(1, Buffer.from(traceId, 'hex')),
    delimited(2, Buffer.from(spanId, 'hex')),
    text(5, name),
    Buffer.from([6 * 8, 3]),
    time(7, startMs),
    time(8, endMs),
    ...Object.entries(attributes).map(([key, value]) =>
      message(9, text(1, key), message(2, protoValue(value))),
    ),
  ])
}

/** @param {Value} value @returns {Buffer} */
function protoValue(value) {
  if (typeof value === 'string') return text(1, value)
  if (typeof value === 'boolean') return Buffer.from([2 * 8, value ? 1 : 0])
  if (Array.isArray(value)) return message(5, ...value.map((item) => message(1, protoValue(item))))
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
  return delimited(field, Buffer.from(value))
}

/** @param {number} field @param {Buffer[]} parts */
function message(field, ...parts) {
  return delimited(field, Buffer.concat(parts))
}

/** @param {number} field @param {Buffer} value */
function delimited(field, value) {
  return Buffer.concat([Buffer.from([field * 8 + 2, ...varint(value.length)]), value])
}

/** @param {number} value */
function varint(value) {
  const out = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80)
  return [...out, rest]
}
