/** The Theil-Sen line: a slope that a quarter of wild points cannot turn. */
import { median } from './quantile.js'
import type { Line } from './median-regression.js'

/**
 * Median of the slopes through all pairs of points (Theil 1950; Sen 1968, JASA 63); the intercept takes the line
 * through the medians of x and y, as scipy does. Null when all x are equal.
 */
export function theilSen(x: readonly number[], y: readonly number[]): Line | null {
  const slopes: number[] = []
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < i; j++) if (x[i] !== x[j]) slopes.push((y[i]! - y[j]!) / (x[i]! - x[j]!))
  }
  if (slopes.length === 0) return null
  const slope = median(slopes)
  return { slope, intercept: median(y) - slope * median(x) }
}
