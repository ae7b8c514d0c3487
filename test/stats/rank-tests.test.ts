import fc from 'fast-check'
import { expect, test } from 'vitest'
import { permutationP } from '../../src/stats/permutation.js'
import { fisherExact } from '../../src/stats/fisher-exact.js'
import { hodgesLehmann, hodgesLehmannInterval } from '../../src/stats/hodges-lehmann.js'
import { mannWhitney } from '../../src/stats/mann-whitney.js'

test('Mann-Whitney without ties: U 17, exact p .111111, corrected normal p .111347 (scipy)', () => {
  const a = [19, 22, 16, 29, 24]
  const b = [20, 11, 17, 12]
  expect(mannWhitney(a, b)).toMatchObject({ u: 17, method: 'exact' })
  expect(mannWhitney(a, b).p).toBeCloseTo(0.111111, 6)
  expect(mannWhitney(a, b, 'normal').p).toBeCloseTo(0.111347, 6)
})

test('Mann-Whitney with ties: U 13, p .0883597 (scipy)', () => {
  const found = mannWhitney([1, 2, 2, 3, 4, 4, 5], [2, 3, 4, 4, 5, 6, 6, 7])
  expect(found).toMatchObject({ u: 13, method: 'normal' })
  expect(found.p).toBeCloseTo(0.0883597, 7)
})

test('two separate samples of 8 cannot go below p = 2 ÷ 12,870', () => {
  const low = [1, 2, 3, 4, 5, 6, 7, 8]
  expect(
    mannWhitney(
      low,
      low.map((value) => value + 100),
    ).p,
  ).toBeCloseTo(2 / 12_870, 12)
})

test('equal values on both sides give p 1', () => {
  expect(mannWhitney([5, 5, 5], [5, 5]).p).toBe(1)
})

const sample = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 12 })

test('exchanging the samples mirrors U and leaves p', () => {
  fc.assert(
    fc.property(sample, sample, (a, b) => {
      const one = mannWhitney(a, b)
      const other = mannWhitney(b, a)
      expect(one.u + other.u).toBe(a.length * b.length)
      expect(one.p).toBeCloseTo(other.p, 10)
      expect(one.p).toBeLessThanOrEqual(1)
    }),
  )
})

test('exact and corrected normal p agree within .01 for 30 against 35 values', () => {
  const a = Array.from({ length: 30 }, (_, i) => 1.01 * i)
  const b = Array.from({ length: 35 }, (_, i) => 0.97 * i + 5.003)
  const exact = mannWhitney(a, b)
  expect(exact.method).toBe('exact')
  expect(Math.abs(exact.p - mannWhitney(a, b, 'normal').p)).toBeLessThan(0.01)
})

test('Hodges-Lehmann: -6 [-17, 7], Mann-Whitney p .2468 (R)', () => {
  const first = [19, 22, 16, 29, 24, 33]
  const second = [20, 11, 17, 12, 31]
  expect(hodgesLehmannInterval(first, second)).toEqual({ estimate: -6, low: -17, high: 7 })
  expect(mannWhitney(second, first).p).toBeCloseTo(0.2468, 4)
})

test('Hodges-Lehmann follows a shift of one sample exactly and lies inside its interval', () => {
  fc.assert(
    fc.property(sample, sample, fc.integer({ min: -50, max: 50 }), (a, b, shift) => {
      const moved = b.map((value) => value + shift)
      expect(hodgesLehmann(a, moved)).toBeCloseTo(hodgesLehmann(a, b) + shift, 9)
      const { estimate, low, high } = hodgesLehmannInterval(a, b)
      expect(low).toBeLessThanOrEqual(estimate)
      expect(high).toBeGreaterThanOrEqual(estimate)
    }),
  )
})

test.each([
  [3, 4, 1, 4, 0.48571428571428565, 0.9857142857142858, 0.24285714285714283],
  [2, 17, 10, 13, 0.0005367241191434358, 0.00046518094336290503, 0.9999845190186861],
  [12, 200, 3, 200, 0.03186704151246133, 0.9968097034015327, 0.015933520756230665],
  [0, 50, 5, 50, 0.05628449442882433, 0.028142247214412164, 1],
])('Fisher exact of %i/%i against %i/%i is scipy’s', (a, totalA, b, totalB, p, less, greater) => {
  const found = fisherExact({ successes: a, total: totalA }, { successes: b, total: totalB })
  expect(found.p).toBeCloseTo(p, 10)
  expect(found.less).toBeCloseTo(less, 10)
  expect(found.greater).toBeCloseTo(greater, 10)
})

test('no error on either side, or no request at all, is p 1', () => {
  expect(fisherExact({ successes: 0, total: 90 }, { successes: 0, total: 80 }).p).toBeCloseTo(1, 12)
  expect(fisherExact({ successes: 0, total: 0 }, { successes: 3, total: 80 }).p).toBeCloseTo(1, 12)
})

test('the exact permutation test on ln of five against five blocks: 2 of 252 (scipy), and 1 for equal arms', () => {
  const ln = (values: readonly number[]): number[] => values.map(Math.log)
  expect(permutationP(ln([100, 110, 95, 105, 102]), ln([120, 118, 125, 131, 115]))).toBe(2 / 252)
  expect(permutationP([1, 2, 3], [1, 2, 3])).toBe(1)
  expect(
    permutationP(
      Array.from({ length: 15 }, (_, i) => i),
      Array.from({ length: 15 }, (_, i) => i),
    ),
  ).toBeNull()
})
