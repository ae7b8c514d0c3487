/** Spending: which cells of a grid narrow a law's intervals soonest, and when they are narrow enough. */
import type { Random } from '../random/random.js'
import { leastSquares } from '../stats/least-squares.js'
import type { Block, CellAsk, CellSeen, Law, Next, Seen } from './probe.js'

/** Wanted half-width of each parameter's 95 % interval, as a share of it: one for all, or one by parameter. */
export type Precision = number | Readonly<Record<string, number>>

/** A parameter as fitted so far, in the units of a curve. */
export interface Known {
  value: number
  low: number
  high: number
}

export interface Spending {
  law: Law
  /** The cells to choose from, each once: one block of the design. */
  grid: Block
  precision: Precision
  /** The law fitted to what is known; called at looks only. */
  fit(): Readonly<Record<string, Known>>
}

/** A column of the law, linear in its parameter, in the units that a curve gives it. */
interface Column {
  parameter: string
  of(ask: CellAsk): number
}

// Lengths in thousands: milliseconds a thousand tokens are µs a token.
const COLUMNS: Readonly<Record<Law, readonly Column[]>> = {
  prefill: [
    { parameter: 'base', of: () => 1 },
    { parameter: 'fresh', of: (ask) => (ask.promptTokens - ask.prefixTokens) / 1000 },
    { parameter: 'hit', of: (ask) => ask.prefixTokens / 1000 },
  ],
  decode: [
    { parameter: 'step', of: () => 1 },
    { parameter: 'perContext', of: (ask) => (ask.promptTokens + ask.outputTokens / 2) / 1000 },
  ],
  contention: [
    { parameter: 'alone', of: () => 1 },
    { parameter: 'ttftPerPeer', of: (ask) => (ask.concurrency ?? 1) - 1 },
  ],
  cache: [],
}

/** With one precision for all: these must reach it by themselves; of the others doubt may stay that moves no prediction as far. */
const MAIN = new Set(['base', 'fresh', 'step'])

const FIRST_LOOK = 12
const LOOK_RATIO = 1.25
// Looking repeatedly stops at lucky moments; asking for a little more makes up for it (Chow & Robbins 1965).
const SLACK = 1.06
/** Blocks of the whole grid before any choice. */
export const FULL_BLOCKS = 2
/** Blocks after which a precision that is not reached yet is given up: the noise is too large for it. */
export const MOST_SPENT_BLOCKS = 240

/** Whether `blocks` is one of 12, 15, 19, 24, 30, 38, 48, 60, …: looks at every block would stop too soon. */
export function isLook(blocks: number): boolean {
  let look = FIRST_LOOK
  while (look < blocks) look = Math.round(look * LOOK_RATIO)
  return look === blocks
}

/** The next block: the whole grid twice, then the cells of most worth, until the law is known as closely as asked. */
export function spend(seen: Seen, random: Random, spending: Spending): Next {
  const { grid, law } = spending
  if (seen.blocks < FULL_BLOCKS) return { ask: random.shuffle(grid) }
  const design = designOf(spending, seen)
  const isLast = seen.blocks >= MOST_SPENT_BLOCKS
  if (design === null && isLast) return { done: `no ${law} curve after ${seen.blocks} blocks` }
  if (design === null || seen.blocks < FIRST_LOOK)
    return { ask: chosen(seen.blocks, spending, design, random) }
  if (isLast || isLook(seen.blocks)) {
    const fitted = spending.fit()
    const gaps = gapsOf(spending, fitted, design)
    const worst = gaps.reduce<Gap | null>((a, b) => (a === null || b.ratio > a.ratio ? b : a), null)
    if (worst === null && isLast) return { done: `no ${law} curve after ${seen.blocks} blocks` }
    const reached = worst !== null && worst.ratio * SLACK <= 1
    if (worst !== null && (reached || isLast)) {
      const text = `${worst.parameter} known within ${percent(worst.halfWidth)} after ${seen.blocks} blocks`
      const saved = savedText(worst.parameter, design)
      return {
        done: reached
          ? `${text}, as closely as asked${saved}`
          : `stopped with ${text}: the noise is too large`,
      }
    }
  }
  return { ask: chosen(seen.blocks, spending, design, random) }
}

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`

interface Gap {
  parameter: string
  /** Relative half-width. */
  halfWidth: number
  /** Half-width ÷ wanted half-width. */
  ratio: number
}

/** How far each parameter that counts is from what is asked. */
function gapsOf(
  { precision }: Spending,
  fitted: Readonly<Record<string, Known>>,
  { columns, cells }: Design,
): Gap[] {
  return Object.entries(fitted).flatMap(([parameter, { value, low, high }]): Gap[] => {
    const target = typeof precision === 'number' ? precision : precision[parameter]
    if (target === undefined) return []
    const half = (high - low) / 2
    const halfWidth = half / Math.abs(value)
    const column = columns.findIndex((each) => each.parameter === parameter)
    const isMain = typeof precision !== 'number' || MAIN.has(parameter) || column === -1
    const moves = Math.max(...cells.map(({ row, ms }) => (half * (row[column] ?? 0)) / ms))
    return [{ parameter, halfWidth, ratio: (isMain ? halfWidth : Math.min(halfWidth, moves)) / target }]
  })
}

interface DesignCell {
  ask: CellAsk
  /** One entry a column. */
  row: readonly number[]
  /** Predicted milliseconds. */
  ms: number
  /** Samples so far. */
  n: number
  /** Requests of one visit, priming included. */
  cost: number
}

interface Design {
  columns: readonly Column[]
  cells: readonly DesignCell[]
  parameters: readonly number[]
}

/** The grid as rows of a linear law whose noise is in proportion to its prediction. Null where the medians do not determine it. */
function designOf({ law, grid }: Spending, { cells: known }: Seen): Design | null {
  const columns = COLUMNS[law].filter(({ of }) => grid.some((ask) => of(ask) > 0))
  const cells = grid.map((ask) => {
    const cell = known.find((each) => isSame(each, ask))
    const ms = law === 'decode' ? cell?.tpot?.p50 : cell?.ttft?.p50
    const cost = (ask.requests ?? ask.concurrency ?? 1) + (ask.cache === 'warm' ? 1 : 0)
    return { ask, row: columns.map(({ of }) => of(ask)), ms, n: cell?.n ?? 0, cost }
  })
  const measured = cells.flatMap(({ row, ms }) => (ms === undefined || ms <= 0 ? [] : [{ row, ms }]))
  const parameters =
    columns.length === 0 || measured.length < columns.length
      ? null
      : leastSquares(
          Float64Array.from(measured.flatMap(({ row }) => row)),
          columns.length,
          Float64Array.from(measured, ({ ms }) => ms),
          Float64Array.from(measured, ({ ms }) => 1 / ms ** 2),
        )
  if (parameters === null) return null
  const least = 0.05 * Math.min(...measured.map(({ ms }) => ms))
  const predict = (row: readonly number[]): number =>
    Math.max(
      least,
      row.reduce((sum, value, j) => sum + value * parameters[j]!, 0),
    )
  return { columns, parameters, cells: cells.map((cell) => ({ ...cell, ms: predict(cell.row) })) }
}

function isSame({ ask }: CellSeen, other: CellAsk): boolean {
  return (
    ask.promptTokens === other.promptTokens &&
    ask.prefixTokens === other.prefixTokens &&
    ask.outputTokens === other.outputTokens &&
    (ask.concurrency ?? 1) === (other.concurrency ?? 1) &&
    ask.search !== true
  )
}

/**
 * Half of the grid's cells: in every second block one at random, so that a curve in the law stays visible and no cell
 * is forgotten, the others one after another by what each adds to the information about the parameters (a sequential design; Fedorov
 * 1972, Theory of Optimal Experiments) for each request that it costs. A cell may be chosen twice.
 */
function chosen(blocks: number, spending: Spending, design: Design | null, random: Random): Block {
  const { grid } = spending
  const count = chosenCount(grid.length)
  if (design === null) return random.shuffle(grid).slice(0, count)
  const counts = design.cells.map(({ n }) => n)
  const picked: number[] = []
  if (blocks % 2 === 0) {
    picked.push(random.int(grid.length))
    counts[picked[0]!]!++
  }
  while (picked.length < count) {
    const before = doubt(spending, design, counts)
    const gains = design.cells.map(({ cost }, i) => {
      const more = counts.map((n, at) => n + (at === i ? 1 : 0))
      return (before - doubt(spending, design, more)) / cost
    })
    const best = gains.reduce((a, gain, i) => (gain > gains[a]! ? i : a), 0)
    counts[best]!++
    picked.push(best)
  }
  return random.shuffle(picked.map((i) => grid[i]!))
}

/** Cells of a block that are chosen from a grid of so many. */
export const chosenCount = (cells: number): number => Math.max(Math.min(3, cells), Math.ceil(cells / 2))

/** Sum of (half-width ÷ target)⁴ over the parameters, up to a factor: the widest decides. Infinite where undetermined. */
function doubt({ precision }: Spending, design: Design, counts: readonly number[]): number {
  const variances = variancesOf(design, counts)
  if (variances === null) return Number.MAX_VALUE
  return variances.reduce((sum, variance, j) => {
    const { parameter } = design.columns[j]!
    const target = targetOf(precision, parameter)
    if (target === null) return sum
    const own = design.parameters[j]!
    const reach = Math.min(...design.cells.map(({ row, ms }) => (row[j]! > 0 ? ms / row[j]! : Infinity)))
    const isMain = typeof precision !== 'number' || MAIN.has(parameter)
    const scale = target * (isMain ? Math.max(Math.abs(own), 0.01 * reach) : Math.max(Math.abs(own), reach))
    return sum + (variance / scale ** 2) ** 2
  }, 0)
}

function targetOf(precision: Precision, parameter: string): number | null {
  if (typeof precision === 'number') return precision
  // The level of contention is fitted and not kept: nobody can ask for it.
  return precision[parameter] ?? null
}

/** Diagonal of the inverse of the information, each sample weighing 1 ÷ prediction². */
function variancesOf({ cells, columns }: Design, counts: readonly number[]): number[] | null {
  const size = columns.length
  const information = Array.from({ length: size }, (_, j) =>
    Array.from({ length: size }, (_unused, k) =>
      cells.reduce((sum, { row, ms }, i) => sum + (counts[i]! * row[j]! * row[k]!) / ms ** 2, 0),
    ),
  )
  const inverse = invert(information)
  return inverse === null ? null : inverse.map((row, j) => row[j]!)
}

/** Gauss-Jordan with partial pivoting; at most 3 × 3 here. */
function invert(matrix: readonly (readonly number[])[]): number[][] | null {
  const size = matrix.length
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))])
  for (let column = 0; column < size; column++) {
    const pivot = rows.reduce(
      (best, row, i) => (i >= column && Math.abs(row[column]!) > Math.abs(rows[best]![column]!) ? i : best),
      column,
    )
    const [a, b] = [rows[column]!, rows[pivot]!]
    rows[column] = b
    rows[pivot] = a
    const head = b[column]!
    if (!(Math.abs(head) > 0)) return null
    rows[column] = b.map((value) => value / head)
    for (const [i, row] of rows.entries()) {
      if (i === column) continue
      const factor = row[column]!
      rows[i] = row.map((value, j) => value - factor * rows[column]![j]!)
    }
  }
  return rows.map((row) => row.slice(size))
}

/** What the whole grid would have taken for the same width of the parameter that decided. */
function savedText(parameter: string, design: Design): string {
  const column = Math.max(
    0,
    design.columns.findIndex((each) => each.parameter === parameter),
  )
  const spent = design.cells.map(({ n }) => n)
  const ours = variancesOf(design, spent)?.[column]
  const whole = variancesOf(design, design.cells.map(perVisit))?.[column]
  if (ours === undefined || whole === undefined) return ''
  const cost = (counts: readonly number[]): number =>
    design.cells.reduce((sum, each, i) => sum + (counts[i]! / perVisit(each)) * each.cost, 0)
  const taken = Math.round(cost(spent))
  const wouldTake = Math.round((whole / ours) * cost(design.cells.map(perVisit)))
  const share = Math.round(100 * (1 - taken / wouldTake))
  return share > 0
    ? `; ${taken} requests, where the whole grid would have taken about ${wouldTake} (${share} % saved)`
    : `; ${taken} requests, no fewer than the whole grid would have taken`
}

/** Samples of one visit. */
const perVisit = ({ ask }: DesignCell): number => ask.requests ?? ask.concurrency ?? 1
