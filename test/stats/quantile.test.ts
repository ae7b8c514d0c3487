import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { mad, winsorise } from '../../src/stats/mad.js'
import { ascending, median, quantile, quantiles } from '../../src/stats/quantile.js'
import { leastSamples, quantileInterval, quantileRanks } from '../../src/stats/quantile-interval.js'

const R_EXAMPLE = [15, 20, 35, 40, 50, 55, 70, 90]

test.each([
  [7, [18.5, 45, 76, 83]],
  [8, [15.8333333333, 45, 86.6666666667, 90]],
  [6, [15, 45, 90, 90]],
] as const)('type %i quantiles .1, .5, .9, .95 are those of R', (type, expected) => {
  const found = quantiles(R_EXAMPLE, [0.1, 0.5, 0.9, 0.95], { type })
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 9)
})

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 })
const share = fc.double({ min: 0, max: 1, noNaN: true })
const type = fc.constantFrom(6 as const, 7 as const, 8 as const)

test('a quantile lies between minimum and maximum and rises with p', () => {
  fc.assert(
    fc.property(values, share, share, type, (list, p, q, kind) => {
      const [low, high] = quantiles(list, [Math.min(p, q), Math.max(p, q)], { type: kind })
      expect(low).toBeGreaterThanOrEqual(Math.min(...list))
      expect(high).toBeLessThanOrEqual(Math.max(...list))
      expect(high! - low!).toBeGreaterThanOrEqual(-1e-9)
    }),
  )
})

test('a quantile leaves its input as it was and a sorted input unsorted by hand gives the same', () => {
  const list = [3, 1, 2]
  expect(quantile(list, 0.25)).toBe(quantile(ascending(list), 0.25, { sorted: true }))
  expect(list).toEqual([3, 1, 2])
})

test('the median of an even list is the mean of the middle two, for every type', () => {
  for (const kind of [6, 7, 8] as const) expect(quantile([4, 1, 3, 2], 0.5, { type: kind })).toBe(2.5)
})

test('a quantile of nothing, or of a share outside [0, 1], is our own bug and throws', () => {
  expect(() => median([])).toThrow(RangeError)
  expect(() => quantile([1], 1.5)).toThrow(RangeError)
  expect(() => quantile([1], Number.NaN)).toThrow(RangeError)
})

test('the scaled MAD estimates the sd of a normal sample within 3 % and ignores 10 % of wild values', () => {
  const random = createRandom('mad')
  const normal = Array.from({ length: 20_000 }, () => 7 + 3 * random.normal())
  expect(mad(normal) / 3).toBeCloseTo(1, 1.5)
  expect(mad(normal.map((value, i) => (i % 10 === 0 ? 1e9 : value)))).toBeLessThan(3 * 1.3)
})

test('winsorising moves what lies beyond the reach to its border and nothing else', () => {
  expect(winsorise([-10, 1, 2, 3, 40], 2, 5)).toEqual([-3, 1, 2, 3, 7])
})

test.each([
  [20, 0.5, 6, 15, 0.95861],
  [100, 0.95, 90, 100, 0.98261],
  [1000, 0.99, 983, 997, 0.97609],
])('%i values enclose their %f quantile by ranks as scipy says', (n, p, l, u, confidence) => {
  const ranks = quantileRanks(n, p)!
  expect([ranks.l, ranks.u]).toEqual([l, u])
  expect(ranks.confidence).toBeCloseTo(confidence, 5)
})

test.each([
  [0.9, 29],
  [0.95, 59],
  [0.99, 299],
  [0.999, 2995],
])('the %f quantile needs %i values for a two-sided statement at .95, and one less gives null', (p, n) => {
  expect(leastSamples(p)).toBe(n)
  expect(quantileRanks(n - 1, p)).toBeNull()
  expect(quantileRanks(n, p)).toMatchObject({ u: n })
})

test('wherever an interval exists it reaches the confidence with ranks inside 1 to n', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 600 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (n, p) => {
        const ranks = quantileRanks(n, p)
        if (ranks === null) {
          expect(1 - p ** n - (1 - p) ** n).toBeLessThan(0.95 + 1e-9)
          return
        }
        expect(ranks.l).toBeGreaterThanOrEqual(1)
        expect(ranks.u).toBeLessThanOrEqual(n)
        expect(ranks.confidence).toBeGreaterThanOrEqual(0.95)
      },
    ),
  )
})

test('the interval of a median covers it in 94-98 % of 2,000 samples of 20', () => {
  const random = createRandom('order statistics')
  let covered = 0
  for (let i = 0; i < 2000; i++) {
    const { low, high } = quantileInterval(Array.from({ length: 20 }, random.exponential), 0.5)!
    if (low <= Math.LN2 && Math.LN2 <= high) covered++
  }
  expect(covered / 2000).toBeGreaterThan(0.94)
  expect(covered / 2000).toBeLessThan(0.98)
})
