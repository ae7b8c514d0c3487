/** Confidence intervals by resampling whole blocks. */
import type { Random } from '../random/random.js'
import { normalCdf } from './normal.js'
import { ascending, quantile } from './quantile.js'
import { tQuantile } from './student-t.js'

export interface Interval {
  readonly low: number
  readonly high: number
  /** Standard error: the half-width ÷ t[.975, G − 1], before any stretch for serial correlation. */
  readonly se: number
}

export interface Resampling {
  /** The block of each row (any labels). */
  readonly blocks: ArrayLike<number>
  /**
   * The statistics under resampled weights: how often each row was drawn, 0 for most likely a third of them.
   * The array is reused between calls. Null (not determined by this resample) leaves the resample out.
   */
  readonly fit: (weights: Float64Array) => readonly number[] | null
  /** Of each statistic the number of blocks that say anything of it. @default all of them */
  readonly informed?: readonly number[]
  readonly random: Random
  /** @default 999 */
  readonly resamples?: number
}

export interface BootstrapResult {
  /** One a statistic. */
  readonly intervals: readonly Interval[]
  /** The statistics of every resample, for predictions. */
  readonly draws: readonly (readonly number[])[]
  /** G, the number of different blocks. */
  readonly blockCount: number
}

/**
 * 95 % intervals: type-6 quantiles of the resamples at the level that makes the percentile interval right for
 * few blocks (Hesterberg 2015, Am. Statistician 69). Null with fewer than 2 blocks, or when more than half of
 * the resamples did not determine the statistics.
 */
export function blockBootstrap({
  blocks,
  fit,
  informed,
  random,
  resamples = 999,
}: Resampling): BootstrapResult | null {
  const index = new Map<number, number>()
  const blockOf = Array.from(blocks, (label) => {
    const known = index.get(label)
    if (known !== undefined) return known
    index.set(label, index.size)
    return index.size - 1
  })
  const blockCount = index.size
  if (blockCount < 2) return null
  const counts = new Float64Array(blockCount)
  const weights = new Float64Array(blockOf.length)
  const draws: (readonly number[])[] = []
  for (let round = 0; round < resamples; round++) {
    counts.fill(0)
    for (let draw = 0; draw < blockCount; draw++) counts[random.int(blockCount)]!++
    for (let i = 0; i < weights.length; i++) weights[i] = counts[blockOf[i]!]!
    const statistics = fit(weights)
    if (statistics !== null) draws.push(statistics)
  }
  if (draws.length === 0 || draws.length < resamples / 2) return null
  const intervals = draws[0]!.map((_, j) => {
    // Of one block nothing can be told; the floor keeps the figures finite.
    const count = Math.max(2, informed?.[j] ?? blockCount)
    const level = expandedLevel(count)
    const t = tQuantile(0.975, count - 1)
    const sorted = ascending(draws.map((draw) => draw[j]!))
    const low = quantile(sorted, level, { type: 6, sorted: true })
    const high = quantile(sorted, 1 - level, { type: 6, sorted: true })
    return { low, high, se: (high - low) / (2 * t) }
  })
  return { intervals, draws, blockCount }
}

/** Φ(−√(G ÷ (G − 1))·t[.975, G − 1]): .0108 instead of .025 for 12 blocks. */
export function expandedLevel(blockCount: number): number {
  return normalCdf(-Math.sqrt(blockCount / (blockCount - 1)) * tQuantile(0.975, blockCount - 1))
}
