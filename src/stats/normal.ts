/** The standard normal distribution. */
import { upperGamma } from './gamma.js'

const SQRT_TWO_PI = 2.5066282746310002

/** Φ(x), with full relative accuracy in the lower tail. */
export function normalCdf(x: number): number {
  const tail = 0.5 * upperGamma(0.5, (x * x) / 2)
  return x < 0 ? tail : 1 - tail
}

/** Φ⁻¹(p) for 0 < p < 1; ∓Infinity at 0 and 1. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`normalQuantile: p must lie in [0, 1], got ${p}`)
  if (p === 0) return -Infinity
  if (p > 0.5) return p === 1 ? Infinity : -normalQuantile(1 - p)
  // Abramowitz & Stegun 26.2.23 is off by at most 4.5e-4; two steps of Halley bring it to the last digits.
  const t = Math.sqrt(-2 * Math.log(p))
  const above = 2.515517 + t * (0.802853 + t * 0.010328)
  let x = above / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t
  for (let i = 0; i < 2; i++) {
    const step = ((normalCdf(x) - p) * SQRT_TWO_PI) / Math.exp((-x * x) / 2)
    x -= step / (1 + (x * step) / 2)
  }
  return x
}
