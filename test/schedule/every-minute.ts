/** Another way to find firings: looks at each minute on the zone's own clock. Slow, simple, and shares no code with croner. */

const MINUTE = 60_000

/** Numbers that a field names; ranges, lists and steps only. */
function numbersOf(field: string, low: number, high: number): Set<number> {
  const numbers = new Set<number>()
  for (const part of field.split(',')) {
    const [range = '', step = '1'] = part.split('/')
    const [from, to = from] = range === '*' ? [low, high] : range.split('-').map(Number)
    for (let n = from ?? low; n <= (to ?? high); n += Number(step)) numbers.add(n)
  }
  return numbers
}

/** The wall clock of a zone as minutes since 1970, as if it were UTC. */
function wallClock(zone: string): (utcMs: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  // Offsets change at whole quarters of an hour: asked once each, which is what takes the time.
  const offsets = new Map<number, number>()
  return (utcMs) => {
    const quarter = Math.floor(utcMs / (15 * MINUTE))
    let offset = offsets.get(quarter)
    if (offset === undefined) {
      const [day, month, year, hour, minute] =
        format
          .format(quarter * 15 * MINUTE)
          .match(/\d+/g)
          ?.map(Number) ?? []
      offset = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute) - quarter * 15 * MINUTE
      offsets.set(quarter, offset)
    }
    return utcMs + offset
  }
}

/**
 * A field with a wildcard in minute or hour asks for an interval: each minute that reads so on the clock. Any other asks for times
 * of day: the first of those that come twice, and those that do not come at all together at the first minute behind the gap.
 */
export function firingsByMinute(cron: string, zone: string, fromMs: number, untilMs: number): string[] {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cron.split(' ')
  const minutes = numbersOf(minute, 0, 59)
  const hours = numbersOf(hour, 0, 23)
  const days = numbersOf(day, 1, 31)
  const months = numbersOf(month, 1, 12)
  const weekdays = numbersOf(weekday, 0, 6)
  const isInterval = /[*]/.test(minute + hour)
  const matches = (wallMs: number): boolean => {
    if (!minutes.has((wallMs / MINUTE) % 60)) return false
    const date = new Date(wallMs)
    const isDay =
      day !== '*' && weekday !== '*'
        ? days.has(date.getUTCDate()) || weekdays.has(date.getUTCDay())
        : days.has(date.getUTCDate()) && weekdays.has(date.getUTCDay())
    return hours.has(date.getUTCHours()) && months.has(date.getUTCMonth() + 1) && isDay
  }
  const wallOf = wallClock(zone)
  const found: string[] = []
  /** The latest that the wall clock has shown. */
  let latestWall = wallOf(fromMs - MINUTE)
  for (let utcMs = fromMs; utcMs < untilMs; utcMs += MINUTE) {
    const wall = wallOf(utcMs)
    let fires = matches(wall) && (isInterval || wall > latestWall)
    if (!isInterval) {
      for (let skipped = latestWall + MINUTE; skipped < wall; skipped += MINUTE) fires ||= matches(skipped)
    }
    if (fires) found.push(new Date(utcMs).toISOString())
    latestWall = Math.max(latestWall, wall)
  }
  return found
}
