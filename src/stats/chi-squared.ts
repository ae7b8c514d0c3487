/** The chi-squared distribution. */
import { lnGamma, lowerGamma } from './gamma.js'
import { invert } from './invert.js'
import { normalQuantile } from './normal.js'

/** P(X ≤ x) with `df` > 0 degrees of freedom. */
export function chiSquaredCdf(x: number, df: number): number {
  return lowerGamma(df / 2, x / 2)
}

/** x with P(X ≤ x) = p, 0 < p < 1. */
export function chiSquaredQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`chiSquaredQuantile: p must lie in (0, 1), got ${p}`)
  if (!(df > 0)) throw new RangeError(`chiSquaredQuantile: degrees of freedom must be above 0, got ${df}`)
  const a = df / 2
  const density = (x: number): number => Math.exp((a - 1) * Math.log(x / 2) - x / 2 - lnGamma(a)) / 2
  // Wilson & Hilferty 1931 (PNAS 17), kept above 0.
  const start = df * Math.max(0.05, 1 - 2 / (9 * df) + normalQuantile(p) * Math.sqrt(2 / (9 * df))) ** 3
  let high = start
  while (chiSquaredCdf(high, df) < p) high *= 2
  return invert(p, (x) => chiSquaredCdf(x, df), density, { low: 0, high, start })
}
