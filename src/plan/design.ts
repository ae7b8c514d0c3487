/** A grid of cells as rows of the law that it is to tell, and what samples of each cell say of its parameters. */
import { leastSquares } from '../stats/least-squares.js'
import { matrixInverse } from '../stats/matrix-inverse.js'
import { median } from '../stats/quantile.js'
import { showsBend, spreadOf } from '../stats/spread.js'
import type { Block, CellAsk, CellSeen, Law } from './probe.js'

type Metric = 'ttft' | 'tpot'

/** A column of the law, linear in its parameter, in the units that a curve gives it. */
interface Column {
  parameter: string
  of(ask: CellAsk): number
}

const freshOf = (ask: CellAsk): number => (ask.promptTokens - ask.prefixTokens) / 1000
const peersOf = (ask: CellAsk): number => (ask.concurrency ?? 1) - 1
const ALONE: Column = { parameter: 'alone', of: () => 1 }

// Lengths in thousands: milliseconds a thousand tokens are µs a token.
const COLUMNS: Readonly<Record<Law, Readonly<Partial<Record<Metric, readonly Column[]>>>>> = {
  prefill: {
    ttft: [
      { parameter: 'base', of: () => 1 },
      { parameter: 'fresh', of: freshOf },
      { parameter: 'hit', of: (ask) => ask.prefixTokens / 1000 },
    ],
  },
  decode: {
    tpot: [
      { parameter: 'step', of: () => 1 },
      { parameter: 'perContext', of: (ask) => (ask.promptTokens + ask.outputTokens / 2) / 1000 },
    ],
  },
  contention: {
    ttft: [ALONE, { parameter: 'ttftPerPeer', of: peersOf }],
    tpot: [ALONE, { parameter: 'tpotPerPeer', of: peersOf }],
  },
  cache: {},
}
const BEND: Column = { parameter: 'curve', of: (ask) => 1000 * freshOf(ask) ** 2 }

export interface DesignCell {
  ask: CellAsk
  /** One entry a column. */
  row: readonly number[]
  /** Predicted milliseconds. */
  ms: number
  /** Samples so far. */
  n: number
  /** Requests of one visit, priming included. */
  cost: number
  /** No sample so far: what it would tell is not known. */
  silent: boolean
}

/** What a bend of one unit (µs a token²) does to a straight law fitted in its place. */
export interface Bend {
  /** The most that a prediction is off by, as a share of it. */
  prediction: number
  /** Shift of each parameter, as a share of it; in the order of the columns. */
  parameters: readonly number[]
  /** The medians lie on a bend rather than on a line, as far as can be told without a fit. */
  seen: boolean
}

export interface Design {
  /** Parameters of the straight law, then `curve` where there is a `bend`. */
  names: readonly string[]
  /** Of them those of the straight law. */
  straight: number
  cells: readonly DesignCell[]
  /** Of the straight law. */
  parameters: readonly number[]
  /** Null where the law has no bend, or the lengths of the grid cannot show it. */
  bend: Bend | null
}

/**
 * The grid as rows of a linear law whose noise is in proportion to its prediction; one design for each metric that the law
 * is of, over the same cells. One that the medians do not determine is left out.
 */
export function designsOf(law: Law, grid: Block, known: readonly CellSeen[]): readonly Design[] {
  const { ttft, tpot } = COLUMNS[law]
  const designs = [
    ttft === undefined ? null : designOf('ttft', ttft, grid, known),
    tpot === undefined ? null : designOf('tpot', tpot, grid, known),
  ]
  return designs.filter((design) => design !== null)
}

function designOf(
  metric: Metric,
  all: readonly Column[],
  grid: Block,
  known: readonly CellSeen[],
): Design | null {
  const asked = grid.map((ask) => {
    const cell = known.find((each) => isSame(each, ask))
    const times = cell?.[metric]
    const cost = (ask.requests ?? ask.concurrency ?? 1) + (ask.cache === 'warm' ? 1 : 0)
    const lengths = cell !== undefined && isLength(cell) ? [1000 * freshOf(ask)] : []
    const seen = times !== undefined && times.p50 > 0 ? times : undefined
    return { ask, seen, lengths, n: cell?.n ?? 0, cost }
  })
  const told = asked.filter(({ seen }) => seen !== undefined)
  // Where no warm request is ever served from the cache, the rest of the law can still be known.
  const straight = all.filter(({ of }) => told.some(({ ask }) => of(ask) > 0))
  const bends = all === COLUMNS.prefill.ttft && showsBend(spreadOf(told.flatMap(({ lengths }) => lengths)))
  const columns = bends ? [...straight, BEND] : straight
  const cells = asked.map((cell) => ({ ...cell, row: columns.map(({ of }) => of(cell.ask)) }))
  const measured = cells.flatMap(({ row, seen, n }) =>
    seen === undefined ? [] : [{ row, n, ms: seen.p50, p90: seen.p90 }],
  )
  if (straight.length === 0 || measured.length < straight.length) return null
  const parameters = solve(measured, straight.length, ({ ms }) => 1 / ms ** 2)
  if (parameters === null) return null
  const least = 0.05 * Math.min(...measured.map(({ ms }) => ms))
  const predict = (row: readonly number[]): number =>
    Math.max(
      least,
      parameters.reduce((sum, parameter, j) => sum + row[j]! * parameter, 0),
    )
  const names = columns.map(({ parameter }) => parameter)
  const predicted = cells.map(({ ask, row, seen, n, cost }) => {
    return { ask, row, n, cost, silent: seen === undefined, ms: predict(row) }
  })
  const design = { names, straight: straight.length, cells: predicted, parameters, bend: null }
  return bends ? { ...design, bend: bendOf(design, measured) } : design
}

/** Whether it is known how many tokens were computed: of a warm prompt only where the server says what it served. */
const isLength = ({ ask, cacheHits }: CellSeen): boolean => ask.prefixTokens === 0 || cacheHits.reported > 0

function isSame({ ask }: CellSeen, other: CellAsk): boolean {
  return (
    ask.promptTokens === other.promptTokens &&
    ask.prefixTokens === other.prefixTokens &&
    ask.outputTokens === other.outputTokens &&
    (ask.concurrency ?? 1) === (other.concurrency ?? 1) &&
    ask.search !== true
  )
}

interface Measured {
  row: readonly number[]
  n: number
  ms: number
  p90: number
}

function solve<T extends { row: readonly number[]; ms: number }>(
  cells: readonly T[],
  width: number,
  weightOf: (cell: T) => number,
): number[] | null {
  return leastSquares(
    Float64Array.from(cells.flatMap(({ row }) => row.slice(0, width))),
    width,
    Float64Array.from(cells, ({ ms }) => ms),
    Float64Array.from(cells, weightOf),
  )
}

// Φ⁻¹(.9): from the median to the ninth decile in standard deviations.
const TO_P90 = 1.2816
const LEAST_SD = 0.01
/** The standard error of a median is that much larger than that of a mean: √(π ÷ 2). */
const OF_MEDIAN = 1.2533
/** Standard errors from which a bend is designed for. */
const SEEN_FROM = 2

function bendOf(design: Omit<Design, 'bend'>, measured: readonly Measured[]): Bend | null {
  const { cells, straight, parameters } = design
  const unit = cells.map(({ row, ms, n }) => ({ row, ms: row[straight]!, weight: n / ms ** 2 }))
  const moved = solve(unit, straight, ({ weight }) => weight)
  if (moved === null) return null
  const off = cells.map(({ row, ms }) => {
    const taken = moved.reduce((sum, each, j) => sum + each * row[j]!, 0)
    return Math.abs(row[straight]! - taken) / ms
  })
  const sds = measured.flatMap(({ n, ms, p90 }) => (n > 1 ? [Math.log(p90 / ms) / TO_P90] : []))
  const sd = Math.max(LEAST_SD, ...(sds.length === 0 ? [] : [median(sds)]))
  const curve = solve(measured, straight + 1, ({ n, ms }) => n / ms ** 2)?.[straight] ?? 0
  const variance = variancesOf(design, countsOf(design), straight + 1)?.[straight] ?? Infinity
  return {
    prediction: Math.max(...off),
    parameters: moved.map((each, j) => Math.abs(each / parameters[j]!)),
    seen: curve > SEEN_FROM * OF_MEDIAN * sd * Math.sqrt(variance),
  }
}

/** Samples of each cell so far. */
export const countsOf = ({ cells }: Pick<Design, 'cells'>): number[] => cells.map(({ n }) => n)

/**
 * Variances of the first `size` parameters, with none beside them, up to the square of the noise: the diagonal of the inverse
 * of the information, each sample weighing 1 ÷ prediction². Null where they are not determined.
 */
export function variancesOf(
  { cells }: Pick<Design, 'cells'>,
  counts: readonly number[],
  size: number,
): number[] | null {
  const information = Array.from({ length: size }, (_, j) =>
    Array.from({ length: size }, (_unused, k) =>
      cells.reduce((sum, { row, ms }, i) => sum + (counts[i]! * row[j]! * row[k]!) / ms ** 2, 0),
    ),
  )
  return matrixInverse(information)?.map((row, j) => row[j]!) ?? null
}
