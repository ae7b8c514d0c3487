// @ts-check
/** Requests to an engine as the spans that services and engines write of them, with more and less in each kind. */

/**
 * @typedef {import('./load.mjs').Record} Record
 * @typedef {import('../../src/span/otlp-envelope.js').OtlpSpan} OtlpSpan
 * @typedef {import('../../src/span/otlp-envelope.js').OtlpGroup} OtlpGroup
 */

/** What each kind of trace holds. */
export const kinds = {
  'client and server spans (A)': (/** @type {Of} */ of) => [client(of, true), server(of)],
  'server spans alone (A)': (/** @type {Of} */ of) => [server(of)],
  'client spans with cached tokens (B)': (/** @type {Of} */ of) => [client(of, true)],
  'client spans (C)': (/** @type {Of} */ of) => [client(of, false)],
}
/** @typedef {keyof typeof kinds} Kind */

/** @typedef {{ record: Record, queueMs: number, model: string, index: number }} Of */

/** A span's id, by which a verdict is found again. @param {number} index @param {'client' | 'server'} side */
export const spanId = (index, side) =>
  `${side === 'client' ? 'c' : '5'}${index.toString(16).padStart(15, '0')}`

/** OpenTelemetry GenAI semantic conventions. @param {Of} of @param {boolean} tellsCache @returns {OtlpGroup} */
function client({ record, model, index }, tellsCache) {
  const { startMs, durationMs, ttftMs, promptTokens, cachedTokens, outputTokens } = record
  return {
    resource: { 'service.name': 'shop' },
    scope: { name: 'app.llm' },
    spans: [
      {
        traceId: traceId(index),
        spanId: spanId(index, 'client'),
        name: `chat ${model}`,
        kind: 'client',
        startMs,
        endMs: startMs + durationMs,
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': 'openai',
          'gen_ai.request.model': model,
          'gen_ai.request.stream': true,
          'gen_ai.response.time_to_first_chunk': ttftMs / 1000,
          'gen_ai.usage.input_tokens': promptTokens,
          'gen_ai.usage.output_tokens': outputTokens,
          'gen_ai.usage.cache_read.input_tokens': tellsCache ? cachedTokens : undefined,
        },
      },
    ],
  }
}

/** As vLLM writes it: seconds, from the arrival on. @param {Of} of @returns {OtlpGroup} */
function server({ record, queueMs, model, index }) {
  const { startMs, durationMs, ttftMs, promptTokens, outputTokens, promptMs, predictedMs } = record
  const arrivedMs = startMs + Math.max(0, ttftMs - promptMs - queueMs)
  return {
    resource: { 'service.name': 'engine' },
    scope: { name: 'vllm.llm_engine' },
    spans: [
      {
        traceId: traceId(index),
        spanId: spanId(index, 'server'),
        parentSpanId: spanId(index, 'client'),
        name: 'llm_request',
        kind: 'server',
        startMs: arrivedMs,
        endMs: startMs + durationMs,
        attributes: {
          'gen_ai.response.model': model,
          'gen_ai.request.id': `cmpl-${index}`,
          'gen_ai.usage.prompt_tokens': promptTokens,
          'gen_ai.usage.completion_tokens': outputTokens,
          'gen_ai.latency.time_in_queue': queueMs / 1000,
          'gen_ai.latency.time_to_first_token': (queueMs + promptMs) / 1000,
          'gen_ai.latency.time_in_model_prefill': promptMs / 1000,
          'gen_ai.latency.time_in_model_decode': predictedMs / 1000,
          'gen_ai.latency.e2e': (startMs + durationMs - arrivedMs) / 1000,
        },
      },
    ],
  }
}

/** @param {number} index */
function traceId(index) {
  return `a${index.toString(16).padStart(31, '0')}`
}
