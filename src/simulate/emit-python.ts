/** Dialects of tracing libraries for Python: OpenLLMetry, OpenInference, pydantic-ai, Langfuse. */
import type { OtlpAttributes, OtlpEvent, OtlpGroup, OtlpKind } from '../span/otlp-envelope.js'
import { secondsTo } from './emit-genai.js'
import { httpxSpans, openaiEndpoint, pythonResource } from './emit-http.js'
import type { Emitter, Seen } from './spans-seen.js'

/** `opentelemetry-instrumentation-openai` of Traceloop: no TTFT, but an event for each chunk of a stream. */
export const openllmetry: Emitter = (seen) => {
  const { usage, failedStatus } = seen
  const chunks = seen.chunksMs ?? (seen.firstMs === undefined ? [] : [seen.firstMs])
  const { host, port } = openaiEndpoint(seen)
  const attributes: OtlpAttributes = {
    'llm.request.type': 'chat',
    'gen_ai.system': 'openai',
    'gen_ai.request.model': seen.model,
    'gen_ai.request.max_tokens': seen.maxTokens,
    'gen_ai.is_streaming': seen.firstMs === undefined ? undefined : true,
    'gen_ai.openai.api_base': `${port === 443 ? 'https' : 'http'}://${host}/v1/`,
    'traceloop.association.properties.session_id': seen.conversation,
    'traceloop.association.properties.user_id': seen.tenant,
    ...(failedStatus === undefined
      ? {
          'gen_ai.response.id': `chatcmpl-${seen.answerId}`,
          'gen_ai.response.model': seen.model,
          'gen_ai.openai.response.system_fingerprint': seen.fingerprint,
          'gen_ai.usage.input_tokens': usage?.promptTokens,
          'gen_ai.usage.output_tokens': usage?.outputTokens,
          'llm.usage.total_tokens': usage && usage.promptTokens + usage.outputTokens,
          'gen_ai.usage.cache_read_input_tokens': usage?.cachedTokens,
          'gen_ai.usage.reasoning_tokens': usage?.reasoningTokens,
        }
      : { 'error.type': failedStatus === 429 ? 'RateLimitError' : 'InternalServerError' }),
  }
  const events = chunks.map((atMs): OtlpEvent => ({ name: 'llm.content.completion.chunk', atMs }))
  return [one(seen, 'opentelemetry.instrumentation.openai.v1', 'openai.chat', 'client', attributes, events)]
}

/** Arize's OpenInference: TTFT is an event; one span covers all that the client library retries. */
export const openinference: Emitter = (seen) => {
  const { usage, failedStatus } = seen
  const attributes: OtlpAttributes = {
    'openinference.span.kind': 'LLM',
    'llm.provider': 'openai',
    'llm.system': 'openai',
    'llm.model_name': seen.model,
    'llm.invocation_parameters': JSON.stringify({
      model: seen.model,
      max_tokens: seen.maxTokens,
      ...(seen.firstMs !== undefined && { stream: true }),
    }),
    'session.id': seen.conversation,
    'user.id': seen.tenant,
    ...(failedStatus === undefined && {
      'llm.token_count.prompt': usage?.promptTokens,
      'llm.token_count.completion': usage?.outputTokens,
      'llm.token_count.total': usage && usage.promptTokens + usage.outputTokens,
      'llm.token_count.prompt_details.cache_read': usage?.cachedTokens,
      'llm.token_count.completion_details.reasoning': usage?.reasoningTokens,
    }),
  }
  const events: OtlpEvent[] =
    seen.firstMs === undefined ? [] : [{ name: 'First Token Stream Event', atMs: seen.firstMs }]
  if (failedStatus !== undefined) events.push(exception(seen, failedStatus))
  return [one(seen, 'openinference.instrumentation.openai', 'ChatCompletion', 'internal', attributes, events)]
}

/** pydantic-ai, and Logfire with it; HTTP spans by its `instrument_httpx`. */
export const pydanticAi: Emitter = (seen) => {
  const endpoint = openaiEndpoint(seen)
  const { usage, failedStatus, model } = seen
  const attributes: OtlpAttributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.system': 'openai',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': model,
    'gen_ai.request.max_tokens': seen.maxTokens,
    'server.address': endpoint.host,
    'server.port': endpoint.port,
    ...(failedStatus === undefined
      ? {
          'gen_ai.response.id': `chatcmpl-${seen.answerId}`,
          'gen_ai.response.model': model,
          'gen_ai.response.finish_reasons': ['stop'],
          'gen_ai.client.operation.time_to_first_chunk': secondsTo(seen.firstMs, seen.startMs),
          'gen_ai.usage.input_tokens': usage?.promptTokens,
          'gen_ai.usage.cache_read.input_tokens': usage?.cachedTokens,
          'gen_ai.usage.output_tokens': usage?.outputTokens,
          'gen_ai.usage.details.reasoning_tokens': usage?.reasoningTokens,
        }
      : { 'error.type': 'ModelHTTPError' }),
  }
  const events = failedStatus === undefined ? undefined : [exception(seen, failedStatus)]
  return [
    one(seen, 'pydantic-ai', `chat ${model}`, 'client', attributes, events),
    ...httpxSpans(seen, endpoint),
  ]
}

/** Langfuse's SDK: its own attributes, usage as JSON, the time of the first token as an ISO instant in JSON. */
export const langfuse: Emitter = (seen) => {
  const { usage, failedStatus } = seen
  const attributes: OtlpAttributes = {
    'langfuse.observation.type': 'generation',
    'langfuse.observation.model.name': seen.model,
    'langfuse.observation.model.parameters': JSON.stringify({ max_tokens: seen.maxTokens }),
    'session.id': seen.conversation,
    'user.id': seen.tenant,
    'langfuse.environment': 'default',
    'langfuse.observation.completion_start_time':
      seen.firstMs === undefined ? undefined : JSON.stringify(isoMicroseconds(seen.firstMs)),
    'langfuse.observation.usage_details': usage && JSON.stringify(openaiUsage(usage)),
    ...(failedStatus !== undefined && {
      'langfuse.observation.level': 'ERROR',
      'langfuse.observation.status_message': `Error code: ${failedStatus}`,
    }),
  }
  return [one(seen, 'langfuse-sdk', 'OpenAI-generation', 'internal', attributes)]
}

/** As OpenAI's API has it, which is what the SDK passes on. */
function openaiUsage({
  promptTokens,
  outputTokens,
  cachedTokens,
  reasoningTokens,
}: NonNullable<Seen['usage']>): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    ...(cachedTokens !== undefined && { prompt_tokens_details: { cached_tokens: cachedTokens } }),
    ...(reasoningTokens !== undefined && {
      completion_tokens_details: { reasoning_tokens: reasoningTokens },
    }),
  }
}

function isoMicroseconds(ms: number): string {
  const whole = Math.floor(ms)
  const micros = String(Math.floor((ms - whole) * 1000)).padStart(3, '0')
  return new Date(whole).toISOString().replace('Z', `${micros}Z`)
}

function exception({ endMs }: Seen, status: number): OtlpEvent {
  const type = status === 429 ? 'openai.RateLimitError' : 'openai.InternalServerError'
  return {
    name: 'exception',
    atMs: endMs,
    attributes: { 'exception.type': type, 'exception.message': `Error code: ${status}` },
  }
}

function one(
  seen: Seen,
  scope: string,
  name: string,
  kind: OtlpKind,
  attributes: OtlpAttributes,
  events?: readonly OtlpEvent[],
): OtlpGroup {
  const { traceId, spanId, startMs, endMs, failedStatus } = seen
  return {
    resource: pythonResource(seen.service),
    scope: { name: scope },
    spans: [
      {
        traceId,
        spanId,
        name,
        kind,
        startMs,
        endMs,
        attributes,
        ...(events && events.length > 0 && { events }),
        ...(failedStatus !== undefined && {
          status: { code: 'error', message: `Error code: ${failedStatus}` },
        }),
      },
    ],
  }
}
