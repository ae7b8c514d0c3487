/** The regularised incomplete beta function. */
import { lnGamma } from './gamma.js'

/** I_x(a, b) for a, b > 0; x is taken into [0, 1]. */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const lnFactor = lnGamma(a + b) - lnGamma(a) - lnGamma(b) + a * Math.log(x) + b * Math.log1p(-x)
  // The fraction converges fast on one side of the mean only; the other side is its mirror.
  if (x < (a + 1) / (a + b + 2)) return (Math.exp(lnFactor) * continuedFraction(x, a, b)) / a
  return 1 - (Math.exp(lnFactor) * continuedFraction(1 - x, b, a)) / b
}

/** Abramowitz & Stegun 26.5.8 by the method of Lentz 1976 (Applied Optics 15). */
function continuedFraction(x: number, a: number, b: number): number {
  let c = 1
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1))
  let h = d
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / nonZero(1 + even * d)
    c = nonZero(1 + even / c)
    h *= c * d
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / nonZero(1 + odd * d)
    c = nonZero(1 + odd / c)
    const step = c * d
    h *= step
    if (Math.abs(step - 1) < 1e-15) break
  }
  return h
}

const TINY = 1e-300
const nonZero = (value: number): number => (Math.abs(value) < TINY ? TINY : value)
