/** The contract of a probe: one experimental design, isolating one quantity. Probes import only types from here. */
import type { z } from 'zod'
import type { Random } from '../random/random.js'

/** `any`: whatever the cache holds; the user's own prompts, which no curve is fitted on. */
export type CacheAsked = 'fresh' | 'warm' | 'any'
export type ConnectionMode = 'reused' | 'new'
export type ArrivalProcess = 'constant' | 'poisson' | 'gamma' | 'ramp' | 'step' | 'trace'
/** A kind of question with one right answer. `depth`: where in the prompt the fact to recall stands, 0 to 1. */
export type Question =
  { kind: 'recall'; depth: number } | { kind: 'arithmetic' } | { kind: 'echo' } | { kind: 'json' }

/** What the answer to a question must be: hold the words, be the text exactly, or be JSON of this value. */
export interface RightAnswer {
  kind: 'holds' | 'exactly' | 'json'
  text: string
}

/** What a request must keep to count as good, milliseconds; what is left out is not held against it. */
export interface RequestLimits {
  ttft?: number | undefined
  tpot?: number | undefined
  e2e?: number | undefined
}

export type Law = 'prefill' | 'decode' | 'contention' | 'cache'

/**
 * One visit to one cell: the condition and how many requests the visit makes. With `concurrency` the visit is a
 * closed loop (that many in flight); with `rate` an open loop with intended starts. Never both.
 */
export interface CellAsk {
  /** Whole prompt, tokens, prefix included. */
  promptTokens: number
  /** Tokens shared with the request that primed the cache; 0 when `cache` is 'fresh'. */
  prefixTokens: number
  outputTokens: number
  cache: CacheAsked
  /** Requests in flight in a closed loop. Default 1. */
  concurrency?: number | undefined
  /** Open loop: arrivals per second. */
  rate?: number | undefined
  arrivals?: ArrivalProcess | undefined
  /** `gamma`: 1 is Poisson, below it bursts, above it ever more even; the CV of the gaps is 1/√burstiness. */
  burstiness?: number | undefined
  /** `ramp` and `step`: the last rate; the first is `rate`. */
  rateTo?: number | undefined
  /** `step`: how many rates, each for an equal time. */
  steps?: number | undefined
  /** Open loop: upper bound of requests in flight. */
  maxInFlight?: number | undefined
  /** Default 'reused'. */
  connection?: ConnectionMode | undefined
  /** Requests in this visit. Default: `concurrency` in a closed loop, 1 second's worth in an open one. */
  requests?: number | undefined
  /** Warm: how long the prefix is left alone between the request that primes it and this one, seconds. */
  ageS?: number | undefined
  /**
   * The request looks for an edge (of the cache, of the load): asked even where the target's rules say that it cannot
   * hit, and kept out of the curves of prefill, decode and contention.
   */
  search?: boolean | undefined
  /** Goodput: the limits that each request of the visit is held against. */
  limits?: RequestLimits | undefined
  /** Ask a question with one right answer in place of prose. */
  question?: Question | undefined
}

/** One pass over all cells of a probe, in the order to run: the unit of resampling. */
export type Block = readonly CellAsk[]

/** What has been measured of one cell so far; times in milliseconds. */
export interface CellSeen {
  ask: CellAsk
  /** Successful samples that count (not warm-up, not contradicted). */
  n: number
  ttft: { p50: number; p90: number } | undefined
  tpot: { p50: number; p90: number } | undefined
  /** Samples by cache state. */
  confirmed: number
  contradicted: number
  unverified: number
  /** Median of the cached tokens that the server reported, where it did. */
  cachedTokens: number | undefined
  /** Of the samples whose cached tokens were reported: how many, how many of them above 0, and the most tokens of one. */
  cacheHits: { reported: number; hits: number; mostTokens: number }
  errors: number
  /** Median time of a whole answer, milliseconds. */
  e2e: number | undefined
  /** Share of the requests inside the limits that were asked for, failures outside; undefined without limits. */
  goodput: number | undefined
}

/** What an adaptive probe decides on. */
export interface Seen {
  /** Blocks finished. */
  blocks: number
  cells: readonly CellSeen[]
  /** Relative half-width of each parameter of the fed curve's 95 % interval; empty while there is no fit. */
  halfWidths: Readonly<Record<string, number>>
}

export type Next = { ask: Block } | { done: string }

interface ProbeBase<S> {
  name: string
  /** The law that its samples feed, or null. */
  feeds: Law | null
  /** The settings a scenario may give, as a zod object; each key described with `.describe()`. */
  settings: (zod: typeof z) => z.ZodType<S>
  defaults: S
}

/** A design known beforehand. */
export interface PlannedProbe<S> extends ProbeBase<S> {
  plan(settings: S, random: Random): readonly Block[]
}

/** A design whose next block depends on what was seen. */
export interface AdaptiveProbe<S> extends ProbeBase<S> {
  /** Cells that it is likely to ask for: what warm-up and calibration reckon with. */
  likely?(settings: S): Block
  next(settings: S, seen: Seen, random: Random): Next
}

/** A design whose first part is known beforehand, and which then goes on as it sees; `seen` tells of both parts. */
export interface MixedProbe<S> extends PlannedProbe<S> {
  /** Whether these settings ask for a second part at all. */
  goesOn(settings: S): boolean
  next(settings: S, seen: Seen, random: Random): Next
}

export type Probe<S = unknown> = PlannedProbe<S> | AdaptiveProbe<S> | MixedProbe<S>
