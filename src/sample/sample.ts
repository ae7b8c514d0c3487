/** The metrics of one exchange, under the names of the file format. Times are milliseconds, from request start unless said otherwise. */
import type { RateLimits, Route, ServerTimings } from '../protocol/protocol.js'
import type { WireFailureKind } from '../wire/exchange.js'
import type { ArrivalProcess, CacheAsked, ConnectionMode, Question, RequestLimits } from '../plan/probe.js'

/**
 * Metric definitions in force; a snapshot names them, and compare refuses to hold different ones against each other.
 * Raise the number whenever a metric comes to mean something else.
 */
export const definitions = {
  ttfb: 'ttfb/1',
  ttfe: 'ttfe/1',
  ttft: 'ttft/1',
  ttfvt: 'ttfvt/1',
  itl: 'itl/1',
  tpot: 'tpot/1',
  e2e: 'e2e/1',
  cacheState: 'cacheState/1',
} as const

/** `ok`, or why the request is not in any latency figure; a closed list. */
export type Outcome =
  | 'ok'
  | WireFailureKind
  | 'http-400' // the request is wrong: parameter, length, model
  | 'http-401'
  | 'http-403'
  | 'http-404'
  | 'http-429'
  | 'http-4xx'
  | 'http-5xx'
  | 'redirect' // refused on principle: a redirect would carry the key away
  | 'not-streaming' // a 200 that is no event stream
  | 'stream-error' // an error event inside a 200 stream
  | 'empty' // complete, but without any output

/** Whether the cache was in the state that was asked for, judged by the server's own count. */
export type CacheState = 'confirmed' | 'contradicted' | 'unverified'

export interface Gaps {
  count: number
  mean: number
  p50: number
  p90: number
  p99: number
  max: number
}

/** A server's load as its own metrics tell it, at one moment. */
export interface ServerState {
  /** Requests being worked on, and requests in its queue. */
  running?: number | undefined
  waiting?: number | undefined
  /** Share of the KV cache in use, 0 to 1. */
  kvUse?: number | undefined
}

export interface Sample {
  id: string
  target: string
  probe: string
  cell: string
  block: number
  /** 1 for the first try. */
  attempt: number
  /** Warm-up and cache-priming requests: kept, never in a figure. */
  warmup: boolean
  outcome: Outcome
  /** HTTP status; null where no response came. */
  status: number | null
  /** What happened, where and what to do; only where outcome is not ok, or ok with a mark. Redacted. */
  detail?: string | undefined
  asked: {
    promptTokens: number
    prefixTokens: number
    outputTokens: number
    cache: CacheAsked
    /** Closed loop; null in an open one. */
    concurrency: number | null
    /** Open loop, arrivals per second; null in a closed one. */
    rate: number | null
    /** Open loop only. */
    arrivals?: ArrivalProcess | undefined
    maxInFlight?: number | undefined
    /** Shape of gamma arrivals; last rate of a ramp or of steps; how many steps. */
    burstiness?: number | undefined
    rateTo?: number | undefined
    steps?: number | undefined
    /** Warm: how long the prefix was left alone before this request, seconds. Absent: no longer than it took. */
    ageS?: number | undefined
    connection: ConnectionMode
    /** Asked to find an edge, of the cache or of the load: in no curve of prefill, decode or contention. */
    search?: true | undefined
    /** Goodput: what the request was held against, milliseconds. */
    limits?: RequestLimits | undefined
    question?: Question | undefined
  }
  /** Wall clock at request start, ISO 8601 UTC. */
  startedAt: string
  /** Request start on the run's monotonic clock, milliseconds since the run began: orders samples. */
  atMs: number
  /** Actual start − intended start. */
  startDelay: number
  reused: boolean
  dns: number
  connect: number
  tls: number
  ttfb: number | null
  ttfe: number | null
  ttft: number | null
  ttfvt: number | null
  ttftIntended: number | null
  /** Milliseconds per output token; null below 8 streamed tokens or 3 arrivals. */
  tpot: number | null
  /** Tokens per second, 1000 ÷ tpot. */
  decodeRate: number | null
  e2e: number | null
  e2eIntended: number | null
  /** Gaps between successive arrivals of output; null below 2 arrivals. */
  itl: Gaps | null
  /** Output events that shared an arrival with an earlier one. */
  coalesced: number
  promptTokens?: number | undefined
  /** The server left the prompt out of its usage: `promptTokens` is the length that was asked. */
  promptAssumed?: true | undefined
  cachedTokens?: number | undefined
  /** Written into the cache; part of the prompt, charged by some providers. */
  cacheWriteTokens?: number | undefined
  /** The same by lifetime, under the provider's own word for it (`5m`, `1h`). */
  cacheWritesByLifetime?: Readonly<Record<string, number>> | undefined
  outputTokens?: number | undefined
  reasoningTokens?: number | undefined
  /** Where the counts come from: the server's usage, or our tokenizer. */
  tokenSource: 'usage' | 'counted' | null
  cacheState: CacheState
  finishReason?: string | undefined
  /** Body bytes received. */
  bytes: number
  cost?: { currency: string; amount: number } | undefined
  serverTimings?: ServerTimings | undefined
  route?: Route | undefined
  /** What the account had left, as the response said. */
  limits?: RateLimits | undefined
  /** SSE comments before the first output: some providers send them while a request is queued. */
  comments?: number | undefined
  /** How long a rate limit held the start back, milliseconds; it is part of `startDelay`. Absent: not at all. */
  heldBack?: number | undefined
  /** What the server's own metrics said at the time, where they were read. */
  server?: ServerState | undefined
  /** A question with one right answer was asked: whether that came. */
  answer?: 'right' | 'wrong' | undefined
}
