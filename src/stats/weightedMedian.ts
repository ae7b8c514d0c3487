/** The median of values that carry weights. */

/**
 * The value at which half of the weight lies below; the middle of two where the half falls exactly between them.
 * It minimises Σ weight·|value − m|. NaN when no weight is above 0.
 */
export function weightedMedian(values: ArrayLike<number>, weights: ArrayLike<number>): number {
  const order = Array.from({ length: values.length }, (_, i) => i).filter((i) => weights[i]! > 0)
  order.sort((i, j) => values[i]! - values[j]!)
  const half = order.reduce((sum, i) => sum + weights[i]!, 0) / 2
  let below = 0
  for (const [at, i] of order.entries()) {
    below += weights[i]!
    if (below > half) return values[i]!
    if (below === half) return (values[i]! + values[order[at + 1] ?? i]!) / 2
  }
  return order.length > 0 ? values[order.at(-1)!]! : NaN
}
