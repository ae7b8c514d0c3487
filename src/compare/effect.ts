/** A measured effect, before the family is known that it is judged in: one shape for metrics, parameters and errors. */
import type { ShiftKind, TargetPair } from './comparison.js'

export interface Effect {
  pair: TargetPair
  name: string
  kind: ShiftKind
  gated: boolean
  /** Why it cannot be judged; null where it can. */
  why: string | null
  base: number | null
  candidate: number | null
  unit: string
  /** Scale of `d` and `se`: ln(ratio), or ratio − 1, or the difference of two shares. */
  scale: 'log' | 'relative' | 'share'
  d: number | null
  se: number | null
  df: number | null
  f: number | null
  gEff: number | null
  blocks: readonly [number, number]
  hodgesLehmann: number | null
  p: number | null
  /**
   * Metrics: all block scores of an arm lie within this much of each other. It bounds what noise did, however the blocks
   * hang together.
   */
  band?: number
  /** Errors and canary: 90 % interval of the difference of the shares, which has no standard error of its own. */
  range?: readonly [number, number]
}

/** Below this number of effective blocks nothing is concluded. */
export const LEAST_BLOCKS = 6

/** Where the scores that a band was taken from are not what is judged any more. */
export function withoutBand(effect: Effect): Effect {
  const plain = { ...effect }
  delete plain.band
  return plain
}
