/** Where a fit on log residuals starts. */
import { leastSquares } from './least-squares.js'
import type { FitRows } from './log-design.js'
import { median } from './quantile.js'

/** Least squares on the cells' medians, weights 1 ÷ median²; on all rows when there are too few cells. */
export function startOf(
  { columns, y, cells }: FitRows,
  free: readonly number[],
  weights: ArrayLike<number> | undefined,
): number[] | null {
  const used = Array.from({ length: y.length }, (_, i) => i).filter((i) => (weights?.[i] ?? 1) > 0)
  if (used.length < columns.length) return null
  const members = new Map<number | string, number[]>()
  for (const i of used) {
    const key = cells?.[i] ?? free.map((j) => columns[j]![i]).join()
    const group = members.get(key)
    if (group) group.push(i)
    else members.set(key, [i])
  }
  const solve = (groups: readonly (readonly number[])[]): number[] | null => {
    const middle = (values: ArrayLike<number>, group: readonly number[]): number =>
      median(group.map((i) => values[i]!))
    const medians = Float64Array.from(groups, (group) => middle(y, group))
    const x = Float64Array.from(groups.flatMap((group) => free.map((j) => middle(columns[j]!, group))))
    return leastSquares(
      x,
      free.length,
      medians,
      medians.map((value) => 1 / (value * value)),
    )
  }
  return solve([...members.values()]) ?? solve(used.map((i) => [i]))
}
