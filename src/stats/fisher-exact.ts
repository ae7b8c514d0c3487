/** Fisher's exact test of a 2 × 2 table, for rare counts such as errors. */
import { lnGamma } from './gamma.js'

export interface FisherExact {
  /** Two-sided: all tables with the same margins that are no likelier than this one (as R and scipy). */
  readonly p: number
  /** One-sided: the first arm's share of successes is smaller, or equal by chance. */
  readonly less: number
  readonly greater: number
}

/** Fisher 1935. Each arm: how many of `total` were successes (say, errors). */
export function fisherExact(
  a: { readonly successes: number; readonly total: number },
  b: { readonly successes: number; readonly total: number },
): FisherExact {
  const successes = a.successes + b.successes
  const least = Math.max(0, successes - b.total)
  const most = Math.min(a.total, successes)
  const lnTables = lnChoose(a.total + b.total, successes)
  const chance = (k: number): number =>
    Math.exp(lnChoose(a.total, k) + lnChoose(b.total, successes - k) - lnTables)
  // R's allowance for rounding, so that tables exactly as likely count as such.
  const limit = chance(a.successes) * (1 + 1e-7)
  let p = 0
  let less = 0
  let greater = 0
  for (let k = least; k <= most; k++) {
    const probability = chance(k)
    if (probability <= limit) p += probability
    if (k <= a.successes) less += probability
    if (k >= a.successes) greater += probability
  }
  return { p: Math.min(1, p), less: Math.min(1, less), greater: Math.min(1, greater) }
}

const lnChoose = (n: number, k: number): number => lnGamma(n + 1) - lnGamma(k + 1) - lnGamma(n - k + 1)
