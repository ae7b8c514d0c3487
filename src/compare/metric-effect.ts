/** The shift of a metric over all common cells of a pair of targets. */
import { blocksShift, type Arm } from '../stats/blocks-shift.js'
import { median } from '../stats/quantile.js'
import { unevenShift } from '../stats/uneven-shift.js'
import { toArms } from './arms.js'
import { LEAST_BLOCKS, type Effect } from './effect.js'
import type { Joined } from './join.js'
import { counts, isUnproven } from '../sample/counts.js'
import { valueOf, type SampleMetric } from './sample-metric.js'

export interface MetricEffect {
  effect: Effect
  leftOut: readonly string[]
}

/**
 * Block scores and Welch's test with serial correction (`blocksShift`; `unevenShift` where blocks hold some of the cells by
 * design). Null where neither side has the metric.
 */
export function metricEffect(joined: Joined, metric: SampleMetric, gated: boolean): MetricEffect | null {
  const arms = toArms(joined.base, joined.candidate, joined.cells, metric)
  const lacking = arms === null ? missing(joined, metric) : null
  if (arms === null && lacking === null) return null
  const shiftOf = arms?.isUneven === true ? unevenShift : blocksShift
  const shift = arms === null ? null : shiftOf(arms.base, arms.candidate)
  const blocks = shift?.g ?? ([blocksOf(arms?.base), blocksOf(arms?.candidate)] as const)
  const enough = shift !== null && shift.gEff >= LEAST_BLOCKS
  return {
    effect: {
      pair: joined.pair,
      name: metric,
      kind: 'metric',
      gated,
      why: lacking ?? (enough ? null : tooFew(blocks, shift?.f ?? 1)),
      base: level(arms?.base),
      candidate: level(arms?.candidate),
      unit: metric === 'decodeRate' ? 'tokens/s' : metric === 'tpot' ? 'ms/token' : 'ms',
      scale: 'log',
      d: shift?.d ?? null,
      se: shift?.se ?? null,
      df: shift?.df ?? null,
      f: shift?.f ?? null,
      gEff: shift?.gEff ?? null,
      blocks,
      hodgesLehmann: shift?.hodgesLehmann ?? null,
      p: shift?.p ?? null,
      // A block of some of the cells bounds nothing of the others.
      ...(shift !== null &&
        arms?.isUneven === false &&
        Math.min(...blocks) >= LEAST_BLOCKS && { band: shift.band }),
    },
    leftOut: arms?.leftOut ?? [],
  }
}

/** Why there are no two arms although the metric was measured; null where it was not. */
function missing({ base, candidate }: Joined, metric: SampleMetric): string | null {
  if (base.length === 0 || candidate.length === 0) return 'the samples were not kept'
  const [ours, theirs] = [base, candidate].map((samples) =>
    samples.some((sample) => counts(sample) && !isUnproven(sample) && valueOf(sample, metric) !== null),
  )
  if (!ours && !theirs) return null
  return ours && theirs
    ? 'no common cell has values in enough blocks'
    : `no values in the ${ours ? 'candidate' : 'base'}`
}

export function tooFew(
  [base, candidate]: readonly [number, number],
  f: number,
  wanted = LEAST_BLOCKS,
): string {
  const least = Math.min(base, candidate)
  if (least < wanted) return `${least} blocks; it takes ${wanted} at least`
  return `successive blocks resemble each other so much that ${least} say as little as ${(least / f).toFixed(1)} independent ones`
}

/** Geometric mean of the cells' medians. */
function level(arm: Arm | undefined): number | null {
  if (arm === undefined) return null
  const logs = [...arm.values()].map((values) => Math.log(median(values.filter((value) => value !== null))))
  return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length)
}

const blocksOf = (arm: Arm | undefined): number =>
  Math.max(0, ...[...(arm?.values() ?? [])].map((values) => values.length))
