/** What two snapshots say of each other: plain data, with everything needed to doubt it. */

import type { DayEffect } from './day-effect.js'

export type Verdict = 'better' | 'same' | 'worse' | 'inconclusive' | 'not comparable'

/** Two targets held against each other; of one name unless they were paired by hand. */
export interface TargetPair {
  base: string
  candidate: string
}

/**
 * `metric`: one value a sample, tested on block scores. `parameter`: of a curve. `share`: of requests, that failed
 * (`errors`), were answered wrongly (`canary`) or were of the slow regime (`slowShare`, `slowDecode`).
 */
export type ShiftKind = 'metric' | 'parameter' | 'share'

/** One thing tested. */
export interface Shift {
  pair: TargetPair
  /** `ttft`, `tpot`, …; `base`, `fresh`, …; `slowShare`, `slowDecode`, `errors`, `canary`. */
  name: string
  kind: ShiftKind
  /** Part of the family that decides the exit code; else shown only. */
  gated: boolean
  verdict: Verdict
  /** Why the verdict is inconclusive or not comparable; null for the others. */
  why: string | null
  /** A metric: geometric mean of its cells' medians. A parameter: its value. A share: itself. */
  base: number | null
  candidate: number | null
  unit: string
  /** Candidate ÷ base, with the interval [low, high] at the corrected level of the family; for a share null. */
  ratio: number | null
  low: number | null
  high: number | null
  /** Metrics: the ratio again, by Hodges and Lehmann's median of differences. */
  hodgesLehmann: number | null
  /** Standard error and degrees of freedom behind the interval: of ln(ratio) for a metric, of ratio for a parameter. */
  se: number | null
  df: number | null
  /** Factor on the variance for the correlation of successive blocks, in `se` already; and what it leaves of them. */
  f: number | null
  gEff: number | null
  /** Blocks of base and candidate; for errors and canary requests. */
  blocks: readonly [number, number]
  /** Two-sided, of no shift; and Holm's, over everything that is gated. */
  p: number | null
  pHolm: number | null
  /** Smallest shift that matters: .05 is 5 %. */
  margin: number
  /** A shift of this size would have been found with 95 % probability: .12 is 12 %. Null: none would. */
  detectable: number | null
  /** The shift that the scenario wants to be able to see, where it names one. */
  detect: number | null
  /** Blocks that would settle it, where inconclusive and they can be told. */
  blocksNeeded: number | null
}

/** One metric of one cell. It explains a verdict and gives none: only what is in `shifts` is tested. */
export interface CellShift {
  pair: TargetPair
  cell: string
  metric: string
  base: { median: number; n: number }
  candidate: { median: number; n: number }
  ratio: number
  /** 95 % by resampling blocks; null below 2 blocks. For this cell alone, not corrected for there being many. */
  low: number | null
  high: number | null
  /** Its metric shifted and its own interval leaves out 1: here is where. */
  explains: boolean
}

/** A reason for which the snapshots, or one pair of targets, are not held against each other. */
export interface Refusal {
  kind: 'definition' | 'tokenizer' | 'overloaded' | 'no-common-cell' | 'no-common-target'
  message: string
}

export interface Comparison {
  base: { id: string; startedAt: string }
  candidate: { id: string; startedAt: string }
  pairs: readonly TargetPair[]
  /** Empty: comparable. */
  refusals: readonly Refusal[]
  shifts: readonly Shift[]
  cells: readonly CellShift[]
  /** Cells that only one side has, as `target cell`. */
  unmatched: { base: readonly string[]; candidate: readonly string[] }
  /** Number of gated tests that share the level. */
  family: number
  /** Chance of any false alarm in the family. */
  level: number
  /** What a reader must know. */
  notes: readonly string[]
}

export interface CompareOptions {
  /** @default targets of the same name */
  pairs?: readonly TargetPair[] | undefined
  /** Smallest shift that matters, by name. @default .05 each */
  margins?: Readonly<Record<string, number>> | undefined
  /** Shift that must be detectable, by name; a metric named here is gated. @default ttft and tpot, .25 each */
  detect?: Readonly<Record<string, number>> | undefined
  /** How much days differ, by target of the base (`dayEffect`): two runs are two draws of their day. @default not known */
  days?: ReadonlyMap<string, DayEffect> | undefined
  /** Of bootstraps. @default 999 */
  resamples?: number | undefined
}

export const DEFAULT_MARGIN = 0.05
export const DEFAULT_DETECT: Readonly<Record<string, number>> = { ttft: 0.25, tpot: 0.25 }
/** Family-wise: one false alarm in a hundred comparisons. */
export const LEVEL = 0.01
