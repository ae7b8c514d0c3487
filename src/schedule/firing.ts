/** When a scenario is due: cron expressions in their time zones, and the jitter on top. */
import { Cron } from 'croner'
import type { Random } from '../random/random.js'

export interface Timetable {
  /** Five fields. */
  cron: string
  /** IANA name; null: that of the machine. */
  timezone: string | null
  /** Each start is put off by a time drawn evenly from 0 to this. */
  jitterMs: number
}

export interface Firing {
  /** The instant that the expression names, milliseconds since 1970. */
  dueMs: number
  /** `dueMs` and its jitter. */
  startMs: number
}

/** The first firing after an instant; null where there is none (30 February). */
export type NextFiring = (afterMs: number) => Firing | null

/**
 * Daylight saving, where minute and hour are given as numbers, lists or ranges: a time in the hour that is skipped
 * fires once at the first minute behind it, a time in the hour that is repeated fires the first time only. With a
 * wildcard or a step in them the expression asks for an interval, which goes on through both.
 */
export function createTimetable({ cron, timezone, jitterMs }: Timetable, random: Random): NextFiring {
  const job = new Cron(cron, {
    mode: '5-part',
    ...(timezone !== null && { timezone }),
    paused: true,
    fixedTimeRule: 'no-wildcard',
  })
  return (afterMs) => {
    const next = job.nextRun(new Date(afterMs))
    if (next === null) return null
    const dueMs = next.getTime()
    // Drawn from the instant, so that a restart in between does not draw again.
    const jitter = Math.floor(random.fork(String(dueMs)).next() * jitterMs)
    return { dueMs, startMs: dueMs + jitter }
  }
}

/** The shortest time between two firings within some weeks, and how many there are a day on average. */
export function rhythmOf(next: NextFiring, fromMs: number): { shortestMs: number; perDay: number } | null {
  const first = next(fromMs)
  if (first === null) return null
  let shortestMs = Infinity
  let last = first.dueMs
  let count = 0
  for (let i = 0; i < MOST_FIRINGS_SEEN; i++) {
    const firing = next(last)
    if (firing === null || firing.dueMs - first.dueMs > LONGEST_LOOK_AHEAD_MS) break
    shortestMs = Math.min(shortestMs, firing.dueMs - last)
    last = firing.dueMs
    count++
  }
  const days = (last - first.dueMs) / DAY_MS
  return { shortestMs, perDay: days > 0 ? count / days : 0 }
}

const DAY_MS = 86_400_000
const MOST_FIRINGS_SEEN = 2000
const LONGEST_LOOK_AHEAD_MS = 400 * DAY_MS
