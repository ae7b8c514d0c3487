// @ts-check
/** All that reads what others wrote, as a function from bytes to what is wrong: nothing, whatever the bytes are. */
import { built } from './rig.mjs'

/** @typedef {(bytes: Buffer, random: () => number) => string | null | Promise<string | null>} Reader what is wrong, or null */

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
    const { canonicalJson, encodeSnapshot, parseSnapshot, sha256 } = await built('snapshot/format')
    /** With the checksum that its fields have, so that they are looked at. @param {string} text */
    const signed = (text) => {
      try {
        const document = JSON.parse(text)
        document.checksum = sha256(canonicalJson({ ...document, checksum: undefined }))
        return JSON.stringify(document)
      } catch {
        return text
      }
    }
    return (bytes, random) => {
      const text = random() < 0.8 ? signed(bytes.toString()) : bytes.toString()
      const parsed = parseSnapshot(text, 'x.json')
      if (!parsed.ok) return parsed.problem.message === '' ? 'refused without a reason' : null
      const again = parseSnapshot(encodeSnapshot(parsed.value), 'x.json')
      return again.ok ? null : `taken, but not taken again: ${again.problem.message}`
    }
  },
  async 'retry-after'() {
    const { readRetryAfter } = await built('protocol/retry-after')
    return (bytes, random) => {
      const text = bytes.toString('latin1')
      const named = ['retry-after', 'retry-after-ms', 'date', 'x-ratelimit-reset-requests']
      const headers = Object.fromEntries(named.map((name) => [name, random() < 0.5 ? text : '0']))
      const refusal = random() < 0.3 ? { headers: {}, body: bytes } : { headers, body: bytes }
      const read = readRetryAfter(refusal, Date.now(), 60_000)
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
