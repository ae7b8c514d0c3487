/** One production LLM call, normalised from any tracing dialect: what every reader of spans ends in. */

/**
 * Whose clock a TTFT ran on: of the `attempt` that answered, or of the whole `call` with its retries and back-off.
 */
export type TtftScope = 'attempt' | 'call'

/** One HTTP request of a call, as its child span tells it. */
export interface Attempt {
  /** Milliseconds after the start of the call. */
  offsetMs: number
  durationMs: number
  status?: number | undefined
}

/** Gaps between output chunks (a chunk may hold several tokens). Quantiles stand only where each chunk was seen. */
export interface Gaps {
  /** Absent where only the mean is told. */
  count?: number | undefined
  meanMs: number
  p50Ms?: number | undefined
  p90Ms?: number | undefined
  p99Ms?: number | undefined
  maxMs?: number | undefined
}

/**
 * What must be doubted about a span; none of it stops the span.
 * - `ttft-out-of-range`: below 0 or above the duration; left out
 * - `buffered`: first and last output came together though the output is long: somebody held the stream back
 * - `usage-missing`: the server counted no tokens (a stream without `include_usage`): a reported 0 is left out
 * - `input-without-cache`: more cached tokens than input tokens: the input count excluded them and they were added
 * - `output-without-reasoning`: more reasoning tokens than output tokens: they were added likewise
 * - `clock-skew`: the end lies before the start; the duration is another attribute's, or 0
 * - `no-duration`: neither times nor a duration stand in the record; it is 0
 * - `bad-value`: an attribute that should be a number was none; left out
 */
export const doubts = [
  'ttft-out-of-range',
  'buffered',
  'usage-missing',
  'input-without-cache',
  'output-without-reasoning',
  'clock-skew',
  'no-duration',
  'bad-value',
] as const
export type Doubt = (typeof doubts)[number]

/** Fields that a dialect may fill; each is absent (undefined) where the trace does not tell it, never 0. */
export interface SpanFacts {
  service?: string | undefined
  /** OpenTelemetry's names: `openai`, `anthropic`, `aws.bedrock`, `azure.ai.openai`, `gcp.gemini`, … */
  provider?: string | undefined
  modelRequested?: string | undefined
  modelServed?: string | undefined
  streaming?: boolean | undefined

  /** Start of the call (or attempt, see `ttftScope`) to its first output of any kind, as the client saw it. */
  ttftMs?: number | undefined
  ttftScope?: TtftScope | undefined
  /** As `ttftMs`, to the first visible text. */
  ttfvtMs?: number | undefined
  gaps?: Gaps | undefined

  /** What the server says of itself. `serverMs` is all the time that it held the request. */
  serverTtftMs?: number | undefined
  queueMs?: number | undefined
  prefillMs?: number | undefined
  decodeMs?: number | undefined
  loadMs?: number | undefined
  serverMs?: number | undefined

  /** Includes tokens read from and written to the cache. */
  inputTokens?: number | undefined
  cacheReadTokens?: number | undefined
  cacheWriteTokens?: number | undefined
  /** Includes reasoning. */
  outputTokens?: number | undefined
  reasoningTokens?: number | undefined
  maxOutputTokens?: number | undefined

  /** HTTP requests of this call, 1 without a retry. */
  attempts?: number | undefined
  /** Each of them, in order of their starts, where child spans show them; at most 32. */
  tries?: readonly Attempt[] | undefined
  /** Start of the call to the start of its last attempt. */
  retryMs?: number | undefined
  httpStatus?: number | undefined
  /** A low-cardinality word (`timeout`, `rate_limit_error`, `429`); absent on success. */
  error?: string | undefined
  /** As the provider says it: `stop`, `length`, `end_turn`, `tool_calls`, … */
  finishReason?: string | undefined

  serviceTier?: string | undefined
  /** What names the serving software or hardware: a system fingerprint, cluster or session. */
  backend?: string | undefined
  region?: string | undefined
  /** The instance that served the call. */
  replica?: string | undefined
  /** Host that was asked. */
  serverAddress?: string | undefined
  requestId?: string | undefined
  conversationId?: string | undefined
  /** The conversation was compacted before this call: its prefix is a new one. */
  compacted?: boolean | undefined
  /** Whose call it was: a tenant, organisation, team or user id of the caller's own. */
  tenant?: string | undefined
  /** Reasoning effort that was asked for. */
  effort?: string | undefined
  /** Rate-limit headroom that the answer reported. */
  remainingRequests?: number | undefined
  remainingTokens?: number | undefined
  /** Of the calling process while the call ran: longest event-loop or collector pause. */
  clientPauseMs?: number | undefined
}

export type SpanField = keyof SpanFacts

/** All from the trace and nothing else: prompts and answers are dropped on reading. */
export interface Span extends SpanFacts {
  /** Hexadecimal, lower case, for OTLP; as the source has it elsewhere. */
  traceId: string
  spanId: string
  parentId?: string | undefined
  /** `chat`, `generate_content` or `text_completion`: operations that prefill and decode. */
  operation: string
  /** One of `dialects`, or the name of a dialect file. */
  dialect: string
  /** Wall clock, milliseconds since 1970. */
  startedAtMs: number
  durationMs: number
  doubts: readonly Doubt[]
  /** For each fact the attribute, event, header or rule that it came from; `startedAtMs` and ids need none. */
  from: SpanSources
}

/** Shared by all spans whose facts came the same way: do not change one. */
export type SpanSources = Readonly<Partial<Record<SpanField | 'durationMs', string>>>
