/** The rounds of reweighted least squares on log residuals, from a start to where nothing moves. */
import { leastSquaresSolver } from './least-squares.js'
import { carried, type Design } from './log-design.js'
import { MAD_TO_SD } from './mad.js'
import { median } from './quantile.js'

export interface FitOptions {
  /** Parameters to start from. @default least squares on the cell medians, weights 1 ÷ median² */
  readonly start?: readonly number[]
  /** Log scale to keep; by default it is estimated anew in every round. */
  readonly scale?: number
  /** @default 40 */
  readonly rounds?: number
}

/**
 * What makes a method: a residual of u scales weighs 1 ÷ max(u, floor). Phases follow one another after their rounds,
 * or sooner when a round moves nothing; the fit has converged when that happens in the last one.
 */
export interface LogMethod {
  readonly phases: readonly { readonly rounds: number; readonly floor: number }[]
}

const LEAST_SCALE = 1e-4
const STILL = 1e-6

export interface Problem {
  readonly design: Design
  readonly free: readonly number[]
  readonly weights: ArrayLike<number> | undefined
  readonly least: number
}

export function iterate(
  { design, free, weights, least }: Problem,
  start: readonly number[],
  method: LogMethod,
  options: FitOptions,
): { b: Float64Array; scale: number; converged: boolean } | null {
  const count = design.ends.length
  const width = free.length
  const solve = leastSquaresSolver(width)
  const x = new Float64Array(count * width)
  for (let j = 0; j < width; j++) {
    const column = design.columns[free[j]!]!
    for (let k = 0; k < count; k++) x[k * width + j] = column[k]!
  }
  const { ends, logs, multiplicity } = carried(design, weights)
  const pred = new Float64Array(count)
  const working = new Float64Array(count)
  const total = new Float64Array(count)
  const b = Float64Array.from(start)
  let scale = options.scale ?? LEAST_SCALE
  let phase = 0
  let left = method.phases[0]!.rounds
  evaluate(x, width, b, least, pred)
  for (let round = options.rounds ?? 40; round > 0; round--) {
    if (options.scale === undefined) scale = logScale(ends, logs, pred)
    const { floor } = method.phases[phase]!
    const cut = floor * scale
    for (let k = 0, i = 0; k < count; k++) {
      const expected = Math.log(pred[k]!)
      let sum = 0
      let pull = 0
      for (const end = ends[k]!; i < end; i++) {
        const r = logs[i]! - expected
        const size = r < 0 ? -r : r
        const weight = multiplicity[i]! / (size > cut ? size : cut)
        sum += weight
        pull += weight * r
      }
      total[k] = sum / (pred[k]! * pred[k]!)
      working[k] = sum > 0 ? pred[k]! * (1 + pull / sum) : 0
    }
    if (!solve(x, working, total, b)) return null
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
  b: Float64Array,
  least: number,
  pred: Float64Array,
): number {
  let move = 0
  for (let i = 0, at = 0; i < pred.length; i++, at += width) {
    let sum = 0
    for (let j = 0; j < width; j++) sum += x[at + j]! * b[j]!
    if (sum < least) sum = least
    const change = Math.abs(pred[i]! / sum - 1)
    if (change > move) move = change
    pred[i] = sum
  }
  return move
}

/** Robust sd of the log residuals. */
function logScale(ends: Int32Array, logs: Float64Array, pred: Float64Array): number {
  const sizes = new Float64Array(logs.length)
  for (let k = 0, i = 0; k < ends.length; k++) {
    const expected = Math.log(pred[k]!)
    for (; i < ends[k]!; i++) sizes[i] = Math.abs(logs[i]! - expected)
  }
  return sizes.length === 0 ? LEAST_SCALE : Math.max(LEAST_SCALE, MAD_TO_SD * median(sizes))
}
