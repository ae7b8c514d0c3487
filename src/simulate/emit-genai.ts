/** The OpenTelemetry GenAI conventions, current and as they were, and the server spans that vLLM writes by them. */
import type { OtlpAttributes, OtlpGroup } from '../span/otlp-envelope.js'
import { nodeResource, openaiEndpoint, pythonResource, undiciSpans } from './emit-http.js'
import type { Emitter, Seen } from './spans-seen.js'

/** opentelemetry.io/docs/specs/semconv/gen-ai, inference client span with the OpenAI extension; 2026. */
export const otelGenai: Emitter = (seen) => {
  const endpoint = openaiEndpoint(seen)
  const { usage, model, failedStatus } = seen
  const attributes: OtlpAttributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': model,
    'gen_ai.request.max_tokens': seen.maxTokens,
    'gen_ai.request.stream': seen.firstMs === undefined ? undefined : true,
    'gen_ai.conversation.id': seen.conversation,
    'server.address': endpoint.host,
    'server.port': endpoint.port,
    'openai.api.type': 'chat_completions',
    ...(failedStatus === undefined
      ? {
          'gen_ai.response.id': `chatcmpl-${seen.answerId}`,
          'gen_ai.response.model': model,
          'gen_ai.response.finish_reasons': ['stop'],
          'gen_ai.response.time_to_first_chunk': secondsTo(seen.firstMs, seen.startMs),
          'gen_ai.usage.input_tokens': usage?.promptTokens,
          'gen_ai.usage.cache_read.input_tokens': usage?.cachedTokens,
          'gen_ai.usage.output_tokens': usage?.outputTokens,
          'gen_ai.usage.reasoning.output_tokens': usage?.reasoningTokens,
          'openai.response.system_fingerprint': seen.fingerprint,
          'openai.response.service_tier': seen.fingerprint === undefined ? undefined : 'default',
        }
      : { 'error.type': String(failedStatus) }),
    // An attribute of the service's own, beside the conventions.
    'tenant.id': seen.tenant,
  }
  return [
    call(seen, nodeResource(seen.service), 'assistant.genai', attributes),
    ...undiciSpans(seen, endpoint),
  ]
}

/** Conventions v1.27 to v1.36 as `opentelemetry-instrumentation-openai-v2` wrote them: no TTFT, no cache counts. */
export const otelGenaiOlder: Emitter = (seen) => {
  const { host, port } = openaiEndpoint(seen)
  const { usage, failedStatus } = seen
  const attributes: OtlpAttributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.system': 'openai',
    'gen_ai.request.model': seen.model,
    'gen_ai.request.max_tokens': seen.maxTokens,
    'server.address': host,
    'server.port': port,
    ...(failedStatus === undefined
      ? {
          'gen_ai.response.id': `chatcmpl-${seen.answerId}`,
          'gen_ai.response.model': seen.model,
          'gen_ai.response.finish_reasons': ['stop'],
          'gen_ai.usage.prompt_tokens': usage?.promptTokens,
          'gen_ai.usage.completion_tokens': usage?.outputTokens,
          'gen_ai.openai.response.system_fingerprint': seen.fingerprint,
          'gen_ai.openai.response.service_tier': seen.fingerprint === undefined ? undefined : 'default',
        }
      : { 'error.type': failedStatus === 429 ? 'RateLimitError' : 'InternalServerError' }),
  }
  return [call(seen, pythonResource(seen.service), 'opentelemetry.instrumentation.openai_v2', attributes)]
}

/**
 * vLLM behind `--otlp-traces-endpoint`, called by a service whose trace it joins: the call as above, and below it
 * `llm_request`, a server span from the engine's clock. Its latencies are seconds.
 */
export const vllm: Emitter = (seen) => {
  const above = otelGenai(seen)
  const { server, usage } = seen
  if (!server) return above
  const seconds = (ms: number): number => ms / 1000
  const attributes: OtlpAttributes = {
    'gen_ai.response.model': seen.model,
    'gen_ai.request.id': `chatcmpl-${seen.answerId}`,
    'gen_ai.request.max_tokens': seen.maxTokens,
    'gen_ai.request.temperature': 1,
    'gen_ai.request.top_p': 1,
    'gen_ai.request.n': 1,
    'gen_ai.usage.num_sequences': 1,
    'gen_ai.usage.prompt_tokens': usage?.promptTokens,
    'gen_ai.usage.completion_tokens': usage?.outputTokens,
    'gen_ai.latency.time_in_queue': seconds(server.queueMs),
    'gen_ai.latency.time_to_first_token': seconds(server.ttftMs),
    'gen_ai.latency.e2e': seconds(server.endMs - server.arrivalMs),
    'gen_ai.latency.time_in_model_prefill': seconds(server.prefillMs),
    'gen_ai.latency.time_in_model_decode': seconds(server.decodeMs),
    'gen_ai.latency.time_in_model_inference': seconds(server.prefillMs + server.decodeMs),
  }
  return [
    ...above,
    {
      resource: {
        'service.name': 'vllm-server',
        'service.instance.id': server.instance,
        'cloud.region': server.region,
      },
      scope: { name: 'vllm.llm_engine' },
      spans: [
        {
          traceId: seen.traceId,
          spanId: seen.nextId(),
          parentSpanId: seen.spanId,
          name: 'llm_request',
          kind: 'server',
          startMs: server.arrivalMs,
          endMs: server.endMs,
          attributes,
        },
      ],
    },
  ]
}

function call(
  seen: Seen,
  resource: Record<string, string>,
  scope: string,
  attributes: OtlpAttributes,
): OtlpGroup {
  const { traceId, spanId, startMs, endMs, model, failedStatus } = seen
  const failed = failedStatus !== undefined && ({ code: 'error' } as const)
  return {
    resource,
    scope: { name: scope },
    spans: [
      {
        traceId,
        spanId,
        name: `chat ${model}`,
        kind: 'client',
        startMs,
        endMs,
        attributes,
        ...(failed && { status: failed }),
      },
    ],
  }
}

export function secondsTo(atMs: number | undefined, startMs: number): number | undefined {
  return atMs === undefined ? undefined : (atMs - startMs) / 1000
}
