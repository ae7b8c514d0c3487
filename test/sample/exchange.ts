/** Builds exchanges and contexts for tests: chunk texts with their arrival, milliseconds after request start. */
import type { SampleContext } from '../../src/sample/to-sample.js'
import type { Exchange } from '../../src/wire/exchange.js'

export const START_NS = 5_000_000_000

export function exchangeOf(
  chunks: readonly (readonly [atMs: number, bytes: string | Uint8Array])[],
  changes: Partial<Exchange> = {},
): Exchange {
  const encoded = chunks.map(([, bytes]) =>
    typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes,
  )
  const chunkEnd = new Float64Array(chunks.length)
  let end = 0
  for (const [index, bytes] of encoded.entries()) chunkEnd[index] = end += bytes.length
  const lastMs = chunks.at(-1)?.[0] ?? 0
  return {
    enqueuedNs: START_NS,
    startNs: START_NS,
    connection: { reused: true, dnsMs: 0, connectMs: 0, tlsMs: 0, http: '1.1' },
    headersNs: START_NS + 1e6,
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: Buffer.concat(encoded),
    chunkNs: Float64Array.from(chunks, ([atMs]) => START_NS + atMs * 1e6),
    chunkEnd,
    endMarkerChunk: undefined,
    endNs: START_NS + lastMs * 1e6,
    failure: undefined,
    ...changes,
  }
}

export function contextOf(changes: Partial<SampleContext> = {}): SampleContext {
  return {
    id: 's-000001',
    target: { name: 'gpt', url: 'http://localhost:9/v1', model: 'm', apiKeyEnv: 'OPENAI_API_KEY' },
    probe: 'prompt-length',
    cell: 'prompt-length/100',
    block: 0,
    attempt: 1,
    warmup: false,
    asked: {
      promptTokens: 100,
      prefixTokens: 0,
      outputTokens: 16,
      cache: 'fresh',
      concurrency: 1,
      rate: null,
      connection: 'reused',
    },
    intendedNs: START_NS,
    runStartNs: START_NS - 2_000_000_000,
    runStartUtcMs: Date.UTC(2026, 10, 23, 9, 0, 0),
    // One word, one token: exact and easily counted by eye.
    tokenizer: { exact: true, count: (text) => text.split(' ').filter((word) => word !== '').length },
    cacheRules: { minimumTokens: 1024, stepTokens: 128, reported: true },
    redact: (text) => text,
    ...changes,
  }
}

/** One SSE event of OpenAI's chat protocol. */
export function sse(chunk: unknown): string {
  return `data: ${JSON.stringify(chunk)}\n\n`
}

export const role = sse({ model: 'm-1', choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] })
export const say = (content: string) => sse({ choices: [{ index: 0, delta: { content } }] })
export const finish = sse({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
export const usage = (prompt: number, output: number, cached?: number) =>
  sse({
    choices: [],
    usage: {
      prompt_tokens: prompt,
      completion_tokens: output,
      ...(cached !== undefined && { prompt_tokens_details: { cached_tokens: cached } }),
    },
  })
export const done = 'data: [DONE]\n\n'
