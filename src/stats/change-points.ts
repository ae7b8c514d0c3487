/** Steps and drift in a daily series. */
import { mean, sampleVariance } from 'simple-statistics'
import { bestSplit } from './e-divisive.js'
import { median } from './quantile.js'
import { serialCorrelation } from './serial-correlation.js'
import { tTwoSided } from './student-t.js'
import { theilSen } from './theil-sen.js'

export interface ChangePointOptions {
  /** Smallest shift of the median that matters, in units of the series. */
  readonly margin: number
  /** Of a step. @default .0003: a tenth of an alarm in a hundred steady days */
  readonly level?: number
  /** Values on either side of a step. @default 7 */
  readonly least?: number
}

export interface Step {
  /** Index of the first value after it. */
  readonly at: number
  /** Difference of the medians of the segments after and before. */
  readonly shift: number
  readonly p: number
}

export interface Drift {
  /** A step of the index. */
  readonly slope: number
  readonly p: number
}

export interface ChangePoints {
  /** In order of time. None where a drift describes the series better. */
  readonly steps: readonly Step[]
  readonly drift: Drift | null
}

const LEVEL = 0.0003
const DRIFT_LEVEL = 0.001
const LEAST = 7

/**
 * Splits at the largest energy statistic, tests the halves, and looks again into each of them: e-divisive means with a
 * t-test (Matteson & James 2014; Fleming et al. 2023, "Hunter"), widened for the correlation of successive days, which
 * is what makes others alarm. A single Theil-Sen line takes the place of all steps where it is better by BIC.
 */
export function changePoints(series: readonly number[], options: ChangePointOptions): ChangePoints {
  const { margin, level = LEVEL, least = LEAST } = options
  const found: number[] = []
  const look = (from: number, to: number): void => {
    const split = bestSplit(series.slice(from, to), least)
    if (split === null) return
    const at = from + split
    const cuts = [...found, at].sort((a, b) => a - b)
    const [before, after] = [series.slice(from, at), series.slice(at, to)]
    const p = stepP(before, after, inflation(series, cuts))
    if (p > level || Math.abs(median(after) - median(before)) < margin) return
    found.push(at)
    look(from, at)
    look(at, to)
  }
  look(0, series.length)
  found.sort((a, b) => a - b)
  const drift = driftOf(series, found, margin)
  if (drift !== null) return { steps: [], drift }
  const f = inflation(series, found)
  return {
    steps: found.map((at, i) => {
      const before = series.slice(found[i - 1] ?? 0, at)
      const after = series.slice(at, found[i + 1] ?? series.length)
      return { at, shift: median(after) - median(before), p: stepP(before, after, f) }
    }),
    drift: null,
  }
}

/** The shift at a place that is known already; null with fewer than three values on a side. */
export function stepAt(series: readonly number[], at: number): { shift: number; p: number } | null {
  const [before, after] = [series.slice(0, Math.max(0, at)), series.slice(Math.max(0, at))]
  if (before.length < 3 || after.length < 3) return null
  return { shift: median(after) - median(before), p: stepP(before, after, inflation(series, [at])) }
}

/** Welch's t with variances widened by `f`, and as many degrees of freedom as the days that are left of it. */
function stepP(before: readonly number[], after: readonly number[], f: number): number {
  const [a, b] = [before, after].map((side) => (sampleVariance([...side]) / side.length) * f)
  const d = mean([...after]) - mean([...before])
  const variance = a! + b!
  if (variance === 0) return d === 0 ? 1 : 0
  const freedom = (side: readonly number[]): number => Math.max(1, side.length / f - 1)
  const df = variance ** 2 / (a! ** 2 / freedom(before) + b! ** 2 / freedom(after))
  return tTwoSided(d / Math.sqrt(variance), df)
}

/** From the residuals of the whole series about the means of its segments. */
function inflation(series: readonly number[], cuts: readonly number[]): number {
  return serialCorrelation(residuals(series, cuts), { segments: cuts.length + 1 }).f
}

function residuals(series: readonly number[], cuts: readonly number[]): number[] {
  const ends = [...cuts, series.length]
  return ends.flatMap((end, i) => {
    const segment = series.slice(cuts[i - 1] ?? 0, end)
    const centre = mean(segment)
    return segment.map((value) => value - centre)
  })
}

function driftOf(series: readonly number[], cuts: readonly number[], margin: number): Drift | null {
  const n = series.length
  if (n < 2 * LEAST) return null
  const x = series.map((_, i) => i)
  const line = theilSen(x, series)
  if (line === null || Math.abs(line.slope * (n - 1)) < margin) return null
  const left = series.map((value, i) => value - line.intercept - line.slope * i)
  const { f } = serialCorrelation(left, { segments: 2 })
  const middle = (n - 1) / 2
  const spread = x.reduce((sum, i) => sum + (i - middle) ** 2, 0)
  const square = sumOfSquares(left)
  const se = Math.sqrt((square / (n - 2) / spread) * f)
  const p = se > 0 ? tTwoSided(line.slope / se, Math.max(1, n / f - 2)) : 0
  if (p > DRIFT_LEVEL) return null
  // A step costs two parameters: its place and its size.
  const bic = (sum: number, parameters: number): number =>
    n * Math.log(Math.max(sum, Number.MIN_VALUE) / n) + parameters * Math.log(n)
  const steps = bic(sumOfSquares(residuals(series, cuts)), 1 + 2 * cuts.length)
  return bic(square, 2) < steps ? { slope: line.slope, p } : null
}

const sumOfSquares = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value * value, 0)
