/**
 * The one table from what dialects write to the fields of a span: for each field its keys, best first, with their
 * units. Longer than a file should be because it is the table. Sources: OpenTelemetry GenAI semantic conventions and
 * the documentation or source of each instrumentation (docs/spans.md).
 */
import type { SpanFacts } from './span.js'

/**
 * How a value is read. `s`, `ms`, `us`, `ns`: a duration; `time`: a moment (ISO 8601, or since 1970 with the unit
 * told by its size); `count`: a whole number from 0 up; `text`; `flag`; `after`: one more than the number (retries
 * to attempts); `colo`: what follows the last hyphen; `timing`: `dur=` of a Server-Timing header.
 */
export const units = [
  's',
  'ms',
  'us',
  'ns',
  'time',
  'count',
  'text',
  'flag',
  'after',
  'colo',
  'timing',
] as const
export type Unit = (typeof units)[number]

/** Where a value goes: a field of the span, or something that only decides how others are read. */
export type Slot =
  | Exclude<keyof SpanFacts, 'tries' | 'retryMs' | 'ttftScope'> // of the gaps only their mean
  | 'durationMs'
  | 'startTime'
  | 'endTime'
  | 'firstTime' // the moment of the first output
  | 'operation'
  | 'kind' // what a dialect of its own calls this span: LLM, generation, …
  | 'totalTokens'
  | 'audioTokens' // of the output, where a dialect takes them off it
  | 'isExclusive' // the input count excludes the cache
  | 'isSuccess'
  | 'method'
  | 'traceId'
  | 'spanId'
  | 'parentId'
  | 'name'

type Row = string | readonly [key: string, unit: Unit]

const header = (name: string): string => `http.response.header.${name}`

/** A bare string takes the unit of its field (`unitOf`). */
export const mapping: Readonly<Record<Slot, readonly Row[]>> = {
  operation: ['gen_ai.operation.name', 'llm.request.type'],
  kind: [
    'ai.operationId',
    'openinference.span.kind',
    'langfuse.observation.type',
    'mlflow.spanType',
    'traceloop.span.kind',
    'span_attributes.type', // Braintrust
    'event', // PostHog
    'event.name', // log records
    'type', // Langfuse's export
  ],
  service: ['service.name', 'service', 'service_name', 'app'],
  provider: [
    'gen_ai.provider.name',
    'gen_ai.system',
    'ai.model.provider',
    'llm.provider',
    'llm.system',
    '$ai_provider',
    'metadata.provider',
    'provider',
    'gen_ai.openai.api_base',
    '$ai_base_url',
    'url.full',
    'http.url',
  ],
  modelRequested: [
    'gen_ai.request.model',
    'ai.model.id',
    'llm.request.model_name',
    'langfuse.observation.model.name',
    'llm.model_name',
    'mlflow.llm.model',
    '$ai_model',
    'providedModelName',
    'metadata.model',
    'model',
    'model_name',
  ],
  modelServed: [
    'gen_ai.response.model',
    'ai.response.model',
    'llm.response.model_name',
    header('x-ms-served-model'),
    'response_model',
    'served_model',
  ],
  streaming: [
    'gen_ai.request.stream',
    'gen_ai.is_streaming',
    'llm.is_streaming',
    'gen_ai.response.streaming',
    'llm.invocation_parameters.stream',
    'langfuse.observation.model.parameters.stream',
    'modelParameters.stream',
    '$ai_stream',
    'stream',
    'streaming',
  ],
  ttftMs: [
    ['gen_ai.response.time_to_first_chunk', 's'],
    ['gen_ai.client.operation.time_to_first_chunk', 's'],
    ['gen_ai.client.inference.time_to_first_chunk', 's'],
    ['gen_ai.response.time_to_first_token', 's'],
    ['ai.response.msToFirstChunk', 'ms'],
    ['ai.stream.msToFirstChunk', 'ms'],
    ['ttft_ms', 'ms'],
    ['$ai_time_to_first_token', 's'],
    ['metrics.time_to_first_token', 's'],
    ['time_to_first_token_ms', 'ms'],
    ['ttftMs', 'ms'],
    ['timeToFirstToken', 's'],
    ['time_to_first_token', 's'],
    ['ttft_s', 's'],
    ['ttft', 's'],
  ],
  firstTime: ['langfuse.observation.completion_start_time', 'completionStartTime', 'completion_start_time'],
  ttfvtMs: [
    ['ttfvt_ms', 'ms'],
    ['ttfvtMs', 'ms'],
  ],
  durationMs: [
    ['gen_ai.client.operation.duration', 's'],
    ['gen_ai.client.inference.duration', 's'],
    ['ai.response.msToFinish', 'ms'],
    ['duration_ms', 'ms'],
    ['$ai_latency', 's'],
    ['durationMs', 'ms'],
    ['latency_ms', 'ms'],
    ['e2e_ms', 'ms'],
    ['latency', 's'],
    ['duration_s', 's'],
  ],
  gaps: [
    ['gen_ai.client.operation.time_per_output_chunk', 's'],
    ['gen_ai.client.inference.time_per_output_chunk', 's'],
  ],
  serverTtftMs: [
    ['gen_ai.latency.time_to_first_token', 's'],
    ['fireworks-server-time-to-first-token', 's'],
    [header('fireworks-server-time-to-first-token'), 's'],
    ['firstByteLatency', 'ms'],
    ['aws.bedrock.invocation.first_byte_latency', 'ms'],
  ],
  queueMs: [
    ['gen_ai.latency.time_in_queue', 's'],
    ['x_groq.usage.queue_time', 's'],
    ['usage.queue_time', 's'],
    ['time_info.queue_time', 's'],
    ['queue_time', 's'],
    [header('x-queue-time'), 'ms'],
    ['queue_ms', 'ms'],
  ],
  prefillMs: [
    ['gen_ai.latency.time_in_model_prefill', 's'],
    ['x_groq.usage.prompt_time', 's'],
    ['usage.prompt_time', 's'],
    ['time_info.prompt_time', 's'],
    ['prompt_time', 's'],
    ['timings.prompt_ms', 'ms'],
    ['prompt_eval_duration', 'ns'],
    ['prefill_ms', 'ms'],
  ],
  decodeMs: [
    ['gen_ai.latency.time_in_model_decode', 's'],
    ['x_groq.usage.completion_time', 's'],
    ['usage.completion_time', 's'],
    ['time_info.completion_time', 's'],
    ['completion_time', 's'],
    ['timings.predicted_ms', 'ms'],
    ['eval_duration', 'ns'],
    ['decode_ms', 'ms'],
  ],
  loadMs: [['load_duration', 'ns']],
  serverMs: [
    ['gen_ai.latency.e2e', 's'],
    [header('openai-processing-ms'), 'ms'],
    [header('x-envoy-upstream-service-time'), 'ms'],
    [header('server-timing'), 'timing'],
    [header('x-amzn-bedrock-invocation-latency'), 'ms'],
    ['metrics.latencyMs', 'ms'],
    [header('x-litellm-response-duration-ms'), 'ms'],
    [header('x-total-time'), 'ms'],
    ['server_ms', 'ms'],
  ],
  inputTokens: [
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.prompt_tokens',
    'ai.usage.inputTokens',
    'ai.usage.promptTokens',
    'llm.token_count.prompt',
    'llm.usage.prompt_tokens',
    'langfuse.observation.usage_details.input',
    'langfuse.observation.usage_details.input_tokens',
    'langfuse.observation.usage_details.prompt_tokens',
    'usageDetails.input',
    'mlflow.chat.tokenUsage.input_tokens',
    '$ai_input_tokens',
    'metrics.prompt_tokens',
    'input_tokens',
    'input_token_count',
    'prompt_tokens',
    'usage.input_tokens',
    'usage.prompt_tokens',
    'usageMetadata.promptTokenCount',
    'inputTokens',
    'promptTokens',
  ],
  cacheReadTokens: [
    'gen_ai.usage.cache_read.input_tokens',
    'gen_ai.usage.cache_read_input_tokens',
    'gen_ai.usage.input_tokens.cached',
    'ai.usage.inputTokenDetails.cacheReadTokens',
    'ai.usage.cachedInputTokens',
    'llm.token_count.prompt_details.cache_read',
    'gen_ai.usage.details.cache_read_tokens',
    'gen_ai.usage.details.cache_read_input_tokens',
    'langfuse.observation.usage_details.input_cached_tokens',
    'langfuse.observation.usage_details.input_cache_read',
    'langfuse.observation.usage_details.cache_read_input_tokens',
    'usageDetails.input_cached_tokens',
    'usageDetails.input_cache_read',
    'usageDetails.cache_read_input_tokens',
    'mlflow.chat.tokenUsage.cache_read_input_tokens',
    '$ai_cache_read_input_tokens',
    'metrics.prompt_cached_tokens',
    'cache_read_tokens',
    'cache_read_input_tokens',
    'cached_token_count',
    'prompt_cached_tokens',
    'cached_tokens',
    'usage.cache_read_input_tokens',
    'usage.prompt_tokens_details.cached_tokens',
    'usage.input_tokens_details.cached_tokens',
    'usageMetadata.cachedContentTokenCount',
    'cachedTokens',
  ],
  cacheWriteTokens: [
    'gen_ai.usage.cache_write.input_tokens',
    'gen_ai.usage.cache_creation.input_tokens',
    'gen_ai.usage.cache_creation_input_tokens',
    'gen_ai.usage.input_tokens.cache_write',
    'ai.usage.inputTokenDetails.cacheWriteTokens',
    'llm.token_count.prompt_details.cache_write',
    'gen_ai.usage.details.cache_write_tokens',
    'gen_ai.usage.details.cache_creation_input_tokens',
    'langfuse.observation.usage_details.input_cache_creation',
    'langfuse.observation.usage_details.cache_creation_input_tokens',
    'usageDetails.input_cache_creation',
    'usageDetails.cache_creation_input_tokens',
    'mlflow.chat.tokenUsage.cache_creation_input_tokens',
    '$ai_cache_creation_input_tokens',
    'metrics.prompt_cache_creation_tokens',
    'cache_creation_tokens',
    'cache_creation_input_tokens',
    'cache_write_token_count',
    'cache_write_tokens',
    'usage.cache_creation_input_tokens',
    'cacheWriteTokens',
  ],
  outputTokens: [
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.completion_tokens',
    'ai.usage.outputTokens',
    'ai.usage.completionTokens',
    'llm.token_count.completion',
    'llm.usage.completion_tokens',
    'langfuse.observation.usage_details.output',
    'langfuse.observation.usage_details.output_tokens',
    'langfuse.observation.usage_details.completion_tokens',
    'usageDetails.output',
    'mlflow.chat.tokenUsage.output_tokens',
    '$ai_output_tokens',
    'metrics.completion_tokens',
    'output_tokens',
    'output_token_count',
    'completion_tokens',
    'usage.output_tokens',
    'usage.completion_tokens',
    'usageMetadata.candidatesTokenCount',
    'outputTokens',
    'completionTokens',
  ],
  reasoningTokens: [
    'gen_ai.usage.reasoning.output_tokens',
    'gen_ai.usage.reasoning_tokens',
    'gen_ai.usage.output_tokens.reasoning',
    'ai.usage.reasoningTokens',
    'ai.usage.outputTokenDetails.reasoningTokens',
    'llm.token_count.completion_details.reasoning',
    'gen_ai.usage.details.reasoning_tokens',
    'langfuse.observation.usage_details.output_reasoning_tokens',
    'langfuse.observation.usage_details.output_reasoning',
    'usageDetails.output_reasoning_tokens',
    'usageDetails.output_reasoning',
    '$ai_reasoning_tokens',
    'metrics.completion_reasoning_tokens',
    'reasoning_token_count',
    'reasoning_tokens',
    'usage.completion_tokens_details.reasoning_tokens',
    'usage.output_tokens_details.reasoning_tokens',
    'usageMetadata.thoughtsTokenCount',
    'reasoningTokens',
  ],
  audioTokens: ['usageDetails.output_audio_tokens', 'usageDetails.output_audio'],
  totalTokens: [
    'gen_ai.usage.total_tokens',
    'llm.usage.total_tokens',
    'ai.usage.totalTokens',
    'llm.token_count.total',
    'mlflow.chat.tokenUsage.total_tokens',
    'metrics.tokens',
    'usage.total_tokens',
    'usageMetadata.totalTokenCount',
    'total_tokens',
  ],
  isExclusive: ['$ai_cache_reporting_exclusive'],
  maxOutputTokens: [
    'gen_ai.request.max_tokens',
    'ai.settings.maxOutputTokens',
    'ai.settings.maxTokens',
    'llm.invocation_parameters.max_tokens',
    'llm.invocation_parameters.max_completion_tokens',
    'modelParameters.max_tokens',
    'max_tokens',
  ],
  attempts: [
    ['http.request.resend_count', 'after'],
    ['gen_ai.request.attempt', 'count'],
    ['attempt', 'count'],
    [header('x-litellm-attempted-retries'), 'after'],
    ['http.request.header.x-stainless-retry-count', 'after'],
    ['attempts', 'count'],
    ['retries', 'after'],
  ],
  httpStatus: [
    'http.response.status_code',
    'http.status_code',
    '$ai_http_status',
    'status_code',
    'http_status',
  ],
  error: ['error.type', 'error_type', '$ai_error', 'error'],
  isSuccess: ['success'],
  method: ['http.request.method', 'http.method'],
  finishReason: [
    'gen_ai.response.finish_reasons',
    'ai.response.finishReason',
    'llm.finish_reason',
    'anthropic.message.stop_reason',
    'gen_ai.response.finish_reason',
    'stop_reason',
    'finish_reason',
  ],
  serviceTier: [
    'openai.response.service_tier',
    'gen_ai.openai.response.service_tier',
    'gen_ai.response.service_tier',
    'anthropic.response.service_tier',
    '$ai_service_tier',
    'ai.response.providerMetadata.openai.serviceTier',
    'usageMetadata.trafficType',
    'service_tier',
    'speed',
  ],
  backend: [
    'openai.response.system_fingerprint',
    'gen_ai.openai.response.system_fingerprint',
    'gen_ai.response.system_fingerprint',
    'gen_ai.openai.system_fingerprint',
    header('azureml-model-session'),
    header('azureml-served-by-cluster'),
    'system_fingerprint',
  ],
  region: [
    'gen_ai.response.region',
    'server.region',
    'cloud.region', // of the call itself; of a resource only where the server tells it
    header('x-ms-region'),
    header('x-groq-region'),
    [header('cf-ray'), 'colo'],
    'usage.inference_geo',
    'inference_geo',
    'region',
  ],
  replica: [
    'gen_ai.server.instance.id',
    'service.instance.id', // of the call itself; of a resource only where the server tells it
    'k8s.pod.name',
    header('x-served-by'),
    'replica',
  ],
  serverAddress: ['server.address', 'net.peer.name'],
  requestId: [
    'anthropic.request.id',
    'aws.request_id',
    'gen_ai.response.id',
    'ai.response.id',
    header('x-request-id'),
    header('request-id'),
    'gen_ai.request.id',
    'request_id',
  ],
  conversationId: [
    'gen_ai.conversation.id',
    'session.id',
    'langfuse.session.id',
    'traceloop.association.properties.session_id',
    '$ai_session_id',
    'sessionId',
    'conversation_id',
    'session_id',
  ],
  compacted: ['gen_ai.conversation.compacted'],
  tenant: [
    'tenant.id',
    'enduser.id',
    'langfuse.user.id',
    'anthropic.workspace.id',
    'traceloop.association.properties.user_id',
    'user.id',
    'metadata.user_api_key_team_id', // LiteLLM
    'userId',
    'distinct_id',
    'tenant',
    'user_id',
  ],
  effort: [
    'gen_ai.request.reasoning.level',
    'gen_ai.request.reasoning_effort',
    'llm.invocation_parameters.reasoning_effort',
    'effort',
  ],
  remainingRequests: [
    header('x-ratelimit-remaining-requests'),
    header('anthropic-ratelimit-requests-remaining'),
  ],
  remainingTokens: [header('x-ratelimit-remaining-tokens'), header('anthropic-ratelimit-tokens-remaining')],
  clientPauseMs: [
    ['process.pause.max', 's'],
    ['nodejs.eventloop.delay.max', 's'],
    ['client_pause_ms', 'ms'],
  ],
  startTime: [
    'startTime',
    'start_time',
    'started_at',
    'startedAt',
    'metrics.start',
    'createdAt',
    'created_at',
    'timestamp',
    '@timestamp',
    'time',
    'ts',
  ],
  endTime: ['endTime', 'end_time', 'ended_at', 'endedAt', 'completed_at', 'metrics.end'],
  traceId: ['traceId', 'trace_id', '$ai_trace_id', 'root_span_id'],
  spanId: ['spanId', 'span_id', 'id', 'uuid', '$ai_span_id'],
  parentId: [
    'parentSpanId',
    'parent_span_id',
    'parentObservationId',
    'parentId',
    'parent_id',
    '$ai_parent_id',
  ],
  name: ['name', 'span_name'],
}

/** The unit of a field whose rows name none. */
export function unitOf(slot: Slot): Unit {
  if (slot.endsWith('Time')) return 'time'
  if (slot.endsWith('Ms')) return 'ms'
  if (slot.endsWith('Tokens') || slot === 'httpStatus' || slot === 'remainingRequests') return 'count'
  if (slot === 'streaming' || slot === 'compacted' || slot.startsWith('is')) return 'flag'
  return slot === 'attempts' ? 'count' : 'text'
}

/** Attributes that hold JSON: their members are read as attributes `key.member`. */
export const containers: readonly string[] = [
  'llm.invocation_parameters',
  'langfuse.observation.usage_details',
  'langfuse.observation.model.parameters',
  'ai.response.providerMetadata',
  'mlflow.chat.tokenUsage',
  'usageDetails',
  'modelParameters',
]

/** Events whose moments are those of output chunks. */
export const chunkEvents: ReadonlySet<string> = new Set([
  'First Token Stream Event',
  'ai.stream.firstChunk',
  'gen_ai.content.completion.chunk',
  'llm.content.completion.chunk',
  'new_token',
])
