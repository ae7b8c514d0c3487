/** A distribution-free confidence interval of a quantile, from order statistics. */
import { binomialCdf, binomialQuantile } from './binomial.js'
import { ascending } from './quantile.js'

export interface QuantileRanks {
  /** 1-based ranks of the two order statistics. */
  readonly l: number
  readonly u: number
  /** The confidence really reached: at least the one asked for. */
  readonly confidence: number
}

export interface QuantileInterval extends QuantileRanks {
  readonly low: number
  readonly high: number
}

/**
 * Ranks of the order statistics that enclose the p-quantile of independent values; null when even
 * [minimum, maximum] does not reach the confidence (see `leastSamples`). Equal tails where they fit
 * (David & Nagaraja 2003, Order Statistics, 7.1); near the least n one tail is an extreme and takes more.
 */
export function quantileRanks(n: number, p: number, confidence = 0.95): QuantileRanks | null {
  if (!(p > 0 && p < 1)) throw new RangeError(`quantileRanks: p must lie in (0, 1), got ${p}`)
  const reached = (l: number, u: number): number => binomialCdf(u - 1, n, p) - binomialCdf(l - 1, n, p)
  if (n < 2 || reached(1, n) < confidence) return null
  const tail = (1 - confidence) / 2
  let l = Math.max(1, binomialQuantile(tail, n, p))
  let u = Math.min(n, binomialQuantile(1 - tail, n, p) + 1)
  while (reached(l, u) < confidence) {
    if (u < n) u++
    else l--
  }
  return { l, u, confidence: reached(l, u) }
}

/** `quantileRanks` applied to values; null when there are too few. */
export function quantileInterval(
  values: ArrayLike<number>,
  p: number,
  confidence = 0.95,
): QuantileInterval | null {
  const ranks = quantileRanks(values.length, p, confidence)
  if (ranks === null) return null
  const sorted = ascending(values)
  return { ...ranks, low: sorted[ranks.l - 1]!, high: sorted[ranks.u - 1]! }
}

/** The least n at which [minimum, maximum] encloses the p-quantile with the confidence: p99 needs 299. */
export function leastSamples(p: number, confidence = 0.95): number {
  let n = 2
  while (1 - p ** n - (1 - p) ** n < confidence) n++
  return n
}
