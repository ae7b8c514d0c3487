/** Correlation of successive blocks, and what it leaves of their number. */
import type { Interval } from './block-bootstrap.js'
import { tQuantile } from './student-t.js'

export interface SerialCorrelation {
  /** Lag-1 autocorrelation of the series as it stands. */
  readonly r: number
  /** `r` freed of its bias and clipped: the correlation that is reckoned with. */
  readonly rho: number
  /** Variance of a mean, as a multiple of that of independent blocks: (1 + rho) ÷ (1 − rho). */
  readonly f: number
  /** Number of independent blocks that would say as much: G ÷ f. */
  readonly gEff: number
}

export interface SerialOptions {
  /** Largest rho. @default .8 */
  readonly limit?: number
  /** Number of fitted levels that the series is the residual of (k in (r + k/G) ÷ (1 − 3k/G)). @default 1 */
  readonly segments?: number
}

/** Of a series in order of time, e.g. the blocks' mean residuals. */
export function serialCorrelation(series: readonly number[], options: SerialOptions = {}): SerialCorrelation {
  return correctSerial(lagOne(series), series.length, options)
}

/** The same from a lag-1 autocorrelation that is known already (say, averaged over two series of length `g`). */
export function correctSerial(r: number, g: number, options: SerialOptions = {}): SerialCorrelation {
  const { limit = 0.8, segments = 1 } = options
  // Marriott & Pope 1954 (Biometrika 41). A series of three says nothing about its correlation.
  const shrunk = 1 - (3 * segments) / g
  const rho = shrunk > 0 ? Math.min(limit, Math.max(0, (r + segments / g) / shrunk)) : 0
  const f = (1 + rho) / (1 - rho)
  return { r, rho, f, gEff: g / f }
}

/** Lag-1 autocorrelation; −1/n, the value expected without correlation, for a constant series. */
export function lagOne(series: readonly number[]): number {
  const mean = series.reduce((sum, value) => sum + value, 0) / series.length
  let product = 0
  let square = 0
  for (const [i, value] of series.entries()) {
    square += (value - mean) ** 2
    if (i > 0) product += (value - mean) * (series[i - 1]! - mean)
  }
  const rounding = series.length * (1e-14 * Math.abs(mean)) ** 2
  return square > rounding ? product / square : -1 / series.length
}

/** Mean of `values` in each block, in order of the blocks' first appearance. */
export function blockMeans(values: ArrayLike<number>, blocks: ArrayLike<number>): number[] {
  const sums = new Map<number, { sum: number; count: number }>()
  for (let i = 0; i < values.length; i++) {
    const block = sums.get(blocks[i]!) ?? { sum: 0, count: 0 }
    block.sum += values[i]!
    block.count++
    sums.set(blocks[i]!, block)
  }
  return Array.from(sums.values(), ({ sum, count }) => sum / count)
}

/**
 * The interval of a level (`base`) of correlated blocks: stretched about the estimate by √f, with t for
 * max(3, G_eff) blocks instead of G. `se` stays unstretched. Contrasts inside a block (`fresh`, `hit`) need none.
 */
export function stretchInterval(
  interval: Interval,
  estimate: number,
  { f, gEff }: SerialCorrelation,
  blockCount: number,
): Interval {
  const gUsed = Math.min(blockCount, Math.max(3, gEff))
  const factor = (Math.sqrt(f) * tQuantile(0.975, gUsed - 1)) / tQuantile(0.975, blockCount - 1)
  return {
    low: estimate - (estimate - interval.low) * factor,
    high: estimate + (interval.high - estimate) * factor,
    se: interval.se,
  }
}
