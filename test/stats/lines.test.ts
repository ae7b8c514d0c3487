import fc from 'fast-check'
import { expect, test } from 'vitest'
import { medianRegression } from '../../src/stats/median-regression.js'
import { theilSen } from '../../src/stats/theil-sen.js'

const X = [1, 2, 3, 4, 5, 6, 7]
const Y = [2.1, 3.9, 6.2, 7.8, 10.1, 30, 14.2]

test('Theil-Sen: slope 2.05, intercept -.4 (scipy)', () => {
  const line = theilSen(X, Y)!
  expect(line.slope).toBeCloseTo(2.05, 10)
  expect(line.intercept).toBeCloseTo(-0.4, 10)
})

test('median regression: slope 2.016667, intercept .083333 (quantreg)', () => {
  const line = medianRegression(X, Y)!
  expect(line.slope).toBeCloseTo(2.0166667, 6)
  expect(line.intercept).toBeCloseTo(0.0833333, 6)
})

test('without two different x there is no line', () => {
  expect(theilSen([3, 3], [1, 2])).toBeNull()
  expect(medianRegression([3, 3], [1, 2])).toBeNull()
  expect(medianRegression([], [])).toBeNull()
})

const number = fc.integer({ min: -50, max: 50 })

test('both find an exact slope though 2 of 9 points lie anywhere', () => {
  fc.assert(
    fc.property(number, number, number, number, (slope, intercept, wild, other) => {
      const x = [0, 1, 2, 3, 4, 5, 6, 7, 8]
      const y = x.map((value) => intercept + slope * value)
      y[3] = wild
      y[4] = other
      expect(theilSen(x, y)!.slope).toBeCloseTo(slope, 9)
      expect(medianRegression(x, y)!.slope).toBeCloseTo(slope, 9)
      expect(medianRegression(x, y)!.intercept).toBeCloseTo(intercept, 9)
    }),
  )
})

test('no line near the median regression has a smaller sum of absolute deviations', () => {
  const points = fc.array(fc.tuple(number, number), { minLength: 2, maxLength: 25 })
  const step = fc.double({ min: -3, max: 3, noNaN: true })
  fc.assert(
    fc.property(points, step, step, (list, tilt, lift) => {
      const x = list.map(([value]) => value)
      const y = list.map(([, value]) => value)
      const best = medianRegression(x, y)
      if (best === null) return
      const loss = (slope: number, intercept: number): number =>
        x.reduce((sum, value, i) => sum + Math.abs(y[i]! - intercept - slope * value), 0)
      const least = loss(best.slope, best.intercept)
      expect(least).toBeLessThanOrEqual(loss(best.slope + tilt, best.intercept + lift) + 1e-9)
    }),
  )
})
