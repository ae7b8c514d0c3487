/** The line of least absolute deviations, exactly. */

export interface Line {
  readonly slope: number
  readonly intercept: number
}

/**
 * Minimises Σ|y − intercept − slope·x| (Koenker & Bassett 1978 at the median). Some best line passes through two
 * points, so for every point the best slope through it, a weighted median, is tried: O(n² log n). Where several
 * lines are equally good, one of them. Null when all x are equal.
 */
export function medianRegression(x: readonly number[], y: readonly number[]): Line | null {
  let best: Line | null = null
  let least = Infinity
  for (const [i, pivotX] of x.entries()) {
    const pivotY = y[i]!
    const slope = slopeThrough(pivotX, pivotY, x, y)
    if (slope === null) continue
    const intercept = pivotY - slope * pivotX
    const loss = x.reduce((sum, value, j) => sum + Math.abs(y[j]! - intercept - slope * value), 0)
    if (loss < least) {
      least = loss
      best = { slope, intercept }
    }
  }
  return best
}

/** The best line through a pivot: the median of the slopes to the other points, weighted by |Δx|. */
function slopeThrough(
  pivotX: number,
  pivotY: number,
  x: readonly number[],
  y: readonly number[],
): number | null {
  const rays = x
    .map((value, j) => ({ slope: (y[j]! - pivotY) / (value - pivotX), weight: Math.abs(value - pivotX) }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => a.slope - b.slope)
  const half = rays.reduce((sum, { weight }) => sum + weight, 0) / 2
  let below = 0
  for (const { slope, weight } of rays) {
    below += weight
    if (below >= half) return slope
  }
  return null
}
