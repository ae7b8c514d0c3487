/** Which cells of a grid to ask next: those that narrow what is asked soonest for what they cost. */
import type { Random } from '../random/random.js'
import { countsOf, variancesOf, type Bend, type Design } from './design.js'
import { countsByItself, targetOf, type Precision } from './precision.js'
import type { Block } from './probe.js'

/** Cells of a block that are chosen from a grid of so many. */
export const chosenCount = (cells: number): number => Math.max(Math.min(3, cells), Math.ceil(cells / 2))

/** Blocks from one cell at random to the next. */
const RANDOM_EVERY = 4
/** Blocks in which a cell that brought no sample is tried again; after them it is left to chance. */
const SILENT_BLOCKS = 12

/**
 * Half of the grid's cells: in every fourth block one at random, so that no cell is forgotten, the others one after
 * another by what each adds to the information about the parameters (a sequential design; Fedorov 1972, Theory of Optimal
 * Experiments) for each request that it costs. A cell may be chosen twice. Without a design all are chosen at random.
 * `designs` share their cells.
 */
export function choose(
  grid: Block,
  blocks: number,
  precision: Precision,
  designs: readonly Design[],
  random: Random,
): Block {
  const count = chosenCount(grid.length)
  const [design] = designs
  if (design === undefined) return random.shuffle(grid).slice(0, count)
  const counts = countsOf(design)
  const picked: number[] = []
  const silent = design.cells.flatMap((cell, i) => (cell.silent ? [i] : []))
  if (blocks % RANDOM_EVERY === 0) picked.push(random.int(grid.length))
  else if (silent.length > 0 && blocks < SILENT_BLOCKS) picked.push(silent[random.int(silent.length)]!)
  for (const i of picked) counts[i]!++
  while (picked.length < count) {
    const before = doubtOf(precision, designs, counts)
    const gains = design.cells.map(({ cost, silent: isSilent }, i) => {
      if (isSilent) return -1
      const more = counts.map((n, at) => n + (at === i ? 1 : 0))
      return (before - doubtOf(precision, designs, more)) / cost
    })
    const top = Math.max(...gains)
    const equal = gains.flatMap((gain, i) => (gain === top ? [i] : []))
    // Where none tells more than another, as before the law is determined, no place in the grid decides.
    const best = equal.length === 1 ? equal[0]! : equal[random.int(equal.length)]!
    counts[best]!++
    picked.push(best)
  }
  return random.shuffle(picked.map((i) => grid[i]!))
}

const doubtOf = (precision: Precision, designs: readonly Design[], counts: readonly number[]): number =>
  Math.min(
    Number.MAX_VALUE,
    designs.reduce((sum, design) => sum + doubt(precision, design, counts), 0),
  )

/**
 * Sum of (half-width ÷ target)⁴ over the parameters, up to a factor: the widest decides. Infinite where undetermined.
 * Where a bend can be shown it is one of them: a straight law stands only while the bend that it leaves out is known to be small.
 */
function doubt(precision: Precision, design: Design, counts: readonly number[]): number {
  const { bend, straight, names } = design
  const bent = bend === null ? null : variancesOf(design, counts, straight + 1)
  const variances = bend?.seen === true ? bent : variancesOf(design, counts, straight)
  if (variances === null || (bend !== null && bent === null)) return Number.MAX_VALUE
  const own = variances.slice(0, straight).reduce((sum, variance, j) => {
    const target = targetOf(precision, names[j]!)
    if (target === null) return sum
    return sum + (variance / scaleOf(precision, design, target, j) ** 2) ** 2
  }, 0)
  return bend === null || bent === null
    ? own
    : own + (bent[straight]! * offBy(precision, design, bend) ** 2) ** 2
}

function scaleOf(
  precision: Precision,
  { cells, names, parameters }: Design,
  target: number,
  j: number,
): number {
  const value = Math.abs(parameters[j]!)
  const reach = Math.min(...cells.map(({ row, ms }) => (row[j]! > 0 ? ms / row[j]! : Infinity)))
  return target * Math.max(value, countsByItself(precision, names[j]!) ? 0.01 * reach : reach)
}

/** Cells that tell slope and bend alike tell the bend some five times less closely, as far as it moves the slope. */
const BEND_SHARE = 5

/**
 * By how many times what is asked a straight law is off for each unit of a bend that it leaves out. Of `fresh`: in
 * predictions as far as asked, and in itself five times as far; of `base`: in itself.
 */
export function offBy(precision: Precision, { names }: Pick<Design, 'names'>, bend: Bend): number {
  const off = (name: string): number => bend.parameters[names.indexOf(name)]!
  const [base, fresh] = ['base', 'fresh'].map((name) => targetOf(precision, name))
  return Math.max(
    base == null ? 0 : off('base') / base,
    fresh == null ? 0 : Math.max(bend.prediction, off('fresh') / BEND_SHARE) / fresh,
  )
}
