/** Adjusted p-values of a family of tests: reject where the adjusted value is at most the level. */

/** Holm 1979 (Scand. J. Stat. 6): bounds the chance of any false alarm in the family. For the exit code. */
export function holm(ps: readonly number[]): number[] {
  const order = rising(ps)
  const adjusted = ps.map(() => 1)
  let least = 0
  for (const [rank, index] of order.entries()) {
    least = Math.max(least, Math.min(1, (ps.length - rank) * ps[index]!))
    adjusted[index] = least
  }
  return adjusted
}

/**
 * Benjamini & Hochberg 1995 (J. R. Stat. Soc. B 57): bounds the share of false ones among the alarms, so it is for
 * lists to look through, not for the exit code.
 */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  const order = rising(ps).reverse()
  const adjusted = ps.map(() => 1)
  let most = 1
  for (const [fromTop, index] of order.entries()) {
    most = Math.min(most, (ps.length * ps[index]!) / (ps.length - fromTop))
    adjusted[index] = most
  }
  return adjusted
}

const rising = (ps: readonly number[]): number[] => ps.map((_, i) => i).sort((a, b) => ps[a]! - ps[b]!)
