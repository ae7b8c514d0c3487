/** The shift between two arms of one design, with blocks as the unit. */
import { mean, sampleVariance } from 'simple-statistics'
import { hodgesLehmann } from './hodges-lehmann.js'
import { mad, winsorise } from './mad.js'
import { median } from './quantile.js'
import { correctSerial, lagOne } from './serial-correlation.js'
import { tTwoSided } from './student-t.js'

/** Of each cell, the values (times, above 0) by block; null where the block lacks one. */
export type Arm = ReadonlyMap<string, readonly (number | null)[]>

export interface BlocksShift {
  /** Difference of the mean scores, second arm less first: the logarithm of a ratio. */
  readonly d: number
  /** The same as the median of all differences between blocks: what is printed beside it. */
  readonly hodgesLehmann: number
  readonly se: number
  /** Welch-Satterthwaite. */
  readonly df: number
  /** Factor by which serial correlation widens variances; in `se` already. */
  readonly f: number
  /** Effective number of blocks in the smaller arm. Below 6 nothing can be concluded. */
  readonly gEff: number
  /** Blocks used in each arm. */
  readonly g: readonly [number, number]
  /** Two-sided, of no shift. */
  readonly p: number
  /** Largest score less smallest, of the arm where that is more. */
  readonly band: number
}

const CLIP = 3 // robust sd about the cell's median
const MISSING_ALLOWED = 0.25 // share of the cells
const RHO_LIMIT = 0.9

/** Both steps below. Null when an arm has fewer than 2 blocks or no cell is common. */
export function blocksShift(first: Arm, second: Arm): BlocksShift | null {
  const scores = blockScores(first, second)
  return scoresShift(scores[0], scores[1])
}

/**
 * One score a block and arm: the mean over common cells of ln(value), outliers clipped, less the cell's median over
 * both arms. A block that lacks more than a quarter of the cells is dropped; a value not above 0 counts as absent.
 */
export function blockScores(first: Arm, second: Arm): [number[], number[]] {
  const cells = [...first.keys()].filter((cell) => second.has(cell))
  const arms = [first, second].map((arm) =>
    completeBlocks(cells.map((cell) => arm.get(cell)!.map(logarithm))),
  )
  const sums = arms.map((blocks) => blocks.map(() => ({ sum: 0, count: 0 })))
  for (const j of cells.keys()) {
    const perArm = arms.map((blocks) => blocks.map((block) => block[j]!))
    const present = perArm.map((values) => values.filter((value) => value !== null))
    if (present.some((values) => values.length === 0)) continue
    const centres = present.map(median)
    const deviations = present.flatMap((values, arm) => values.map((value) => value - centres[arm]!))
    const spread = mad(deviations, 0)
    // Where more than half of the values are equal the spread is 0 and says nothing of outliers.
    const reach = spread > 0 ? CLIP * spread : Infinity
    const clipped = present.map((values, arm) => winsorise(values, centres[arm]!, reach))
    const joint = median(clipped.flat())
    for (const [arm, values] of perArm.entries()) {
      let next = 0
      for (const [block, value] of values.entries()) {
        if (value === null) continue
        const score = sums[arm]![block]!
        score.sum += clipped[arm]![next++]! - joint
        score.count++
      }
    }
  }
  const [a, b] = sums.map((blocks) =>
    blocks.filter(({ count }) => count > 0).map(({ sum, count }) => sum / count),
  )
  return [a!, b!]
}

/**
 * Welch's test on block scores in order of time, widened for the correlation of successive blocks. Without any
 * spread p is 0 for a shift and 1 for none.
 */
export function scoresShift(first: readonly number[], second: readonly number[]): BlocksShift | null {
  const arms = [first, second]
  if (arms.some((scores) => scores.length < 2)) return null
  const g = [first.length, second.length] as const
  const r = (lagOne(first) + lagOne(second)) / 2
  // One correlation for both arms; with unequal arms its bias lies between those of their lengths.
  const { f } = correctSerial(r, (g[0] + g[1]) / 2, { limit: RHO_LIMIT })
  const [a, b] = arms.map((scores) => armVariance(scores, f))
  const variance = a!.variance + b!.variance
  const se = Math.sqrt(variance * f)
  const d = mean([...second]) - mean([...first])
  const df =
    variance > 0
      ? variance ** 2 / (a!.variance ** 2 / (a!.gEff - 1) + b!.variance ** 2 / (b!.gEff - 1))
      : a!.gEff + b!.gEff - 2
  const p = se > 0 ? tTwoSided(d / se, df) : d === 0 ? 1 : 0
  const band = Math.max(...arms.map((scores) => Math.max(...scores) - Math.min(...scores)))
  return { d, hodgesLehmann: hodgesLehmann(first, second), se, df, f, gEff: Math.min(...g) / f, g, p, band }
}

/** Variance of an arm's mean before f; the sample variance of correlated blocks is too small, hence the last factor. */
function armVariance(scores: readonly number[], f: number): { variance: number; gEff: number } {
  const count = scores.length
  // With 2 or fewer effective blocks nothing is concluded; the floor only keeps the figures finite.
  const gEff = Math.max(2, count / f)
  return { variance: ((sampleVariance([...scores]) / count) * (1 - 1 / count)) / (1 - 1 / gEff), gEff }
}

const logarithm = (value: number | null): number | null =>
  value !== null && value > 0 ? Math.log(value) : null

/** From one list a cell to one row a block, without the blocks that lack too many cells. */
function completeBlocks(cells: readonly (readonly (number | null)[])[]): (number | null)[][] {
  const count = Math.max(0, ...cells.map((values) => values.length))
  const blocks = Array.from({ length: count }, (_, block) => cells.map((values) => values[block] ?? null))
  return blocks.filter(
    (block) => block.filter((value) => value === null).length <= MISSING_ALLOWED * cells.length,
  )
}
