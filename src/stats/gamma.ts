/** The gamma function's logarithm and the regularised incomplete gamma functions. */

// Lanczos 1964 (SIAM J. Numer. Anal. 1) with g = 7 and nine terms: about 15 digits for x > 0.
const LANCZOS_G = 7
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const
const HALF_LN_TWO_PI = 0.9189385332046727

/** ln Γ(x) for x > 0. */
export function lnGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - lnGamma(1 - x)
  let sum: number = LANCZOS[0]
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (x - 1 + i)
  const t = x - 0.5 + LANCZOS_G
  return HALF_LN_TWO_PI + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** P(a, x): the lower regularised incomplete gamma function; a > 0, x ≥ 0. */
export function lowerGamma(a: number, x: number): number {
  if (x <= 0) return 0
  return x < a + 1 ? series(a, x) : 1 - continuedFraction(a, x)
}

/** Q(a, x) = 1 − P(a, x), without cancellation far out in the tail. */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1
  return x < a + 1 ? 1 - series(a, x) : continuedFraction(a, x)
}

const factor = (a: number, x: number): number => Math.exp(a * Math.log(x) - x - lnGamma(a))

/** Abramowitz & Stegun 6.5.29; the terms fall from x < a + 1 on. */
function series(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let k = a + 1; term > sum * 1e-17; k++) {
    term *= x / k
    sum += term
  }
  return sum * factor(a, x)
}

/** Abramowitz & Stegun 6.5.31 by the method of Lentz 1976 (Applied Optics 15). */
function continuedFraction(a: number, x: number): number {
  const tiny = 1e-300
  let b = x + 1 - a
  let c = 1 / tiny
  let d = 1 / b
  let h = d
  for (let i = 1; i < 100_000; i++) {
    const an = -i * (i - a)
    b += 2
    d = 1 / nonZero(an * d + b, tiny)
    c = nonZero(b + an / c, tiny)
    const step = c * d
    h *= step
    if (Math.abs(step - 1) < 1e-15) break
  }
  return h * factor(a, x)
}

const nonZero = (value: number, tiny: number): number => (Math.abs(value) < tiny ? tiny : value)
