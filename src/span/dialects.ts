/** Which dialect a span is written in, and what each dialect means by the same words. */

export const dialects = [
  'claude-platform',
  'anthropic-sdk',
  'vercel-ai',
  'vercel-ai-legacy',
  'pydantic-ai',
  'langfuse',
  'envoy-ai-gateway',
  'openllmetry',
  'openinference',
  'otel-js-openai',
  'vllm',
  'sglang',
  'claude-code',
  'codex',
  'mlflow',
  'posthog',
  'braintrust',
  'sentry',
  'litellm',
  'otel-genai',
  'records', // rows of an application's own
] as const
export type Dialect = (typeof dialects)[number]

/** The first that the name of an instrumentation scope starts with decides. */
const scopes: readonly (readonly [prefix: string, dialect: Dialect])[] = [
  ['com.anthropic.claude-platform', 'claude-platform'],
  ['com.anthropic.sdk', 'anthropic-sdk'],
  ['pydantic-ai', 'pydantic-ai'],
  ['logfire', 'pydantic-ai'],
  ['langfuse', 'langfuse'],
  ['envoyproxy/ai-gateway', 'envoy-ai-gateway'],
  ['opentelemetry.instrumentation.openai_v2', 'otel-genai'],
  ['opentelemetry.instrumentation.google_genai', 'otel-genai'],
  ['opentelemetry.instrumentation.vertexai', 'otel-genai'],
  ['opentelemetry.instrumentation.', 'openllmetry'],
  ['@traceloop/', 'openllmetry'],
  ['openinference.instrumentation.', 'openinference'],
  ['@arizeai/openinference-', 'openinference'],
  ['@opentelemetry/instrumentation-openai', 'otel-js-openai'],
  ['vllm.', 'vllm'],
  ['sglang', 'sglang'],
  ['litellm', 'litellm'],
  ['com.anthropic.claude_code', 'claude-code'],
  ['codex', 'codex'],
]
const exactScopes: ReadonlyMap<string, Dialect> = new Map([
  ['gen_ai', 'vercel-ai'],
  ['ai', 'vercel-ai-legacy'],
])

export function dialectOfScope(scope: string): Dialect | undefined {
  return exactScopes.get(scope) ?? scopes.find(([prefix]) => scope.startsWith(prefix))?.[1]
}

/** Keys that only one dialect writes, the surest first; asked where the scope says nothing. */
export const signatures: readonly (readonly [key: string, dialect: Dialect])[] = [
  ['openinference.span.kind', 'openinference'],
  ['gen_ai.latency.e2e', 'vllm'],
  ['gen_ai.latency.time_in_queue', 'vllm'],
  ['mlflow.spanType', 'mlflow'],
  ['$ai_model', 'posthog'],
  ['$ai_latency', 'posthog'],
  ['langfuse.observation.type', 'langfuse'],
  ['usageDetails', 'langfuse'],
  ['ai.operationId', 'vercel-ai-legacy'],
  ['gen_ai.client.operation.time_per_output_chunk', 'vercel-ai'],
  ['traceloop.span.kind', 'openllmetry'],
  ['llm.request.type', 'openllmetry'],
  ['span_attributes.type', 'braintrust'],
  ['metrics.prompt_tokens', 'braintrust'],
  ['gen_ai.response.time_to_first_token', 'sentry'],
  ['gen_ai.usage.input_tokens.cached', 'sentry'],
  ['anthropic.request.id', 'anthropic-sdk'],
  ['gen_ai.cost.total_cost', 'litellm'],
  ['gen_ai.operation.name', 'otel-genai'],
  ['gen_ai.system', 'otel-genai'],
  ['gen_ai.provider.name', 'otel-genai'],
]

/** Names of spans and log records that one dialect writes. */
const names: readonly (readonly [prefix: string, dialect: Dialect])[] = [
  ['claude_code.', 'claude-code'],
  ['codex.', 'codex'],
  ['litellm_request', 'litellm'],
]

export function dialectOfName(name: string): Dialect | undefined {
  // Most spans start with none of these letters.
  const first = name.charCodeAt(0)
  if (first !== 0x63 && first !== 0x6c) return undefined
  return names.find(([prefix]) => name.startsWith(prefix))?.[1]
}

/**
 * Dialects whose input counts (under keys that start so) leave out what the cache served and wrote; where `output`,
 * output counts leave out reasoning as well. Langfuse takes both off when it stores, so only its export is meant.
 */
export const exclusive: Readonly<Partial<Record<string, { keys: string; output: boolean }>>> = {
  'claude-code': { keys: 'input_tokens', output: false },
  langfuse: { keys: 'usageDetails.', output: true },
}

/** TTFT is that of one attempt: the timer runs inside the retry loop. */
export const attemptScoped: ReadonlySet<string> = new Set(['vercel-ai', 'vercel-ai-legacy'])

/** One span an attempt: those that failed stand beside the last one, below the same parent. */
export const attemptSpans: ReadonlySet<string> = new Set(['vercel-ai-legacy'])

/** Written by what serves: a gateway or an engine. */
export const serverSide: ReadonlySet<string> = new Set(['vllm', 'sglang', 'claude-platform'])

/** What a span is: a call of a model, something around or below it, or not told. */
type KindRole = 'call' | 'other' | undefined

const operations: ReadonlyMap<string, string> = new Map([
  ['chat', 'chat'],
  ['text_completion', 'text_completion'],
  ['completion', 'text_completion'],
  ['generate_content', 'generate_content'],
  ['responses', 'chat'],
  ['acompletion', 'chat'],
  ['messages', 'chat'],
])

/** The operation in OpenTelemetry's words; undefined: nothing that prefills and decodes. */
export function operationOf(word: string): string | undefined {
  return operations.get(word)
}

/** What dialects call a call in their own kind of span. */
const callKinds: ReadonlySet<string> = new Set([
  'LLM',
  'llm',
  'CHAT_MODEL',
  'generation',
  'GENERATION',
  '$ai_generation',
  'claude_code.api_request',
  'codex.sse_event',
])

export function roleOfKind(kind: string): KindRole {
  const word = kind.startsWith('"') ? kind.slice(1, -1) : kind // MLflow writes JSON
  if (callKinds.has(word)) return 'call'
  // Of the Vercel AI SDK only these are calls of a model: the span around them repeats their usage.
  if (word.startsWith('ai.'))
    return word.endsWith('.doGenerate') || word.endsWith('.doStream') ? 'call' : 'other'
  return otherKinds.has(word) ? 'other' : undefined
}

const otherKinds: ReadonlySet<string> = new Set(
  [
    'CHAIN TOOL AGENT RETRIEVER EMBEDDING RERANKER GUARDRAIL EVALUATOR PROMPT UNKNOWN PARSER MEMORY WORKFLOW TASK',
    'workflow task agent tool retriever embedding reranker chain span event guardrail evaluator SPAN EVENT',
    'function score $ai_span $ai_trace $ai_embedding',
  ]
    .join(' ')
    .split(' '),
)

const callNames: ReadonlySet<string> = new Set([
  'anthropic.messages.create',
  'anthropic.messages.stream',
  'claude_code.llm_request',
  'qwen-code.llm_request',
  'litellm_request',
  'llm_request',
])

export function isCallName(name: string): boolean {
  return callNames.has(name)
}
