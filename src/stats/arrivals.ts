/** Whether arrivals are what was asked for: constant or Poisson. */
import { mean, sampleStandardDeviation, sampleVariance } from 'simple-statistics'
import { chiSquaredQuantile } from './chi-squared.js'
import { ascending } from './quantile.js'

export interface Range {
  readonly low: number
  readonly high: number
}

/** Coefficient of variation of at least two gaps: 0 for constant arrivals, about 1 for Poisson ones. */
export function gapCv(gaps: readonly number[]): number {
  return sampleStandardDeviation([...gaps]) / mean([...gaps])
}

/**
 * Where the CV of n exponential gaps lies in 99 % of cases. Asymptotically 1 ± 2.5758 ÷ √n; the further terms are
 * fitted to simulated quantiles (20,000 to 400,000 samples each for n from 20 to 3,000) and good to .004 from
 * n = 50 on, to .008 from n = 20.
 */
export function poissonGapCvRange(n: number): Range {
  const root = Math.sqrt(n)
  return {
    low: Math.max(0, 1 - 2.5758 / root + 5.13 / n - 9.37 / (n * root)),
    high: 1 + 2.5758 / root + 5.61 / n - 23.27 / (n * root),
  }
}

/**
 * Variance ÷ mean of the counts in `windows` equal windows from `start` to `end` (same unit as the times): 1 for
 * Poisson arrivals, 0 for constant ones, above 1 for bursts. Wants 10 arrivals a window. Null when none falls inside.
 */
export function indexOfDispersion(
  times: readonly number[],
  windows: number,
  { start, end }: { readonly start: number; readonly end: number },
): number | null {
  const counts = Array.from({ length: windows }, () => 0)
  for (const time of times) {
    if (time < start || time >= end) continue
    // Rounding can lift a time just before the end to the window after the last.
    counts[Math.min(windows - 1, Math.floor(((time - start) / (end - start)) * windows))]!++
  }
  const average = mean(counts)
  return average > 0 ? sampleVariance(counts) / average : null
}

/** Where the index of dispersion of Poisson arrivals lies in 99 % of cases: chi-squared ÷ (windows − 1). */
export function poissonDispersionRange(windows: number): Range {
  const df = windows - 1
  return { low: chiSquaredQuantile(0.005, df) / df, high: chiSquaredQuantile(0.995, df) / df }
}

export interface ExponentialFit {
  /** Kolmogorov-Smirnov distance, mean fitted. */
  readonly ks: number
  /** Anderson-Darling A², mean fitted. */
  readonly a2: number
  /** Level at which either statistic rejects exponential gaps: null where neither does at 5 %. */
  readonly rejectedAt: 0.01 | 0.05 | null
}

/**
 * Are gaps exponential, whatever their mean? Limits of Stephens 1974 (JASA 69) for a fitted mean: KS·√n 1.08 and
 * 1.29, A²·(1 + .6 ÷ n) 1.32 and 1.96 at 5 % and 1 %.
 */
export function exponentialFit(gaps: readonly number[]): ExponentialFit {
  const n = gaps.length
  const scaled = ascending(gaps).map((gap) => gap / mean([...gaps]))
  let ks = 0
  let sum = 0
  for (let i = 0; i < n; i++) {
    const below = -Math.expm1(-scaled[i]!)
    ks = Math.max(ks, below - i / n, (i + 1) / n - below)
    // ln(1 − F) of an exponential is −x. Gaps of 0 would be impossible: they count as the tiniest ones.
    sum += (2 * i + 1) * (Math.log(Math.max(below, 1e-12)) - scaled[n - 1 - i]!)
  }
  const a2 = -n - sum / n
  const rejects = (ksLimit: number, a2Limit: number): boolean =>
    ks * Math.sqrt(n) > ksLimit || a2 * (1 + 0.6 / n) > a2Limit
  return { ks, a2, rejectedAt: rejects(1.29, 1.96) ? 0.01 : rejects(1.08, 1.32) ? 0.05 : null }
}
