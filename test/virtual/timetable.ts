/** When a time of day comes, by the calendar of Intl alone: a second opinion on the scheduler's own timetable. */

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** Milliseconds that the zone is ahead of UTC at an instant. */
function offsetMs(utcMs: number, format: Intl.DateTimeFormat): number {
  const parts = Object.fromEntries(
    format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]),
  )
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute) - Math.floor(utcMs / MINUTE_MS) * MINUTE_MS
}

/**
 * The instants of `hour:minute` on each day of the zone's calendar within a span. A time that a day skips comes at the
 * first minute behind the gap, one that it has twice counts the first time.
 */
export function dailyInstants(
  { hour, minute, timezone }: { hour: number; minute: number; timezone: string },
  fromMs: number,
  untilMs: number,
): number[] {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  const instants: number[] = []
  for (let day = Math.floor(fromMs / DAY_MS) - 1; day <= Math.floor(untilMs / DAY_MS) + 1; day++) {
    const local = day * DAY_MS + (hour * 60 + minute) * MINUTE_MS
    // The offset before any change of that day comes first: so of two equal times the earlier is found.
    const before = offsetMs(local - DAY_MS, format)
    const after = offsetMs(local + DAY_MS, format)
    const found = [local - before, local - after].find((at) => at + offsetMs(at, format) === local)
    instants.push(found ?? firstBehindGap(local, before, after, format))
  }
  return instants.filter((at) => at > fromMs && at <= untilMs)
}

/** The gap ends where the new offset begins: no more than two hours from the time that is skipped. */
function firstBehindGap(local: number, before: number, after: number, format: Intl.DateTimeFormat): number {
  let at = local - Math.max(before, after) - 2 * 60 * MINUTE_MS
  while (offsetMs(at, format) === before) at += MINUTE_MS
  return at
}
