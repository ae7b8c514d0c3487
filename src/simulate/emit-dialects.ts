/** The dialects that spans can be written in, each with its emitter. */
import { otelGenai, otelGenaiOlder, vllm } from './emit-genai.js'
import { anthropicSdk, vercelAi, vercelAiLegacy } from './emit-node.js'
import { langfuse, openinference, openllmetry, pydanticAi } from './emit-python.js'
import type { Emitter } from './spans-seen.js'

export const SPAN_DIALECTS = [
  'otel-genai',
  'otel-genai-older',
  'openllmetry',
  'openinference',
  'vercel-ai',
  'vercel-ai-legacy',
  'anthropic-sdk',
  'pydantic-ai',
  'langfuse',
  'vllm',
] as const

export type SpanDialect = (typeof SPAN_DIALECTS)[number]

export const emitters = {
  'otel-genai': otelGenai,
  'otel-genai-older': otelGenaiOlder,
  openllmetry,
  openinference,
  'vercel-ai': vercelAi,
  'vercel-ai-legacy': vercelAiLegacy,
  'anthropic-sdk': anthropicSdk,
  'pydantic-ai': pydanticAi,
  langfuse,
  vllm,
} satisfies Record<SpanDialect, Emitter>

/** Dialects that write an event for each chunk of a stream. */
export const CHUNKED: ReadonlySet<SpanDialect> = new Set<SpanDialect>(['openllmetry'])
