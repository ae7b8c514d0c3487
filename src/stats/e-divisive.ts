/** Where a series is most unlike before and after: the statistic of e-divisive means. */

/**
 * Q(t) of a split into the first t values and the rest, for t from 2 to n − 2 (index 0 is t = 2): mn ÷ (m + n) times
 * 2·mean|x − y| − mean|x − x'| − mean|y − y'|, the last two over distinct pairs (Matteson & James 2014, JASA 109). O(n²).
 */
export function energySplits(series: readonly number[]): number[] {
  const n = series.length
  const q: number[] = []
  let left = 0
  let cross = 0
  let right = 0
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) right += Math.abs(series[i]! - series[j]!)
  for (let t = 1; t <= n - 2; t++) {
    // The value that crosses over: its distances to the left become inner ones, those to the right cross.
    const moved = series[t - 1]!
    let toLeft = 0
    let toRight = 0
    for (let i = 0; i < t - 1; i++) toLeft += Math.abs(moved - series[i]!)
    for (let i = t; i < n; i++) toRight += Math.abs(moved - series[i]!)
    left += toLeft
    right -= toRight
    cross += toRight - toLeft
    const rest = n - t
    if (t < 2) continue
    const inner = (sum: number, count: number): number => (2 * sum) / (count * (count - 1))
    q.push(((t * rest) / n) * ((2 * cross) / (t * rest) - inner(left, t) - inner(right, rest)))
  }
  return q
}

/** The t of the largest Q with at least `least` (2 or more) values on either side; null where there is no room. */
export function bestSplit(series: readonly number[], least: number): number | null {
  if (series.length < 2 * least) return null
  const q = energySplits(series)
  let best = least
  for (let t = least; t <= series.length - least; t++) if (q[t - 2]! > q[best - 2]!) best = t
  return best
}
