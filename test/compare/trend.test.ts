import { expect, test } from 'vitest'
import { historyTrend, trendVerdict } from '../../src/compare/history-trend.js'
import { toHistory, type HistoryPoint } from '../../src/compare/history.js'
import { dayEffect } from '../../src/compare/day-effect.js'
import { compareSnapshots } from '../../src/compare/compare-snapshots.js'
import { parseSeries } from '../../src/compare/series-csv.js'
import { LEAST_DAYS, trendOf } from '../../src/compare/trend.js'
import { createRandom } from '../../src/random/random.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { lognormal, NINE_CELLS, type TrueLaw } from '../curve/simulated-run.js'
import { LAW, simulatedSnapshot } from './simulated-snapshot.js'

const DAY_MS = 86_400_000
const START = Date.UTC(2026, 8, 1, 9)

interface Day {
  law?: TrueLaw
  /** Factor on all of the day. */
  factor?: number
  region?: string
  blocks?: number
}

/** A short run on each day; only what a history keeps of it. */
function history(id: string, days: number, of: (day: number) => Day): HistoryPoint[] {
  return Array.from({ length: days }, (_, day) => toHistory(dayRun(`${id} ${day}`, day, of(day)))).flat()
}

function dayRun(
  id: string,
  day: number,
  { law = LAW, factor = 1, region = 'fra', blocks = 8 }: Day,
): Snapshot {
  const scaled = Object.fromEntries(Object.entries(law).map(([key, value]) => [key, value * factor]))
  const snapshot = simulatedSnapshot(
    id,
    { law: { ...law, ...scaled }, blocks, noise: lognormal(0.05), cells: NINE_CELLS },
    { resamples: 9, change: { startedAt: new Date(START + day * DAY_MS).toISOString() } },
  )
  return { ...snapshot, samples: snapshot.samples.map((sample) => ({ ...sample, route: { region } })) }
}

const dateOf = (day: number): number => Math.floor((START + day * DAY_MS) / DAY_MS) * DAY_MS

test('steady days give no event, no drift, and exit 0; fewer than 14 give exit 4', () => {
  const steady = history('steady', 40, () => ({}))
  const [trend] = historyTrend(steady)
  expect(trend!.events).toEqual([])
  for (const { trend: each } of trend!.series) expect(each.drift).toBeNull()
  const rules = { recentDays: 30, leastDays: LEAST_DAYS }
  expect(trendVerdict([trend!], rules).exit).toBe(0)
  expect(trendVerdict(historyTrend(steady.slice(0, 10)), rules).exit).toBe(4)
})

test('a base 200 ms higher since day 25, by way of another region: one event on that day, network, region beside it', () => {
  const [trend] = historyTrend(
    history('moved', 45, (day) => (day < 25 ? {} : { law: { ...LAW, base: 600 }, region: 'iad' })),
  )
  expect(trend!.events).toHaveLength(1)
  const [event] = trend!.events
  expect(Math.abs(event!.atMs - dateOf(25))).toBeLessThanOrEqual(DAY_MS)
  expect(event!.direction).toBe('worse')
  expect(event!.moved[0]).toMatchObject({ name: 'base', place: 'network or gateway' })
  expect(event!.moved[0]!.ratio).toBeGreaterThan(1.4)
  expect(event!.moved[0]!.ratio).toBeLessThan(1.6)
  expect(event!.moved.map(({ name }) => name)).not.toContain('tpot')
  expect(event!.routes).toEqual([{ field: 'region', before: 'fra', after: 'iad' }])
  const verdict = trendVerdict([trend!], { recentDays: 30, leastDays: LEAST_DAYS })
  expect(verdict.exit).toBe(1)
  expect(trendVerdict([trend!], { recentDays: 14, leastDays: LEAST_DAYS }).exit).toBe(0)
})

test('a slope 30 % faster is an event for the better, of prefill and not of decode; exit 0', () => {
  const [trend] = historyTrend(
    history('prefill', 45, (day) => (day < 25 ? {} : { law: { ...LAW, fresh: 31.5 } })),
  )
  expect(trend!.events).toHaveLength(1)
  const moved = trend!.events[0]!.moved.map(({ name }) => name)
  expect(moved[0]).toBe('fresh')
  expect(moved).not.toContain('step')
  expect(trend!.events[0]!.direction).toBe('better')
  expect(trendVerdict([trend!], { recentDays: 30, leastDays: LEAST_DAYS }).exit).toBe(0)
})

test('a cell more or less changes no level: cells are held against themselves', () => {
  const all = history('cells', 30, () => ({}))
  const fewer = all.map((point, day) => {
    if (day < 15) return point
    const cells = new Map([...point.metrics.ttft.cells].slice(0, 5))
    return { ...point, metrics: { ...point.metrics, ttft: { cells, se: null } } }
  })
  expect(historyTrend(fewer)[0]!.events).toEqual([])
})

test('days that differ by 20 % are known from history, and a run of another day is no regression then', () => {
  const random = createRandom(7)
  const factors = Array.from({ length: 30 }, () => Math.exp(0.2 * random.normal()))
  const days = history('days', 30, (day) => ({ factor: factors[day]! }))
  const effect = dayEffect(days)!
  expect(effect.days).toBe(30)
  expect(Math.sqrt(effect.variances['ttft']!)).toBeGreaterThan(0.13)
  expect(Math.sqrt(effect.variances['ttft']!)).toBeLessThan(0.27)
  const base = dayRun('a day', 31, { blocks: 20 })
  const other = dayRun('another day', 32, { factor: 1.25, blocks: 20 })
  const ttftOf = (known: boolean) =>
    compareSnapshots(base, other, {
      resamples: 29,
      ...(known && { days: new Map([['a', effect]]) }),
    }).shifts.find(({ name }) => name === 'ttft')!
  expect(ttftOf(false).verdict).toBe('worse')
  expect(ttftOf(true).verdict).toBe('inconclusive')
  expect(dayEffect(days.slice(0, 5))).toBeNull()
})

test('days that do not differ have a variance of about 0, so that history costs nothing', () => {
  const effect = dayEffect(history('even', 30, () => ({})))!
  expect(Math.sqrt(effect.variances['ttft']!)).toBeLessThan(0.01)
})

test('a plain series of CSV: header or none, ISO or epoch, several names; a step of 50 % at day 30', () => {
  const random = createRandom(9)
  const lines = Array.from({ length: 60 }, (_, day) => {
    const value = 100 * Math.exp(0.1 * random.normal()) * (day < 30 ? 1 : 1.5)
    return `${new Date(START + day * DAY_MS).toISOString()},${value},ttft`
  })
  const parsed = parseSeries(['time,value,series', ...lines, `${START},7,other`].join('\n'))
  if (!parsed.ok) throw new Error(parsed.problem)
  expect([...parsed.series.keys()]).toEqual(['ttft', 'other'])
  const { steps } = trendOf(parsed.series.get('ttft')!)
  expect(steps).toHaveLength(1)
  expect(Math.abs(steps[0]!.atMs - dateOf(30))).toBeLessThanOrEqual(2 * DAY_MS)
  expect(steps[0]!.ratio).toBeGreaterThan(1.35)
  expect(steps[0]!.ratio).toBeLessThan(1.65)
})

test.each([
  ['2026-09-01,abc', 1, 'no value'],
  ['time,value\n2026-09-01,5\nyesterday,5', 3, 'no time'],
  ['2026-09-01,0', 1, 'no value above 0'],
  ['', 1, 'no line'],
])('a series of %j is refused at line %i: %s', (text, line, said) => {
  const parsed = parseSeries(text)
  if (parsed.ok) throw new Error('accepted')
  expect(parsed.line).toBe(line)
  expect(parsed.problem).toContain(said)
})
