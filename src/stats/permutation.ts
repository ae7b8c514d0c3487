/** The exact permutation test of two means: no distribution assumed, for few blocks. */

const MOST = 200_000 // splits; 10 against 10 are 184,756

/**
 * Share of all splits of the joined values, of the same sizes, whose means differ by as much as these do or more (Fisher
 * 1935, The Design of Experiments): two-sided. Null where there are more than 200,000 splits.
 */
export function permutationP(first: readonly number[], second: readonly number[]): number | null {
  const values = [...first, ...second]
  const size = first.length
  const total = values.reduce((sum, value) => sum + value, 0)
  const difference = (sum: number): number => Math.abs(sum / size - (total - sum) / second.length)
  const seen = difference(first.reduce((sum, value) => sum + value, 0)) * (1 - 1e-9) // equal but for rounding
  let splits = 0
  let extreme = 0
  const choose = (from: number, left: number, sum: number): void => {
    if (splits > MOST) return
    if (left === 0) {
      splits++
      if (difference(sum) >= seen) extreme++
      return
    }
    for (let i = from; i <= values.length - left; i++) choose(i + 1, left - 1, sum + values[i]!)
  }
  choose(0, size, 0)
  return splits > MOST ? null : extreme / splits
}
