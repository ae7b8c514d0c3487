/** Fits y ≈ X·b with all b ≥ 0 on the logarithm of y ÷ X·b, by reweighted least squares. */
import { leastSquares } from './least-squares.js'
import { MAD_TO_SD } from './mad.js'
import { median } from './quantile.js'

/** What is fitted: a row is one measurement. */
export interface FitRows {
  /**
   * One array a column, e.g. ones, fresh tokens ÷ 1000, cached tokens ÷ 1000. At most 4. A column that is
   * constant 1 is the intercept.
   */
  readonly columns: readonly ArrayLike<number>[]
  /** Measured times, all above 0. */
  readonly y: ArrayLike<number>
  /** Multiplicity or weight of each row, ≥ 0. @default 1 each */
  readonly weights?: ArrayLike<number>
  /** The condition of each row; the start is fitted to their medians. @default rows with equal columns */
  readonly cells?: ArrayLike<number>
}

export interface FitOptions {
  /** Parameters to start from. @default least squares on the cell medians, weights 1 ÷ median² */
  readonly start?: readonly number[]
  /** Log scale to keep; by default it is estimated anew in every round. */
  readonly scale?: number
  /** @default 40 */
  readonly rounds?: number
}

export interface LogFit {
  /** One a column, in units of y a unit of the column. */
  readonly parameters: readonly number[]
  /** True where the free fit would be negative: the parameter is then held at 0. */
  readonly bounded: readonly boolean[]
  /** Robust sd of the log residuals. */
  readonly scale: number
  /** ln(y ÷ predicted), a row each. */
  readonly residuals: Float64Array
  readonly predicted: Float64Array
  /**
   * False when the last round still moved the prediction, as in a third to a half of LAD fits: its weights creep.
   * After 40 rounds 95 % of simulated runs lie within a tenth of a standard error of the end, so it is no warning.
   */
  readonly converged: boolean
}

/**
 * What makes a method: the weight of a residual of `u` scales. Phases follow one another after their rounds, or
 * sooner when a round moves nothing; the fit has converged when that happens in the last one.
 */
export interface LogMethod {
  readonly phases: readonly { readonly rounds: number; readonly weight: (u: number) => number }[]
}

const LEAST_SCALE = 1e-4
const LEAST_SHARE = 0.05 // of the overall median: a prediction at or below 0 has no logarithm
const STILL = 1e-6

/**
 * Null when the columns are linearly dependent or fewer rows than columns carry weight. A negative parameter
 * is refitted at 0, the one with the largest negative part in the prediction first.
 */
export function logFit(rows: FitRows, method: LogMethod, options: FitOptions = {}): LogFit | null {
  const { columns, cells } = rows
  const used = usedRows(rows)
  const y = pick(rows.y, used)
  const multiplicity =
    rows.weights === undefined ? new Float64Array(y.length).fill(1) : pick(rows.weights, used)
  if (y.length < columns.length) return null
  const least = LEAST_SHARE * median(y)
  const free = columns.map((_, j) => j)
  for (;;) {
    const x = rowMajor(columns, free, used)
    const start = options.start
      ? free.map((j) => options.start![j]!)
      : startOf(x, free.length, y, cells && pick(cells, used))
    if (start === null) return null
    const found = iterate({ x, width: free.length, y, multiplicity, least }, start, method, options)
    if (found === null) return null
    const worst = mostNegative(found.b, x)
    if (worst >= 0 && free.length > 1) {
      free.splice(worst, 1)
      continue
    }
    const parameters = columns.map((_, j) => Math.max(0, found.b[free.indexOf(j)] ?? 0))
    return {
      parameters,
      bounded: columns.map((_, j) => !free.includes(j)),
      scale: found.scale,
      ...predict(rows, parameters, least),
      converged: found.converged,
    }
  }
}

interface Problem {
  readonly x: Float64Array
  readonly width: number
  readonly y: Float64Array
  readonly multiplicity: Float64Array
  readonly least: number
}

function iterate(
  { x, width, y, multiplicity, least }: Problem,
  start: readonly number[],
  method: LogMethod,
  options: FitOptions,
): { b: readonly number[]; scale: number; converged: boolean } | null {
  const n = y.length
  const pred = new Float64Array(n)
  const working = new Float64Array(n)
  const weights = new Float64Array(n)
  const residuals = new Float64Array(n)
  let b = start
  let scale = options.scale ?? LEAST_SCALE
  let phase = 0
  let left = method.phases[0]!.rounds
  evaluate(x, width, b, least, pred)
  for (let round = options.rounds ?? 40; round > 0; round--) {
    for (let i = 0; i < n; i++) residuals[i] = Math.log(y[i]! / pred[i]!)
    if (options.scale === undefined) scale = logScale(residuals)
    const { weight } = method.phases[phase]!
    for (let i = 0; i < n; i++) {
      const r = residuals[i]!
      weights[i] = (multiplicity[i]! * weight(Math.abs(r) / scale)) / (pred[i]! * pred[i]!)
      working[i] = pred[i]! * (1 + r)
    }
    const next = leastSquares(x, width, working, weights)
    if (next === null) return null
    b = next
    const still = evaluate(x, width, b, least, pred) < STILL
    const last = phase === method.phases.length - 1
    if (still && last) return { b, scale, converged: true }
    left--
    if (!last && (still || left === 0)) left = method.phases[++phase]!.rounds
  }
  return { b, scale, converged: false }
}

/** Writes X·b, at least `least`, into `pred`; returns the largest relative change. */
function evaluate(
  x: Float64Array,
  width: number,
  b: readonly number[],
  least: number,
  pred: Float64Array,
): number {
  let move = 0
  for (let i = 0, at = 0; i < pred.length; i++, at += width) {
    let sum = 0
    for (let j = 0; j < width; j++) sum += x[at + j]! * b[j]!
    if (sum < least) sum = least
    move = Math.max(move, Math.abs(pred[i]! / sum - 1))
    pred[i] = sum
  }
  return move
}

const logScale = (residuals: Float64Array): number =>
  Math.max(LEAST_SCALE, MAD_TO_SD * median(residuals.map(Math.abs)))

// Plain loops from here on: a bootstrap comes by a thousand times.

/** Indices of the rows that carry weight. */
function usedRows({ y, weights }: FitRows): Int32Array {
  const used = new Int32Array(y.length)
  let count = 0
  for (let i = 0; i < y.length; i++) if (weights === undefined || weights[i]! > 0) used[count++] = i
  return used.subarray(0, count)
}

function pick(values: ArrayLike<number>, indices: Int32Array): Float64Array {
  const picked = new Float64Array(indices.length)
  for (let i = 0; i < picked.length; i++) picked[i] = values[indices[i]!]!
  return picked
}

function rowMajor(columns: FitRows['columns'], free: readonly number[], used: Int32Array): Float64Array {
  const x = new Float64Array(used.length * free.length)
  for (let k = 0; k < free.length; k++) {
    const column = columns[free[k]!]!
    for (let i = 0, at = k; i < used.length; i++, at += free.length) x[at] = column[used[i]!]!
  }
  return x
}

/** Least squares on the cells' medians, weights 1 ÷ median²; on all rows when there are too few cells. */
function startOf(
  x: Float64Array,
  width: number,
  y: Float64Array,
  groups: Float64Array | undefined,
): number[] | null {
  const members = new Map<number | string, number[]>()
  for (let i = 0; i < y.length; i++) {
    const key = groups?.[i] ?? x.slice(i * width, (i + 1) * width).join()
    const group = members.get(key)
    if (group) group.push(i)
    else members.set(key, [i])
  }
  const medians = new Float64Array(members.size)
  const cellX = new Float64Array(members.size * width)
  let cell = 0
  for (const group of members.values()) {
    medians[cell] = median(group.map((i) => y[i]!))
    for (let j = 0; j < width; j++) cellX[cell * width + j] = median(group.map((i) => x[i * width + j]!))
    cell++
  }
  const relative = (values: Float64Array): Float64Array => values.map((value) => 1 / (value * value))
  return leastSquares(cellX, width, medians, relative(medians)) ?? leastSquares(x, width, y, relative(y))
}

/** Index of the parameter whose negative part weighs most, −1 when none is negative. */
function mostNegative(b: readonly number[], x: Float64Array): number {
  let worst = -1
  let depth = 0
  for (const [j, value] of b.entries()) {
    let reach = 0
    for (let at = j; at < x.length; at += b.length) reach += Math.abs(x[at]!)
    if (value * reach < depth) {
      depth = value * reach
      worst = j
    }
  }
  return worst
}

function predict(
  { columns, y }: FitRows,
  parameters: readonly number[],
  least: number,
): { predicted: Float64Array; residuals: Float64Array } {
  const predicted = new Float64Array(y.length)
  const residuals = new Float64Array(y.length)
  for (let j = 0; j < columns.length; j++) {
    const column = columns[j]!
    for (let i = 0; i < y.length; i++) predicted[i]! += column[i]! * parameters[j]!
  }
  for (let i = 0; i < y.length; i++) {
    predicted[i] = Math.max(least, predicted[i]!)
    residuals[i] = Math.log(y[i]! / predicted[i]!)
  }
  return { predicted, residuals }
}
