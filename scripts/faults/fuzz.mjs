// @ts-check
/**
 * Hostile input for all that reads what others wrote: valid examples, changed at random from a seed. Each input of a reader
 * must be answered without an exception, within a second; a reader that hangs is ended from outside and its input named.
 */
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { built, seeded } from './rig.mjs'

const SLOWEST_MS = 1000
const HANG_MS = 20_000
const BATCH = 500

/** @typedef {(bytes: Buffer, random: () => number) => string | null | Promise<string | null>} Reader what is wrong, or null */

/** What each reader is fed with: valid, and as rich as it comes. @type {Record<string, readonly (string | Buffer)[]>} */
export const examples = {
  sse: [
    'data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\ndata: {"choices":[{"delta":{"content":" the","reasoning_content":"r","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]}\n\n: ping\n\ndata: {"choices":[],"usage":{"prompt_tokens":64,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":1}},"timings":{"prompt_ms":3.5,"predicted_ms":1e3}}\n\ndata: [DONE]\n\n',
    'event: message_start\ndata: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":5,"cache_read_input_tokens":3,"cache_creation_input_tokens":1,"output_tokens":1}}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hé"}}\n\nevent: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
    'data: {"candidates":[{"content":{"parts":[{"text":"a","thought":true}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"thoughtsTokenCount":1,"cachedContentTokenCount":0},"modelVersion":"m"}\r\n\r\n',
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"a"}\n\nevent: response.completed\ndata: {"type":"response.completed","response":{"model":"m","usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":0},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0}}}}\n\n',
  ],
  ndjson: [
    '{"model":"m","message":{"role":"assistant","content":"a","thinking":"t"},"done":false}\n{"model":"m","message":{"content":""},"done":true,"done_reason":"stop","total_duration":5000000,"load_duration":1,"prompt_eval_count":26,"prompt_eval_duration":130000000,"eval_count":259,"eval_duration":4232710000}\n',
  ],
  'event-stream': [eventStream()],
  'otlp-json': [
    '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"scope":{"name":"app.llm"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"","name":"chat m","kind":3,"startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000002000000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.request.model","value":{"stringValue":"m"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"500"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":40}},{"key":"x","value":{"arrayValue":{"values":[{"doubleValue":1.5},{"boolValue":true},{"kvlistValue":{"values":[]}}]}}}],"events":[{"timeUnixNano":"1790000000500000000","name":"first_token"}],"status":{"code":2,"message":"x"}}]}]}]}\n',
  ],
  'otlp-proto': [proto()],
  yaml: [
    "name: s\nenv: [HOST]\ntargets:\n  - { name: t, baseUrl: 'http://127.0.0.1:1/v1', model: &m gpt, tokenizer: o200k_base, headers: { x: 'a${HOST:-b}' }, price: { inputPerM: 1, outputPerM: 2 } }\n  - { provider: anthropic, model: *m, apiKeyEnv: KEY }\nprobes:\n  - { probe: prompt-length, promptTokens: [64, 128], outputTokens: 8, blocks: 3, precision: 5% }\n  - probe: concurrency\n    concurrency: [1, 2, 4]\nbudget: { requests: 10, tokens: 1000, cost: 0.5 }\nexpectations: ['ttft{promptTokens=1024,cache=fresh}.p95 < 800 ms', 'errors < 1%']\ngate: { margins: { ttft: 5% } }\nschedule: { cron: '30 2 * * *', timezone: Europe/Berlin }\n",
  ],
  snapshot: [
    '{"format":"plumbline.snapshot/1","id":"20261123T090000Z-7f3a","checksum":"sha256:0","startedAt":"2026-11-23T09:00:00.000Z","endedAt":"2026-11-23T09:48:00.000Z","partial":false,"scenario":{"name":"s","file":null,"hash":"sha256:0","text":"x"},"provenance":{},"instrument":{"timerNs":40,"error":null},"targets":[],"summary":[],"curves":[],"samples":[{"id":"s-000001","ttft":1.5e2}],"notes":["\\u00e9"]}\n',
  ],
  'retry-after': [
    '120',
    'Wed, 21 Oct 2026 07:28:00 GMT',
    '-1',
    '1e400',
    '0.5',
    'Wed, 21 Oct 2026 07:28:00 GMT, 5',
  ],
  usage: [
    '{"promptTokens":64,"outputTokens":5,"cost":0.001}',
    '{"promptTokens":-1,"outputTokens":1e308}',
    '{}',
  ],
}

/** Pieces that parsers stumble over. */
const PIECES = [
  ...[
    '\0',
    '\r\n',
    '\n\n',
    '\u2028',
    '\ufeff',
    '\\ud800',
    '\\u0000',
    '"',
    '\\',
    '[',
    ']',
    '{',
    '}',
    '[[[[[[[[',
    ',',
    ':',
  ],
  ...[
    '__proto__',
    'constructor',
    '-1',
    '1e308',
    '1e999',
    'NaN',
    'null',
    'true',
    '9007199254740993',
    '0.1',
    '-0',
    '""',
    '[]',
    '{}',
  ],
  ...[
    'data: ',
    'event: ',
    '[DONE]',
    '&a ',
    '*a',
    '<<: ',
    '!!binary ',
    '---\n',
    '? ',
    '| ',
    '> ',
    '%YAML',
    '#',
    '${',
    '$$',
    '\t',
  ],
  ...['\x80', '\xff', '\x0a\x10', '\xff\xff\xff\xff\x0f'],
]

/** A valid example, changed some times. @param {readonly (string | Buffer)[]} from @param {() => number} random */
function mutated(from, random) {
  const below = (/** @type {number} */ n) => Math.floor(random() * n)
  let bytes = Buffer.from(from[below(from.length)] ?? '')
  for (let changes = below(6); changes >= 0; changes--) {
    const at = below(bytes.length + 1)
    const length = below(Math.min(64, bytes.length - at) + 1)
    const [left, middle, right] = [
      bytes.subarray(0, at),
      bytes.subarray(at, at + length),
      bytes.subarray(at + length),
    ]
    switch (below(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
        break
      case 1:
        bytes = Buffer.concat([left, right])
        break
      case 2:
        bytes = Buffer.concat([left, middle, middle, right])
        break
      case 3:
        bytes = Buffer.concat([
          left,
          Buffer.from(PIECES[below(PIECES.length)] ?? '', 'latin1'),
          bytes.subarray(at),
        ])
        break
      case 4:
        bytes = Buffer.concat([left, Buffer.from(Array.from({ length: below(16) }, () => below(256))), right])
        break
      case 5:
        bytes = Buffer.from(bytes.subarray(0, at))
        break
      default: {
        const piece = Buffer.from(PIECES[below(PIECES.length)] ?? '', 'latin1')
        bytes = Buffer.concat([left, ...Array.from({ length: below(500) }, () => piece), right])
      }
    }
  }
  return bytes
}

/** @param {string[]} protocolNames @returns {Promise<Reader>} */
async function streamReader(protocolNames) {
  const { toSample } = await built('sample/to-sample')
  const { protocols } = await built('run/tables')
  const all = Object.values(protocols).filter(
    ({ name }) => protocolNames.length === 0 || protocolNames.includes(name),
  )
  const context = {
    id: 's-000001',
    target: { name: 't', url: 'http://localhost:9/v1', model: 'm', apiKeyEnv: null },
    probe: 'p',
    cell: 'p/1',
    block: 0,
    attempt: 1,
    warmup: false,
    asked: {
      promptTokens: 64,
      prefixTokens: 0,
      outputTokens: 8,
      cache: 'fresh',
      concurrency: 1,
      rate: null,
      connection: 'reused',
    },
    intendedNs: 5e9,
    runStartNs: 3e9,
    runStartUtcMs: Date.UTC(2026, 10, 23),
    tokenizer: { exact: true, count: (/** @type {string} */ text) => Math.ceil(text.length / 4) },
    cacheRules: { minimumTokens: 1024, stepTokens: 128, reported: true },
    redact: (/** @type {string} */ text) => text,
  }
  return (body, random) => {
    const protocol = all[Math.floor(random() * all.length)]
    const cuts = Array.from({ length: 1 + Math.floor(random() * 5) }, () =>
      Math.floor(random() * body.length),
    )
    const ends = [...cuts.sort((a, b) => a - b), body.length]
    const exchange = {
      enqueuedNs: 5e9,
      startNs: 5e9,
      connection: { reused: true, dnsMs: 0, connectMs: 0, tlsMs: 0, http: '1.1' },
      headersNs: 5e9 + 1e6,
      status: random() < 0.1 ? 429 : 200,
      headers: { 'content-type': protocol.framing === 'sse' ? 'text/event-stream' : 'application/x-ndjson' },
      body,
      chunkNs: Float64Array.from(ends, (_, i) => 5e9 + (i + 2) * 1e6),
      chunkEnd: Float64Array.from(ends),
      endMarkerChunk: undefined,
      endNs: 5e9 + 1e8,
      failure: undefined,
    }
    const sample = toSample(exchange, protocol, context)
    for (const name of [
      'promptTokens',
      'outputTokens',
      'cachedTokens',
      'reasoningTokens',
      'ttft',
      'e2e',
      'tpot',
    ]) {
      const value = sample[name]
      if (typeof value === 'number' && !(value >= 0 && Number.isFinite(value))) return `${name} is ${value}`
    }
    JSON.stringify(sample)
    return null
  }
}

/** @returns {Promise<Reader>} */
async function spanReader() {
  const { createIntake } = await built('span/intake')
  const { readStream } = await built('span/read-spans')
  return async (bytes) => {
    async function* feed() {
      yield bytes
    }
    const intake = createIntake()
    let spans = 0
    for await (const batch of readStream(feed(), intake)) spans += batch.length
    intake.end()
    spans += intake.take().length
    return spans <= intake.counts.seen ? null : `${spans} spans of ${intake.counts.seen} seen`
  }
}

/** @type {Record<string, () => Promise<Reader>>} */
export const readers = {
  sse: () => streamReader([]),
  ndjson: () => streamReader(['ollama', 'openai-chat']),
  'event-stream': () => streamReader(['bedrock-converse']),
  'otlp-json': spanReader,
  'otlp-proto': spanReader,
  async yaml() {
    const { parseScenario } = await built('scenario/parse')
    const { scenarioContext } = await built('run/load-scenario')
    const context = scenarioContext({ HOST: 'h' })
    return (bytes) => {
      const parsed = parseScenario(bytes.toString(), 'x.yaml', context)
      return parsed.ok || parsed.problems.length > 0 ? null : 'refused without a problem'
    }
  },
  async snapshot() {
    const { parseSnapshot } = await built('snapshot/format')
    return (bytes) => {
      const parsed = parseSnapshot(bytes.toString(), 'x.json')
      return parsed.ok ? 'a snapshot without a checksum was taken' : null
    }
  },
  async 'retry-after'() {
    const { readRetryAfter } = await built('protocol/retry-after')
    return (bytes) => {
      const text = bytes.toString('latin1')
      const read = readRetryAfter(
        { 'retry-after': text, 'retry-after-ms': text, date: text },
        Date.now(),
        60_000,
      )
      return read === undefined || (read.waitMs >= 0 && read.waitMs <= 60_000)
        ? null
        : `waits ${read.waitMs} ms`
    }
  },
  async usage() {
    const { createBudget } = await built('plan/budget')
    return (bytes) => {
      let said = null
      try {
        said = JSON.parse(bytes.toString())
      } catch {
        return null
      }
      if (typeof said !== 'object' || said === null) return null
      const budget = createBudget({ requests: null, tokens: 1000, cost: 1 })
      const held = budget.reserve({ promptTokens: 64, outputTokens: 8, cost: 0.01 })
      held.settle(said)
      const { promptTokens, outputTokens, cost } = budget.used()
      return [promptTokens, outputTokens, cost].every((n) => Number.isFinite(n) && n >= 0)
        ? null
        : 'money was freed'
    }
  },
}

/** @param {Reader} reader @param {Buffer} bytes @param {() => number} random @returns {Promise<{ wrong: string | null, ms: number }>} */
async function tried(reader, bytes, random) {
  const startedMs = performance.now()
  try {
    return { wrong: await reader(bytes, random), ms: performance.now() - startedMs }
  } catch (error) {
    const place =
      error instanceof Error ? (error.stack ?? '').split('\n').slice(0, 3).join(' ') : String(error)
    return { wrong: `threw ${place}`, ms: performance.now() - startedMs }
  }
}

if (!isMainThread && workerData?.fuzz === true) {
  /** @type {Map<string, Reader>} */
  const made = new Map()
  const work = async (/** @type {{ name: string, seed: number, from: number, count: number }} */ job) => {
    const { name, seed, from, count } = job
    const reader = made.get(name) ?? (await readers[name]?.())
    if (reader === undefined) throw new Error(name)
    made.set(name, reader)
    const found = []
    let slowestMs = 0
    for (let i = from; i < from + count; i++) {
      const random = seeded(seed + i * 2654435761)
      const bytes = mutated(examples[name] ?? [], random)
      let { wrong, ms } = await tried(reader, bytes, random)
      // What took long because the machine was busy does not take long again.
      if (ms > SLOWEST_MS) ({ wrong, ms } = await tried(reader, bytes, random))
      slowestMs = Math.max(slowestMs, ms)
      if (ms > SLOWEST_MS) wrong ??= `took ${Math.round(ms)} ms`
      if (wrong !== null && found.length < 3)
        found.push(
          `${name}, seed ${seed}, input ${i}: ${wrong}; ${JSON.stringify(bytes.toString('latin1').slice(0, 300))}`,
        )
    }
    parentPort?.postMessage({ found, slowestMs, rssMb: process.memoryUsage.rss() / 2 ** 20 })
  }
  // What is thrown here is a fault of this script: it ends the worker, and the main thread hears of it.
  parentPort?.on('message', (job) => void work(job))
}

/**
 * @param {{ inputs?: number, minutes?: number, seed: number }} options so many inputs in all, or for so long
 * @returns {Promise<{ line: string, broken: string[] }>}
 */
export async function fuzz({ inputs = Infinity, minutes = Infinity, seed }) {
  const names = Object.keys(readers)
  const untilMs = performance.now() + minutes * 60_000
  const make = () => new Worker(fileURLToPath(import.meta.url), { workerData: { fuzz: true } })
  let worker = make()
  const broken = []
  const each = Math.ceil(inputs / names.length)
  let done = 0
  let slowestMs = 0
  let rssMb = 0
  for (let from = 0; from < each && performance.now() < untilMs; from += BATCH) {
    for (const name of names) {
      const count = Math.min(BATCH, each - from)
      const answer = await ask(worker, { name, seed, from, count })
      if (answer === null) {
        broken.push(`${name}, seed ${seed}, inputs ${from} to ${from + count}: hangs`)
        await worker.terminate()
        worker = make()
        continue
      }
      done += count
      broken.push(...answer.found)
      slowestMs = Math.max(slowestMs, answer.slowestMs)
      rssMb = Math.max(rssMb, answer.rssMb)
    }
    if (broken.length > 20) break
  }
  await worker.terminate()
  if (rssMb > 1024) broken.push(`memory grew to ${Math.round(rssMb)} MB`)
  return {
    line: `fuzz: ${done.toLocaleString('en')} inputs of ${names.length} kinds (${names.join(', ')}), seed ${seed}; slowest ${slowestMs.toFixed(0)} ms, memory at most ${Math.round(rssMb)} MB`,
    broken,
  }
}

/** @param {Worker} worker @param {object} job @returns {Promise<{ found: string[], slowestMs: number, rssMb: number } | null>} */
function ask(worker, job) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(null), HANG_MS + BATCH * 20)
    worker.once('message', (answer) => {
      clearTimeout(timer)
      worker.removeAllListeners('error')
      resolve(answer)
    })
    worker.once('error', reject)
    worker.postMessage(job)
  })
}

function eventStream() {
  const text = new TextEncoder()
  const codec = new EventStreamCodec(
    (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()),
    (value) => text.encode(value),
  )
  const message = (/** @type {string} */ type, /** @type {object} */ body) =>
    codec.encode({
      headers: {
        ':message-type': { type: 'string', value: 'event' },
        ':event-type': { type: 'string', value: type },
        ':content-type': { type: 'string', value: 'application/json' },
      },
      body: text.encode(JSON.stringify(body)),
    })
  return Buffer.concat([
    message('messageStart', { role: 'assistant' }),
    message('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'a' } }),
    message('messageStop', { stopReason: 'end_turn' }),
    message('metadata', {
      usage: { inputTokens: 5, outputTokens: 3, totalTokens: 8 },
      metrics: { latencyMs: 5 },
    }),
  ])
}

/** An ExportTraceServiceRequest with one span. */
function proto() {
  const field = (/** @type {number} */ number, /** @type {Buffer} */ bytes) =>
    Buffer.concat([Buffer.from([number * 8 + 2, ...varint(bytes.length)]), bytes])
  const text = (/** @type {number} */ number, /** @type {string} */ value) =>
    field(number, Buffer.from(value))
  const pair = (/** @type {string} */ key, /** @type {Buffer} */ value) =>
    Buffer.concat([text(1, key), field(2, value)])
  const time = (/** @type {number} */ number, /** @type {bigint} */ ns) => {
    const bytes = Buffer.alloc(9)
    bytes[0] = number * 8 + 1
    bytes.writeBigUInt64LE(ns, 1)
    return bytes
  }
  const span = Buffer.concat([
    field(1, Buffer.alloc(16, 7)),
    field(2, Buffer.alloc(8, 9)),
    text(5, 'chat m'),
    Buffer.from([6 * 8, 3]),
    time(7, 1_790_000_000_000_000_000n),
    time(8, 1_790_000_002_000_000_000n),
    field(9, pair('gen_ai.operation.name', text(1, 'chat'))),
    field(9, pair('gen_ai.request.model', text(1, 'm'))),
    field(9, pair('gen_ai.usage.input_tokens', Buffer.from([3 * 8, 100]))),
    field(11, Buffer.concat([time(1, 1_790_000_000_500_000_000n), text(2, 'first_token')])),
  ])
  const scope = field(2, Buffer.concat([field(1, text(1, 'app.llm')), field(2, span)]))
  const request = field(1, Buffer.concat([field(1, field(1, pair('service.name', text(1, 'shop')))), scope]))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(request.length)
  return Buffer.concat([length, request])
}

/** @param {number} value */
function varint(value) {
  const bytes = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return [...bytes, value]
}
