/** The rising sequence nearest to a given one. */

/**
 * Least squares under the condition that no value is below the one before: pool adjacent violators (Ayer et al. 1955,
 * Ann. Math. Stat. 26). `weights`: above 0, one a value. @default 1 each
 */
export function isotonic(values: ArrayLike<number>, weights?: ArrayLike<number>): number[] {
  const pools: { sum: number; weight: number; count: number }[] = []
  for (let i = 0; i < values.length; i++) {
    const weight = weights?.[i] ?? 1
    let pool = { sum: weight * values[i]!, weight, count: 1 }
    for (
      let last = pools.at(-1);
      last && last.sum / last.weight >= pool.sum / pool.weight;
      last = pools.at(-1)
    ) {
      pools.pop()
      pool = {
        sum: last.sum + pool.sum,
        weight: last.weight + pool.weight,
        count: last.count + pool.count,
      }
    }
    pools.push(pool)
  }
  return pools.flatMap(({ sum, weight, count }) => Array.from({ length: count }, () => sum / weight))
}
