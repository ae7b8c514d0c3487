/** The contract of a probe: one experimental design, isolating one quantity. Probes import only types from here. */
import type { z } from 'zod'
import type { Random } from '../random/random.js'

/** `any`: whatever the cache holds; the user's own prompts, which no curve is fitted on. */
export type CacheAsked = 'fresh' | 'warm' | 'any'
export type ConnectionMode = 'reused' | 'new'
export type ArrivalProcess = 'constant' | 'poisson'
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
  /** Open loop: upper bound of requests in flight. */
  maxInFlight?: number | undefined
  /** Default 'reused'. */
  connection?: ConnectionMode | undefined
  /** Requests in this visit. Default: `concurrency` in a closed loop, 1 second's worth in an open one. */
  requests?: number | undefined
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
  errors: number
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
  next(settings: S, seen: Seen, random: Random): Next
}

export type Probe<S = unknown> = PlannedProbe<S> | AdaptiveProbe<S>
