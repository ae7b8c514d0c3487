/** What a face is: one API's way to ask and to answer. It knows no socket, no clock and no engine. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Turn } from './count.js'
import type { Outcome } from './job.js'
import type { Profile } from './profiles.js'
import type { Allowed } from './rate-limit.js'
import type { Tool } from './tools.js'

/** A request as the engine understands it. */
export interface Ask {
  readonly model: string
  readonly turns: readonly Turn[]
  /** Undefined where the request names no limit. */
  readonly outputTokens: number | undefined
  readonly stream: boolean
  readonly includeUsage: boolean
  readonly reasoning: Reasoning
  /** The answer calls this instead of saying something. */
  readonly tool: Tool | undefined
  /** What the request names to be routed with its like; the key stands in where it names nothing. */
  readonly cacheKey: string | undefined
  /** Undefined: the cache finds any prefix by itself. Else only what the request marks is kept, for this long. */
  readonly cacheLifetime: '5m' | '1h' | undefined
  /** Events are padded so that their length does not tell the word (OpenAI's `obfuscation`). */
  readonly pads: boolean
  /** Fields of the request that the answer repeats. */
  readonly echo: Readonly<Record<string, unknown>>
}

/** How long the model thinks before it answers, and how much of that is sent. */
export interface Reasoning {
  readonly tokens: number
  readonly shown: 'full' | 'summary' | 'hidden'
}

/** An answer that refuses, ready for the wire. */
export interface Refusal {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** What can be wrong whatever the API; each vendor has its own words and status for it. */
export type Wrong =
  | { readonly kind: 'no-key' }
  | { readonly kind: 'wrong-key' }
  | { readonly kind: 'no-path'; readonly method: string; readonly path: string }
  | { readonly kind: 'wrong-method'; readonly method: string; readonly path: string }
  | { readonly kind: 'malformed-json'; readonly detail: string }
  | { readonly kind: 'too-large'; readonly maxBytes: number }
  | { readonly kind: 'unknown-model'; readonly model: string }
  | {
      readonly kind: 'too-long'
      readonly limit: number
      readonly promptTokens: number
      readonly outputTokens: number
    }
  | {
      readonly kind: 'too-many'
      readonly unit: LimitUnit
      readonly model: string
      readonly perMinute: number
      readonly waitMs: number
    }
  | { readonly kind: 'overloaded' }
  | { readonly kind: 'server-error'; readonly message: string }
  /** Our own: a fault that does not exist, or the like. */
  | { readonly kind: 'invalid'; readonly message: string; readonly param: string }

/** A request as it came, its body read as JSON. */
export interface Asked {
  readonly body: unknown
  readonly route: Route
  readonly headers: IncomingHttpHeaders
  readonly requestId: string
  readonly profile: Profile
}

/** What the path of a request says. */
export interface Route {
  readonly model?: string
  readonly stream?: boolean
  readonly framing?: Framing
}

export type Framing = 'sse' | 'ndjson' | 'json-array'

/** What every part of one answer repeats. */
export interface AnswerHead {
  readonly id: string
  readonly createdS: number
  readonly model: string
  readonly fingerprint: string
  readonly ask: Ask
  /** Prompt tokens, all of them. */
  readonly promptTokens: number
  /** Tokens of the prompt that the request marks for the cache. */
  readonly markedTokens: number
  /** False where a fault keeps usage back. */
  readonly reportsUsage: boolean
  /** llama.cpp's `timings` go with the end. */
  readonly reportsTimings: boolean
  /** Wall clock, ms since 1970. */
  readonly wallMs: () => number
  /** As many characters of padding. */
  readonly padding: (length: number) => string
}

export interface Usage {
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
}

export type Channel = 'text' | 'reasoning' | 'tool'
export type FinishReason = 'length' | 'stop' | 'tool'

/** How an answer ended. */
export interface End {
  readonly reason: FinishReason
  readonly usage: Usage
  readonly outcome: Outcome
}

/** One event without its framing. `name` is the SSE event field; without one the field is left out. */
export interface WireEvent {
  readonly name?: string
  readonly data: string
}

/** Writes the events of one stream. */
export interface EventWriter {
  /** With the headers. */
  opening(): readonly WireEvent[]
  /** The prompt's cached tokens are known; always before the first token. */
  admitted(cachedTokens: number): readonly WireEvent[]
  /** `tokens` of output, nearly always one, as `text`. */
  token(text: string, channel: Channel, tokens: number): readonly WireEvent[]
  /** A token of reasoning of which nothing is sent. */
  silent(): readonly WireEvent[]
  /** What comes between the last token and the terminal event. */
  finish(end: End): readonly WireEvent[]
  /** The terminal event. */
  done(end: End): readonly WireEvent[]
  /** The provider fails in the middle. */
  error(): readonly WireEvent[]
}

export interface WholeAnswer extends End {
  readonly text: string
  readonly reasoning: string
  /** The arguments of the tool that is called, as JSON. */
  readonly toolArguments: string
}

export interface Face {
  readonly name: string
  readonly vendor: Vendor
  readonly idPrefix: string
  readonly lineEnd?: '\r\n'
  /** Undefined when the path is not this face's. */
  route(path: string, query: URLSearchParams): Route | undefined
  parse(asked: Asked): Ask | Refusal
  writer(head: AnswerHead): EventWriter
  whole(head: AnswerHead, answer: WholeAnswer): string
  /** A prompt that is too long loses its start instead of being refused. */
  readonly truncates?: true
}

/** What the faces of one vendor share: keys, refusals, headers. */
export interface Vendor {
  readonly name: 'openai' | 'anthropic' | 'gemini' | 'ollama'
  /** The header that holds the id of a request; undefined where there is none. */
  readonly idHeader: string | undefined
  /** The key that came with a request. */
  key(headers: IncomingHttpHeaders, query: URLSearchParams): string | undefined
  refuse(wrong: Wrong, requestId: string): Refusal
  limitHeaders(unit: LimitUnit, allowed: Allowed, perMinute: number, wallMs: number): Record<string, string>
  answerHeaders(stamp: Stamp): Record<string, string>
}

/** What a bucket counts. */
export type LimitUnit = 'requests' | 'tokens'

/** What headers tell of an answer at the moment they go out. */
export interface Stamp {
  readonly requestId: string
  readonly region: string
  readonly sinceArrivalMs: number
  /** Known where the body goes out whole. */
  readonly outcome: Outcome | undefined
}

/** What Cloudflare, in front of some of them, puts on an answer: an id, and the place where it came in. */
export function rayOf({ requestId, region }: Stamp): string {
  return `${requestId.slice(-16)}-${region.slice(0, 3).toUpperCase()}`
}

export function isRefusal(parsed: object): parsed is Refusal {
  return 'status' in parsed
}

/**
 * Thinking tokens of an answer. `wanted`: false forbids it, true asks for it, undefined leaves it to the profile.
 * `most` bounds it.
 */
export function reasoningTokens(profile: Profile, wanted: boolean | undefined, most = Infinity): number {
  const usual = profile.constants.reasoningTokens
  if (wanted === false) return 0
  return Math.min(wanted && usual === 0 ? ASKED_REASONING_TOKENS : usual, most)
}

/** Where a profile has no reasoning of its own and the request asks for some. */
const ASKED_REASONING_TOKENS = 32
