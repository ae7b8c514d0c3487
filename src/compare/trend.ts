/** A series of measurements over weeks: what changed in it, when and by how much. */
import { changePoints } from '../stats/change-points.js'
import { dailySeries, type Point } from '../stats/daily-series.js'
import { median } from '../stats/quantile.js'
import { DEFAULT_MARGIN } from './comparison.js'

/** A lasting change of level. */
export interface TrendStep {
  /** Start of the first UTC day after it. */
  atMs: number
  /** Medians of the days since the change before, and until the one after. */
  before: number
  after: number
  ratio: number
  p: number
}

export interface Trend {
  /** Days with a measurement, and the first and the last of them (start of day, UTC). */
  days: number
  firstMs: number | null
  lastMs: number | null
  /** Median of the days since the last step; null without any day. */
  level: number | null
  steps: readonly TrendStep[]
  /** A creeping change, in place of steps: last ÷ first by the line, and a month's ratio. */
  drift: { ratio: number; perMonth: number; p: number } | null
  /** Days far off their neighbours, for less than three days running. */
  spikes: readonly { atMs: number; value: number; ratio: number }[]
  /** What a weekday (0 Sunday … 6) or an hour (UTC) is off by; taken off before steps are looked for. */
  weekdays: readonly { weekday: number; ratio: number }[]
  hours: readonly { hour: number; ratio: number }[]
}

export interface TrendOptions {
  /** Smallest shift that matters. @default .05 */
  margin?: number | undefined
  /** Of the test of a step. @default .0003 */
  level?: number | undefined
}

/** Below this many days nothing can be seen: a step has a week on either side. */
export const LEAST_DAYS = 14
const DAY_MS = 86_400_000
const MONTH_DAYS = 30

/** Points above 0 in any order, one a day or many; of many the median of the day, freed of the hour, stands for it. */
export function trendOf(points: readonly Point[], options: TrendOptions = {}): Trend {
  const { margin = DEFAULT_MARGIN, level } = options
  const { days, logs, cleaned, spikes, weekdays, hours } = dailySeries(points)
  const found = changePoints(cleaned, {
    margin: Math.log1p(margin),
    ...(level !== undefined && { level }),
  })
  const msOf = (index: number): number => days[index]! * DAY_MS
  const cuts = found.steps.map(({ at }) => at)
  const levelOf = (i: number): number =>
    Math.exp(median(cleaned.slice(cuts[i - 1] ?? 0, cuts[i] ?? cleaned.length)))
  return {
    days: days.length,
    firstMs: days.length > 0 ? msOf(0) : null,
    lastMs: days.length > 0 ? msOf(days.length - 1) : null,
    level: days.length > 0 ? levelOf(cuts.length) : null,
    steps: found.steps.map(({ at, shift, p }, i) => ({
      atMs: msOf(at),
      before: levelOf(i),
      after: levelOf(i + 1),
      ratio: Math.exp(shift),
      p,
    })),
    drift: found.drift === null ? null : driftOf(found.drift, days),
    spikes: spikes.map((i) => ({
      atMs: msOf(i),
      value: Math.exp(logs[i]!),
      ratio: Math.exp(logs[i]! - median(logs.slice(Math.max(0, i - 3), i + 4))),
    })),
    weekdays: [...weekdays]
      .sort(([a], [b]) => a - b)
      .map(([weekday, log]) => ({ weekday, ratio: Math.exp(log) })),
    hours: [...hours].sort(([a], [b]) => a - b).map(([hour, log]) => ({ hour, ratio: Math.exp(log) })),
  }
}

/** The line counts days that were measured; a month is one of the calendar. */
function driftOf(
  { slope, p }: { slope: number; p: number },
  days: readonly number[],
): { ratio: number; perMonth: number; p: number } {
  const total = slope * (days.length - 1)
  const span = days.at(-1)! - days[0]!
  return { ratio: Math.exp(total), perMonth: Math.exp((total / span) * MONTH_DAYS), p }
}
