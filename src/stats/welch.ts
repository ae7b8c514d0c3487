/** Welch's t-test on logarithms: the ratio of two samples of times. */
import { mean, sampleVariance } from 'simple-statistics'
import { tQuantile, tTwoSided } from './student-t.js'

export interface WelchLog {
  /** Geometric mean of the second sample ÷ that of the first, with its interval. */
  readonly ratio: number
  readonly low: number
  readonly high: number
  readonly t: number
  /** Welch-Satterthwaite. */
  readonly df: number
  /** Two-sided, of ratio 1. */
  readonly p: number
}

/**
 * Welch 1947 (Biometrika 34) on ln of values above 0, at least two a side. For independent values only: on
 * successive requests of one run use `blocksShift`. Without any spread t is infinite, or 0 for equal means.
 */
export function welchLog(first: readonly number[], second: readonly number[], confidence = 0.95): WelchLog {
  const a = first.map(Math.log)
  const b = second.map(Math.log)
  const va = sampleVariance(a) / a.length
  const vb = sampleVariance(b) / b.length
  const difference = mean(b) - mean(a)
  const se = Math.sqrt(va + vb)
  const df =
    se > 0 ? (va + vb) ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1)) : a.length + b.length - 2
  const t = se > 0 ? difference / se : difference === 0 ? 0 : Math.sign(difference) * Infinity
  const reach = se * tQuantile((1 + confidence) / 2, df)
  return {
    ratio: Math.exp(difference),
    low: Math.exp(difference - reach),
    high: Math.exp(difference + reach),
    t,
    df,
    p: tTwoSided(t, df),
  }
}
