/** Gaps between the moments of output chunks. */
import type { Gaps } from './span.js'

/** Undefined below two chunks. Quantiles are the nearest rank (Hyndman and Fan 1996, type 1). */
export function gapsOf(chunkMs: readonly number[]): Gaps | undefined {
  const count = chunkMs.length - 1
  if (count < 1) return undefined
  const gaps = new Float64Array(count)
  for (let i = 0; i < count; i++) gaps[i] = Math.max(0, (chunkMs[i + 1] ?? 0) - (chunkMs[i] ?? 0))
  gaps.sort()
  let sum = 0
  for (const gap of gaps) sum += gap
  const quantile = (p: number): number => gaps[Math.max(0, Math.ceil(p * count) - 1)] ?? 0
  return {
    count,
    meanMs: sum / count,
    p50Ms: quantile(0.5),
    p90Ms: quantile(0.9),
    p99Ms: quantile(0.99),
    maxMs: gaps[count - 1],
  }
}
