/** The median of values that carry weights. */

/**
 * The value at which half of the weight lies below; the middle of two where the half falls exactly between them.
 * It minimises Σ weight·|value − m|. NaN when no weight is above 0. `sorted`: the values are in rising order already.
 */
export function weightedMedian(
  values: ArrayLike<number>,
  weights: ArrayLike<number>,
  { sorted = false }: { readonly sorted?: boolean } = {},
): number {
  const n = values.length
  const order = sorted ? null : Array.from({ length: n }, (_, i) => i).sort((i, j) => values[i]! - values[j]!)
  let half = 0
  for (let i = 0; i < n; i++) half += weights[i]! / 2
  let below = 0
  let reached = NaN // where the half lies exactly between two, the first of them
  for (let at = 0; at < n; at++) {
    const i = order === null ? at : order[at]!
    if (!(weights[i]! > 0)) continue
    if (!Number.isNaN(reached)) return (reached + values[i]!) / 2
    below += weights[i]!
    if (below > half) return values[i]!
    if (below === half) reached = values[i]!
  }
  return reached
}
