/** The shift between two arms whose blocks each hold some of the cells only, as of designs that choose their cells. */
import { scoresShift, type Arm, type BlocksShift } from './blocks-shift.js'
import { mad, winsorise } from './mad.js'
import { median } from './quantile.js'

const CLIP = 3 // robust sd about the cell's median

/** One cell of one arm: ln of its values by block, outliers drawn in. */
interface Values {
  /** Null where the block lacks the cell. */
  readonly logs: ByBlock
  readonly count: number
  readonly mean: number
}

/**
 * d = Σ w·(mean of the second arm's logs − mean of the first's) over common cells, w in proportion to ab ÷ (a + b) for a and
 * b values: the least squares estimate of one shift beside a level of each cell (two-way layout with unequal numbers;
 * Scheffé 1959, The Analysis of Variance, ch. 4.4). A cell that one arm has more often than the other thus moves
 * nothing by its own level. What a block adds to its arm's mean is its score, so that a block is one draw however many
 * cells it holds; the scores go through the same test as those of whole blocks (`scoresShift`). Where every block holds
 * every cell these are `blockScores` up to a constant. Null when no cell is common or an arm has fewer than 2 blocks.
 */
export function unevenShift(first: Arm, second: Arm): BlocksShift | null {
  const cells = [...first.keys()].flatMap((cell) => {
    const [ours, theirs] = [first.get(cell), second.get(cell)]
    const pair = ours === undefined || theirs === undefined ? null : clipped(ours, theirs)
    return pair === null ? [] : [pair]
  })
  const weights = cells.map(([a, b]) => (a.count * b.count) / (a.count + b.count))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (!(total > 0)) return null
  const shares = weights.map((weight) => weight / total)
  const level = cells.reduce((sum, [a, b], j) => sum + shares[j]! * (b.mean - a.mean), 0)
  return scoresShift(
    scoresOf(
      cells.map(([a]) => a),
      shares,
      0,
    ),
    scoresOf(
      cells.map(([, b]) => b),
      shares,
      level,
    ),
  )
}

type ByBlock = readonly (number | null)[]

/** Null where an arm has fewer than 2 values: its scatter is not known then. */
function clipped(ours: ByBlock, theirs: ByBlock): readonly [Values, Values] | null {
  const logs = [ours, theirs].map((values) =>
    values.map((value) => (value !== null && value > 0 ? Math.log(value) : null)),
  )
  const present = logs.map((values) => values.filter((value) => value !== null))
  if (present.some((values) => values.length < 2)) return null
  const centres = present.map(median)
  const spread = mad(
    present.flatMap((values, arm) => values.map((value) => value - centres[arm]!)),
    0,
  )
  const reach = spread > 0 ? CLIP * spread : Infinity
  const [a, b] = logs.map((values, arm): Values => {
    const kept = winsorise(present[arm]!, centres[arm]!, reach)
    let next = 0
    return {
      logs: values.map((value) => (value === null ? null : kept[next++]!)),
      count: kept.length,
      mean: kept.reduce((sum, value) => sum + value, 0) / kept.length,
    }
  })
  return [a!, b!]
}

/**
 * Of each block that holds a cell, what it adds to the arm's mean, times the number of blocks, about `level`. Deviations
 * from a mean of n values are too small by √(1 − 1/n); `scoresShift` makes up for that of one mean of all blocks,
 * the factor here for that of each cell's own.
 */
function scoresOf(cells: readonly Values[], shares: readonly number[], level: number): number[] {
  const length = Math.max(0, ...cells.map(({ logs }) => logs.length))
  const held = Array.from({ length }, (_, block) => cells.some(({ logs }) => (logs[block] ?? null) !== null))
  const blocks = held.filter(Boolean).length
  const scores = new Float64Array(length)
  for (const [j, { logs, count, mean }] of cells.entries()) {
    const factor =
      ((blocks * shares[j]!) / count) * Math.sqrt((count * (blocks - 1)) / ((count - 1) * blocks))
    for (const [block, value] of logs.entries()) if (value !== null) scores[block]! += factor * (value - mean)
  }
  return Array.from(scores)
    .filter((_, block) => held[block])
    .map((score) => level + score)
}
