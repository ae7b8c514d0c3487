/** Points in time, many a day or one, as a series of days without its spikes, hours and weekdays. */
import { mad } from './mad.js'
import { median } from './quantile.js'
import { runningMedian } from './running-median.js'

/** A value above 0 at a moment (wall clock, milliseconds since 1970). */
export interface Point {
  readonly atMs: number
  readonly value: number
}

export interface DailySeries {
  /** UTC days since 1970, rising; days without a point are not there. */
  readonly days: readonly number[]
  /** ln of the days' medians. */
  readonly logs: readonly number[]
  /** The same, spikes drawn in and weekday effects taken off: what change points are looked for in. */
  readonly cleaned: readonly number[]
  /** Indices of days far off their neighbours, for fewer than three days running. */
  readonly spikes: readonly number[]
  /** ln of what a weekday (0 Sunday … 6) or an hour (UTC) is off by; empty where too few are known. */
  readonly weekdays: ReadonlyMap<number, number>
  readonly hours: ReadonlyMap<number, number>
}

const DAY_MS = 86_400_000
const WEEK = 7
const SPIKE = 3.5 // robust sd about the running median
const SPIKE_DAYS = 3
const LEAST_DAYS = 21
const LEAST_OF_HOUR = 7

export function dailySeries(points: readonly Point[]): DailySeries {
  const timed = points
    .filter(({ value }) => value > 0 && Number.isFinite(value))
    .map(({ atMs, value }) => ({ day: Math.floor(atMs / DAY_MS), hour: hourOf(atMs), log: Math.log(value) }))
  const byDay = groups(timed, ({ day }) => day)
  const days = [...byDay.keys()].sort((a, b) => a - b)
  const hours = hourEffects(byDay)
  const logs = days.map((day) => median(byDay.get(day)!.map(({ log, hour }) => log - (hours.get(hour) ?? 0))))
  const local = runningMedian(logs, WEEK)
  const off = logs.map((log, i) => log - local[i]!)
  const reach = SPIKE * mad(off.length > 0 ? off : [0], 0)
  const far = off.map((value) => reach > 0 && Math.abs(value) > reach)
  const drawn = logs.map((log, i) => (far[i] ? local[i]! + Math.sign(off[i]!) * reach : log))
  const weekdays = weekdayEffects(days, drawn)
  return {
    days,
    logs,
    cleaned: drawn.map((log, i) => log - (weekdays.get(weekdayOf(days[i]!)) ?? 0)),
    spikes: days.flatMap((_, i) => (far[i] && runAround(far, i) < SPIKE_DAYS ? [i] : [])),
    weekdays,
    hours,
  }
}

/** Median deviation from the running median of a week, from three weeks up. */
function weekdayEffects(days: readonly number[], logs: readonly number[]): Map<number, number> {
  if (days.length < LEAST_DAYS) return new Map()
  const local = runningMedian(logs, WEEK)
  const byWeekday = groups(
    days.map((day, i) => ({ weekday: weekdayOf(day), off: logs[i]! - local[i]! })),
    ({ weekday }) => weekday,
  )
  return new Map([...byWeekday].map(([weekday, all]) => [weekday, median(all.map(({ off }) => off))]))
}

interface Hourly {
  hour: number
  log: number
}

/** Median deviation from the median of the day, over days that were looked at in several hours. */
function hourEffects(byDay: ReadonlyMap<number, readonly Hourly[]>): Map<number, number> {
  const off = [...byDay.values()].flatMap((points) => {
    if (new Set(points.map(({ hour }) => hour)).size < 2) return []
    const middle = median(points.map(({ log }) => log))
    return points.map(({ hour, log }) => ({ hour, off: log - middle }))
  })
  const enough = [...groups(off, ({ hour }) => hour)].filter(([, all]) => all.length >= LEAST_OF_HOUR)
  return enough.length < 2
    ? new Map()
    : new Map(enough.map(([hour, all]) => [hour, median(all.map((each) => each.off))]))
}

/** Length of the run of marked days that day i is in. */
function runAround(marked: readonly boolean[], i: number): number {
  let first = i
  let last = i
  while (marked[first - 1]) first--
  while (marked[last + 1]) last++
  return last - first + 1
}

/** 1 January 1970 was a Thursday. */
const weekdayOf = (day: number): number => (((day + 4) % WEEK) + WEEK) % WEEK
const hourOf = (atMs: number): number => Math.floor((((atMs % DAY_MS) + DAY_MS) % DAY_MS) / 3_600_000)

function groups<T>(items: readonly T[], key: (item: T) => number): Map<number, T[]> {
  const found = new Map<number, T[]>()
  for (const item of items) {
    const own = found.get(key(item))
    if (own === undefined) found.set(key(item), [item])
    else own.push(item)
  }
  return found
}
