/** The contract of a protocol: how a request is encoded and what each event of its stream says. No sockets. */

export type ProtocolName =
  | 'openai-chat'
  | 'openai-completions'
  | 'openai-responses'
  | 'anthropic-messages'
  | 'gemini'
  | 'bedrock-converse'
  | 'azure-openai'
  | 'ollama'
  | 'ollama-generate'
  | 'llama-cpp'

/** The request header that carries the key: `authorization` as `Bearer …`, any other holds the bare key. */
export type KeyHeader = 'authorization' | 'x-api-key' | 'x-goog-api-key' | 'api-key'

export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** What one request asks of the model. */
export interface Ask {
  messages: readonly Message[]
  /** Output length wanted, tokens. Sent as the protocol's own limit. */
  outputTokens: number
  /**
   * Leading characters of the first message that are to be kept in the prefix cache, or to be met there. For protocols
   * whose cache must be asked for (Anthropic, Bedrock); absent: nothing is to be cached.
   */
  cachePrefix?: number | undefined
}

/** What differs between servers that speak one protocol; known per provider, overridable per target. */
export interface Quirks {
  /** Name of the output limit in the request body. */
  maxTokensField: 'max_tokens' | 'max_completion_tokens'
  /** The server takes `stream_options: { include_usage: true }`. */
  streamOptions: boolean
  /** The server takes `ignore_eos: true` (vLLM, SGLang, llama.cpp), so that output reaches its length. Never sent to hosted APIs, which reject it. */
  ignoreEos: boolean
  /** Value of `temperature`, or null to send none (reasoning models refuse it). */
  temperature: number | null
}

export interface EncodeOptions {
  model: string
  quirks: Quirks
  /** Extra body fields of the target; they win over the protocol's own. */
  body: Readonly<Record<string, unknown>>
  /** Path of the base URL, for protocols whose servers are addressed in more than one way. */
  basePath?: string | undefined
  /** Version of the interface, where the request names one (Azure). */
  apiVersion?: string | undefined
}

export interface EncodedRequest {
  /** Appended to the target's base URL, starts with '/'. */
  path: string
  headers: Readonly<Record<string, string>>
  body: string
}

/**
 * Where generated output appears. Only `text` is visible text (it ends `ttfvt`); each of them ends `ttft`. A `summary`
 * is told instead of reasoning that stays hidden: usage counts the reasoning, so its own tokens stand in no count.
 */
export type OutputChannel = 'text' | 'reasoning' | 'summary' | 'refusal' | 'tool'

/** Token counts in one meaning for all: prompt includes cached, output includes reasoning. Absent is not reported, never 0. */
export interface Usage {
  promptTokens?: number | undefined
  /** Read from the cache; part of the prompt. */
  cachedTokens?: number | undefined
  /** Written into the cache, whatever the lifetime; part of the prompt. */
  cacheWriteTokens?: number | undefined
  /** The same by lifetime, under the provider's own word for it (`5m`, `1h`). */
  cacheWritesByLifetime?: Readonly<Record<string, number>> | undefined
  outputTokens?: number | undefined
  reasoningTokens?: number | undefined
}

/** Usage as one event reports it. */
export interface ReportedUsage extends Usage {
  /**
   * Prompt tokens beside those read from and written to the cache, where the protocol counts them so (Anthropic,
   * Bedrock). Summed up to `promptTokens` when the stream is over, since its parts may come in several events.
   */
  uncachedTokens?: number | undefined
}

/** What a server reports of its own time, mapped to ours (milliseconds), and raw under its own names. */
export interface ServerTimings {
  /** Bringing the model into memory (Ollama). */
  loadMs?: number | undefined
  queueMs?: number | undefined
  prefillMs?: number | undefined
  decodeMs?: number | undefined
  totalMs?: number | undefined
  /** Until the server sent its response headers; says nothing of the stream behind them. */
  toHeadersMs?: number | undefined
  raw: Record<string, string | number>
}

export interface Route {
  requestId?: string | undefined
  model?: string | undefined
  fingerprint?: string | undefined
  region?: string | undefined
  serviceTier?: string | undefined
  /** Who served the request behind a gateway, where it says so (OpenRouter's `provider`). */
  upstream?: string | undefined
  /** What else names the place or build that served the request, under the provider's own names. */
  raw?: Readonly<Record<string, string>> | undefined
}

/** What the account has left, as the response headers say it. Absent: not said. */
export interface RateLimits {
  limitRequests?: number | undefined
  remainingRequests?: number | undefined
  /** Seconds until the requests are whole again. */
  resetRequestsS?: number | undefined
  limitTokens?: number | undefined
  remainingTokens?: number | undefined
  resetTokensS?: number | undefined
}

/** What response headers say. */
export interface HeaderFacts {
  route: Route
  timings: ServerTimings | undefined
  limits?: RateLimits | undefined
}

export type StreamEvent =
  /** Generated output; `text` is what was generated (never empty). */
  | { kind: 'output'; channel: OutputChannel; text: string }
  /** There was reasoning that is not shown: what is streamed of it, if anything, is a summary, whatever its channel. */
  | { kind: 'hidden' }
  /** Later values replace earlier ones, field by field. */
  | { kind: 'usage'; usage: ReportedUsage }
  | { kind: 'route'; route: Route }
  | { kind: 'timings'; timings: ServerTimings }
  | { kind: 'finish'; reason: string }
  /** The protocol's own terminal event: the only thing that makes an exchange complete. */
  | { kind: 'end' }
  /** An error event inside a 200 stream. */
  | { kind: 'error'; message: string; type?: string | undefined }
  /** An event that does not fit the protocol: counted, never fatal by itself. */
  | { kind: 'malformed'; detail: string }

/** One framed event of the stream: an SSE event, one line of NDJSON (`name` absent), or one binary message. */
export interface Frame {
  name?: string | undefined
  data: string
}

export interface Protocol {
  name: ProtocolName
  /** `sse-or-array`: server-sent events, or one JSON array that grows (Gemini behind a gateway that drops `alt=sse`). */
  framing: 'sse' | 'sse-or-array' | 'ndjson' | 'messages'
  /** Where the key goes, unless preset or target say otherwise. */
  keyHeader: KeyHeader
  /** Smallest output limit that the API takes, tokens. @default 1 */
  leastOutputTokens?: number | undefined
  encode(ask: Ask, options: EncodeOptions): EncodedRequest
  /** What one framed event says; an empty list for an event without meaning to us (role-only, ping). */
  decode(frame: Frame): StreamEvent[]
  /**
   * Bytes that announce the terminal event, for the wire's cheap scan; of binary messages the name of the last one.
   * Null where only the end of the body does.
   */
  endMarker: string | null
  /** A `finish` without the terminal event still counts as complete, with a mark. */
  finishSuffices: boolean
  /** There is no terminal event: a finish reason and the end of the body are the end. @default false */
  endsWithBody?: boolean | undefined
  /** Counts of 0 are left out, so that in a usage that came, an absent cached count says 0. @default false */
  omitsZeros?: boolean | undefined
  /** What the response headers say. Header names are in lower case. */
  readHeaders(headers: Readonly<Record<string, string>>): HeaderFacts
  /** The sentence inside an error body, or undefined where there is none to be found. */
  readError(body: string): { message: string; type?: string | undefined } | undefined
}
