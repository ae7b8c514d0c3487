/** Summary of the gaps between arrivals. */
import type { Gaps } from './sample.js'

/** Null below 2 arrivals, where there is no gap. Arrivals in ascending order; the result has their unit. */
export function summariseGaps(arrivals: readonly number[]): Gaps | null {
  if (arrivals.length < 2) return null
  const gaps = arrivals.slice(1).map((at, index) => at - (arrivals[index] ?? at))
  const sorted = Float64Array.from(gaps).sort()
  const total = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)
  return {
    count: gaps.length,
    mean: total / gaps.length,
    p50: quantileOf(sorted, 0.5),
    p90: quantileOf(sorted, 0.9),
    p99: quantileOf(sorted, 0.99),
    max: sorted[sorted.length - 1] ?? 0,
  }
}

/** Type 8 of Hyndman & Fan (1996), as everywhere here. This room may not import `stats`; a test holds the two together. */
function quantileOf(sorted: Float64Array, p: number): number {
  const last = sorted.length - 1
  const position = Math.min(last, Math.max(0, sorted.length * p + (p + 1) / 3 - 1))
  const below = sorted[Math.floor(position)] ?? 0
  const above = sorted[Math.ceil(position)] ?? below
  return below + (above - below) * (position - Math.floor(position))
}
