import { expect, test } from 'vitest'
import { createRandom, type Random } from '../../src/random/random.js'
import { changePoints } from '../../src/stats/change-points.js'
import { dailySeries } from '../../src/stats/daily-series.js'
import { bestSplit, energySplits } from '../../src/stats/e-divisive.js'
import { runningMedian } from '../../src/stats/running-median.js'

const DAY_MS = 86_400_000
const MARGIN = Math.log(1.05)

/** By the definition, over all pairs. */
function byDefinition(series: readonly number[], t: number): number {
  const distance = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, x) => sum + b.reduce((inner, y) => inner + Math.abs(x - y), 0), 0)
  const [x, y] = [series.slice(0, t), series.slice(t)]
  const [m, n] = [x.length, y.length]
  const inner = (side: readonly number[], k: number): number => distance(side, side) / (k * (k - 1))
  return ((m * n) / (m + n)) * ((2 * distance(x, y)) / (m * n) - inner(x, m) - inner(y, n))
}

test('Q(2..8) of 1 2 1 2 1 5 6 5 6 5 are those of numpy, and the split lies at 5', () => {
  const series = [1, 2, 1, 2, 1, 5, 6, 5, 6, 5]
  const known = [2.857143, 6.8, 9.92, 17, 11.36, 6.2, 3.371429]
  for (const [i, q] of energySplits(series).entries()) expect(q).toBeCloseTo(known[i]!, 5)
  expect(bestSplit(series, 2)).toBe(5)
})

test('the running sums of Q agree with all pairs, on 30 random values', () => {
  const random = createRandom(1)
  const series = Array.from({ length: 30 }, () => random.normal())
  for (const [i, q] of energySplits(series).entries()) expect(q).toBeCloseTo(byDefinition(series, i + 2), 9)
})

test('a running median of 3 drops a lone spike and keeps a step', () => {
  expect(runningMedian([1, 1, 9, 1, 5, 5, 5], 3)).toEqual([1, 1, 1, 5, 5, 5, 5])
})

const noisy = (random: Random, n: number, sd: number): number[] =>
  Array.from({ length: n }, () => sd * random.normal())

test('steps of 30 % at days 30 and 60 are found within 2 days, with their size within 5 points', () => {
  const series = noisy(createRandom(2), 90, 0.05).map(
    (v, i) => v + (i >= 30 ? 0.26 : 0) - (i >= 60 ? 0.5 : 0),
  )
  const { steps, drift } = changePoints(series, { margin: MARGIN })
  expect(drift).toBeNull()
  expect(steps).toHaveLength(2)
  for (const [i, at] of [30, 60].entries()) expect(Math.abs(steps[i]!.at - at)).toBeLessThanOrEqual(2)
  for (const [i, shift] of [0.26, -0.5].entries())
    expect(Math.abs(steps[i]!.shift - shift)).toBeLessThan(0.05)
})

test('a step smaller than the margin is none, however sure it is', () => {
  const series = noisy(createRandom(3), 60, 0.001).map((v, i) => v + (i >= 30 ? 0.03 : 0))
  expect(changePoints(series, { margin: MARGIN }).steps).toEqual([])
  expect(changePoints(series, { margin: 0.02 }).steps).toHaveLength(1)
})

test('a creeping line of 60 % in 80 days is a drift and no staircase', () => {
  const series = noisy(createRandom(4), 80, 0.05).map((v, i) => v + (0.47 * i) / 79)
  const { steps, drift } = changePoints(series, { margin: MARGIN })
  expect(steps).toEqual([])
  expect(drift!.slope * 79).toBeGreaterThan(0.4)
  expect(drift!.slope * 79).toBeLessThan(0.54)
})

test('a day of many points is their median, freed of an hour that is 20 % slower', () => {
  const random = createRandom(5)
  const points = Array.from({ length: 30 }, (_, day) =>
    [2, 8, 14, 20].map((hour) => ({
      atMs: day * DAY_MS + hour * 3_600_000,
      value: 500 * Math.exp(0.02 * random.normal()) * (hour === 14 ? 1.2 : 1),
    })),
  ).flat()
  const { days, hours, logs } = dailySeries(points)
  expect(days).toHaveLength(30)
  expect(Math.exp(hours.get(14)! - hours.get(2)!)).toBeCloseTo(1.2, 1)
  for (const log of logs) expect(Math.abs(log - logs[0]!)).toBeLessThan(0.06)
})

test('weekends that are 20 % faster are taken off from 21 days on, and no sooner', () => {
  const week = (days: number) =>
    dailySeries(
      Array.from({ length: days }, (_, day) => ({
        atMs: day * DAY_MS,
        value: [0, 6].includes((day + 4) % 7) ? 80 : 100,
      })),
    )
  expect(week(20).weekdays.size).toBe(0)
  const { weekdays, cleaned } = week(28)
  expect(Math.exp(weekdays.get(0)! - weekdays.get(3)!)).toBeCloseTo(0.8, 6)
  for (const log of cleaned) expect(log).toBeCloseTo(Math.log(100), 6)
})

test('one or two wild days are spikes and change nothing; a third in a row is none', () => {
  const wild = (count: number) =>
    dailySeries(
      Array.from({ length: 40 }, (_, day) => ({
        atMs: day * DAY_MS,
        value: (day >= 20 && day < 20 + count ? 300 : 100) * (1 + 0.01 * (day % 3)),
      })),
    )
  expect(wild(2).spikes).toEqual([20, 21])
  expect(Math.max(...wild(2).cleaned)).toBeLessThan(Math.log(115))
  expect(wild(3).spikes).toEqual([])
})

test('values that are not above 0 have no logarithm and are left out', () => {
  const points = [1, 0, -3, Number.NaN, Infinity, 2].map((value, day) => ({ atMs: day * DAY_MS, value }))
  expect(dailySeries(points).days).toEqual([0, 5])
})
