/** How often a history that is looked at every day alarms although nothing changed, and which steps it finds. */
import { createRandom, type Random } from '../../src/random/random.js'
import { trendOf } from '../../src/compare/trend.js'
import { batches, type Batch, type Check } from './check.js'

/** Logarithm of the level of each day. */
type Daily = (random: Random, days: number) => number[]

interface Measured {
  hour: number
  log: number
}

interface Setting {
  name: string
  make: Daily
  /** What is measured in a day about its level. @default the level itself, once */
  within?: (random: Random) => Measured[]
}

const SD = 0.385 // a coefficient of variation of .4, as hosted endpoints show

function chain(rho: number): Daily {
  return (random, days) => {
    let last = random.normal()
    return Array.from({ length: days }, () => {
      const value = SD * last
      last = rho * last + Math.sqrt(1 - rho ** 2) * random.normal()
      return value
    })
  }
}

/** Weekends a fifth faster, and one day in thirty three times slower. */
const livedIn: Daily = (random, days) =>
  chain(0.4)(random, days).map(
    (value, day) => value + (day % 7 > 4 ? -0.22 : 0) + (random.next() < 1 / 30 ? 1.1 : 0),
  )

const WEEKEND: Daily = (random, days) =>
  chain(0.5)(random, days).map((v, day) => v / 2 - (day % 7 > 4 ? 0.15 : 0))

/** A median hour of Student's t with three degrees, slower by a third in the afternoon. */
const hours =
  (count: number, sd: number) =>
  (random: Random): Measured[] =>
    Array.from({ length: count }, (_, i) => {
      const hour = (24 * i) / count
      const square = [0, 1, 2].reduce((sum) => sum + random.normal() ** 2, 0)
      return {
        hour,
        log: (sd * random.normal()) / Math.sqrt(square / 3) + 0.3 * Math.sin((Math.PI * hour) / 12),
      }
    })

const SETTINGS: readonly Setting[] = [
  { name: 'independent days', make: chain(0) },
  { name: 'AR(1) .3', make: chain(0.3) },
  { name: 'AR(1) .5', make: chain(0.5) },
  { name: 'AR(1) .7', make: chain(0.7) },
  { name: 'AR(1) .4, weekdays, spikes', make: livedIn },
  { name: 'heavy tails, hours, weekdays, 6 a day', make: WEEKEND, within: hours(6, 0.3) },
]

interface Job extends Batch {
  name: string
}

interface Result {
  name: string
  series: number
  /** Steady series: new alarms over all daily looks, and of one look at the end. */
  daily: number
  once: number
  /** Series with a step of ×1.5 and of ×2 in the middle: found within five days, and days until × 2 was told. */
  found: [number, number]
  delays: number[]
}

const DAYS = 100
const KNOWN_DAYS = 7
const DAY_MS = 86_400_000
const FIRST_LOOK = 14

const HOUR_MS = DAY_MS / 24

const look = (days: readonly (readonly Measured[])[]): number[] => {
  const points = days.flatMap((measured, day) =>
    measured.map(({ hour, log }) => ({ atMs: day * DAY_MS + hour * HOUR_MS, value: Math.exp(log) })),
  )
  const { steps, drift } = trendOf(points)
  return [...steps.map(({ atMs }) => Math.round(atMs / DAY_MS)), ...(drift === null ? [] : [0])]
}

function work({ name, from, to }: Job): Result {
  const setting = SETTINGS.find((each) => each.name === name)!
  const result: Result = { name, series: to - from, daily: 0, once: 0, found: [0, 0], delays: [] }
  for (let series = from; series < to; series++) {
    const random = createRandom(`${name}/${series}`)
    const within = setting.within ?? (() => [{ hour: 0, log: 0 }])
    const steady = setting
      .make(random, DAYS)
      .map((level) => within(random).map(({ hour, log }) => ({ hour, log: level + log })))
    result.once += look(steady).length
    result.daily += newAlarms(steady)
    for (const [i, ratio] of [1.5, 2].entries()) {
      const stepped = steady.map((measured, day) =>
        measured.map(({ hour, log }) => ({ hour, log: log + (day >= DAYS / 2 ? Math.log(ratio) : 0) })),
      )
      if (isFound(look(stepped))) result.found[i]!++
      if (ratio === 2) {
        for (let day = DAYS / 2; day <= DAYS; day++) {
          if (!isFound(look(stepped.slice(0, day)))) continue
          result.delays.push(day - DAYS / 2)
          break
        }
      }
    }
  }
  return result
}

const isFound = (steps: readonly number[]): boolean => steps.some((day) => Math.abs(day - DAYS / 2) <= 5)

/** An alarm is new if it is more than a week from every one that was told before. */
function newAlarms(days: readonly (readonly Measured[])[]): number {
  const known: number[] = []
  for (let day = FIRST_LOOK; day <= days.length; day++) {
    for (const at of look(days.slice(0, day))) {
      if (!known.some((before) => Math.abs(before - at) <= KNOWN_DAYS)) known.push(at)
    }
  }
  return known.length
}

export const check: Check<Job, Result> = {
  jobs: (series) => SETTINGS.flatMap(({ name }) => batches(series, 10).map((batch) => ({ ...batch, name }))),
  work,
  report(results) {
    const lines = [
      'alarms in 100 steady days, looked at daily and once; steps x 1.5 and x 2 found, %; median delay',
    ]
    const broken: string[] = []
    for (const { name } of SETTINGS) {
      const own = results.filter((result) => result.name === name)
      const sum = (of: (result: Result) => number): number => own.reduce((all, each) => all + of(each), 0)
      const series = sum((each) => each.series)
      if (series === 0) continue
      const per100 = (alarms: number): number => ((alarms / series) * 100) / DAYS
      const daily = per100(sum((each) => each.daily))
      const delays = own.flatMap((each) => each.delays).sort((a, b) => a - b)
      const found = [0, 1].map((i) => ((100 * sum((each) => each.found[i]!)) / series).toFixed(0))
      lines.push(
        `${name}: ${daily.toFixed(2)} daily, ${per100(sum(({ once }) => once)).toFixed(2)} once; found ${found.join(', ')} %; told after ${delays[Math.floor(delays.length / 2)] ?? '—'} days`,
      )
      if (daily > 1) broken.push(`${name}: ${daily.toFixed(2)} alarms in 100 steady days`)
    }
    return { lines, broken }
  },
}
