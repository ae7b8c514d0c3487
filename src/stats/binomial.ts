/** The binomial distribution. */
import { incompleteBeta } from './beta.js'

/** P(X ≤ k) of n trials with probability p each. */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0
  if (k >= n) return 1
  return incompleteBeta(1 - p, n - k, k + 1)
}

/** The smallest k with P(X ≤ k) ≥ q (R's `qbinom`). */
export function binomialQuantile(q: number, n: number, p: number): number {
  let low = -1
  let high = n
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (binomialCdf(middle, n, p) >= q) high = middle
    else low = middle
  }
  return high
}
