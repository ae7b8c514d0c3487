/** Student's t distribution; degrees of freedom may be fractional (Welch-Satterthwaite). */
import { incompleteBeta } from './beta.js'
import { lnGamma } from './gamma.js'
import { invert } from './invert.js'
import { normalQuantile } from './normal.js'

/** P(T ≤ t) with `df` > 0 degrees of freedom. */
export function tCdf(t: number, df: number): number {
  const tail = upperTail(Math.abs(t), df)
  return t < 0 ? tail : 1 - tail
}

/** P(|T| ≥ |t|): the two-sided p-value, without cancellation. */
export function tTwoSided(t: number, df: number): number {
  return 2 * upperTail(Math.abs(t), df)
}

/** t with P(T ≤ t) = p, 0 < p < 1. */
export function tQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`tQuantile: p must lie in (0, 1), got ${p}`)
  if (!(df > 0)) throw new RangeError(`tQuantile: degrees of freedom must be above 0, got ${df}`)
  if (p > 0.5) return -tQuantile(1 - p, df)
  if (p === 0.5) return 0
  const lnNorm = lnGamma((df + 1) / 2) - lnGamma(df / 2) - Math.log(Math.PI * df) / 2
  const density = (t: number): number => Math.exp(lnNorm - ((df + 1) / 2) * Math.log1p((t * t) / df))
  const z = normalQuantile(p)
  // Abramowitz & Stegun 26.7.5, first terms; the lower tail of t lies beyond the normal's.
  const start = z + (z * z * z + z) / (4 * df)
  let low = start
  while (upperTail(-low, df) > p) low *= 2
  return invert(p, (t) => upperTail(-t, df), density, { low, high: 0, start })
}

/** P(T ≥ t) for t ≥ 0 (Abramowitz & Stegun 26.7.1). */
function upperTail(t: number, df: number): number {
  if (t === Infinity) return 0
  return 0.5 * incompleteBeta(df / (df + t * t), df / 2, 0.5)
}
