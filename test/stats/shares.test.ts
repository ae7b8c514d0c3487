import fc from 'fast-check'
import { expect, test } from 'vitest'
import { benjaminiHochberg, holm } from '../../src/stats/multiplicity.js'
import { welchLog } from '../../src/stats/welch.js'
import { wilson } from '../../src/stats/wilson.js'

test('Holm of .01 … .05 is .05, .08, .09, .09, .09; Benjamini-Hochberg gives .05 throughout (R)', () => {
  const ps = [0.01, 0.02, 0.03, 0.04, 0.05]
  for (const [i, p] of holm(ps).entries()) expect(p).toBeCloseTo([0.05, 0.08, 0.09, 0.09, 0.09][i]!, 12)
  for (const p of benjaminiHochberg(ps)) expect(p).toBeCloseTo(0.05, 12)
})

const ps = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 })

test('p ≤ Benjamini-Hochberg ≤ Holm ≤ min(1, m·p), and adjusting keeps the order', () => {
  fc.assert(
    fc.property(ps, (list) => {
      const strict = holm(list)
      const lenient = benjaminiHochberg(list)
      for (const [i, p] of list.entries()) {
        expect(lenient[i]!).toBeGreaterThanOrEqual(p * (1 - 1e-12))
        expect(strict[i]!).toBeGreaterThanOrEqual(lenient[i]! * (1 - 1e-12))
        for (const [j, q] of list.entries()) {
          if (p <= q) expect(strict[i]!).toBeLessThanOrEqual(strict[j]!)
          if (p <= q) expect(lenient[i]!).toBeLessThanOrEqual(lenient[j]!)
        }
      }
      const smallest = Math.min(...list)
      if (list.length > 0) expect(Math.min(...strict)).toBeCloseTo(Math.min(1, list.length * smallest), 12)
    }),
  )
})

test.each([
  [8, 10, 0.490162, 0.943318],
  [0, 20, 0, 0.161125],
])('the Wilson interval at .95 of %i in %i is %f to %f (statsmodels)', (successes, trials, low, high) => {
  const interval = wilson(successes, trials)
  expect(interval.low).toBeCloseTo(low, 6)
  expect(interval.high).toBeCloseTo(high, 6)
})

test('the Wilson interval holds the share, stays in [0, 1] and mirrors with failures', () => {
  const counts = fc
    .integer({ min: 0, max: 200 })
    .chain((trials) => fc.tuple(fc.integer({ min: 0, max: trials }), fc.constant(trials)))
  fc.assert(
    fc.property(counts, ([successes, trials]) => {
      const { low, high } = wilson(successes, trials)
      const mirror = wilson(trials - successes, trials)
      expect(low).toBeGreaterThanOrEqual(0)
      expect(high).toBeLessThanOrEqual(1)
      expect(low).toBeCloseTo(1 - mirror.high, 12)
      if (trials > 0) {
        expect(low).toBeLessThanOrEqual(successes / trials + 1e-12)
        expect(high).toBeGreaterThanOrEqual(successes / trials - 1e-12)
      }
    }),
  )
})

test('Welch on ln: ratio 1.1896175 [1.1011, 1.2852], t 5.1827697, p .00085113 (scipy)', () => {
  const found = welchLog([100, 110, 95, 105, 102], [120, 118, 125, 131, 115])
  expect(found.ratio).toBeCloseTo(1.1896175, 7)
  expect(found.t).toBeCloseTo(5.1827697, 7)
  expect(found.df).toBeCloseTo(7.9665013, 7)
  expect(found.p).toBeCloseTo(0.00085113, 8)
  expect(found.low).toBeCloseTo(1.10111143, 8)
  expect(found.high).toBeCloseTo(1.28523749, 8)
})

test('Welch without any spread: p 1 for equal values, 0 for others', () => {
  expect(welchLog([2, 2], [2, 2])).toMatchObject({ ratio: 1, t: 0, p: 1 })
  expect(welchLog([2, 2], [1, 1])).toMatchObject({ ratio: 0.5, t: -Infinity, p: 0 })
})
