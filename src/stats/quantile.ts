/** Sample quantiles. */

/** Hyndman & Fan 1996 (Am. Statistician 50): 6 for bootstraps, 7 as in R's default, 8 about median-unbiased. */
export type QuantileType = 6 | 7 | 8

export interface QuantileOptions {
  /** @default 8 */
  readonly type?: QuantileType
  /** The values are in rising order already. @default false */
  readonly sorted?: boolean
}

/** The p-quantile of finite values, 0 ≤ p ≤ 1. Throws a RangeError on an empty list. */
export function quantile(values: ArrayLike<number>, p: number, options: QuantileOptions = {}): number {
  const sorted = options.sorted === true ? values : ascending(values)
  const n = sorted.length
  if (n === 0) throw new RangeError('quantile of no values')
  if (!(p >= 0 && p <= 1)) throw new RangeError(`quantile: p must lie in [0, 1], got ${p}`)
  const position = Math.min(n, Math.max(1, n * p + shift(p, options.type ?? 8)))
  const below = Math.floor(position)
  const low = sorted[below - 1]!
  const high = sorted[Math.min(n, below + 1) - 1]!
  return low + (position - below) * (high - low)
}

/** Several quantiles with one sort. */
export function quantiles(
  values: ArrayLike<number>,
  ps: readonly number[],
  options: QuantileOptions = {},
): number[] {
  const sorted = options.sorted === true ? values : ascending(values)
  return ps.map((p) => quantile(sorted, p, { ...options, sorted: true }))
}

export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5)
}

/** A sorted copy. */
export function ascending(values: ArrayLike<number>): Float64Array {
  return new Float64Array(values).sort()
}

/** Hyndman & Fan's m: the (1-based) position of the quantile is n·p + m. */
function shift(p: number, type: QuantileType): number {
  switch (type) {
    case 6:
      return p
    case 7:
      return 1 - p
    case 8:
      return (p + 1) / 3
  }
}
