/** Figures of the reference table: R for isotonic, numpy for the others. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { brier } from '../../src/stats/brier.js'
import { calibrationError } from '../../src/stats/calibration-error.js'
import { CUSUM_LIMIT, CUSUM_START, cusum } from '../../src/stats/cusum.js'
import { isotonic } from '../../src/stats/isotonic.js'
import { kernelDensity } from '../../src/stats/kernel-density.js'
import { normalCdf } from '../../src/stats/normal.js'

const P = [0.95, 0.9, 0.85, 0.62, 0.55, 0.3]
const Y = [1, 1, 0, 1, 0, 0].map((y) => y === 1)

test('isotonic of 0 1 0 1 1 1 is 0 .5 .5 1 1 1', () => {
  expect(isotonic([0, 1, 0, 1, 1, 1])).toEqual([0, 0.5, 0.5, 1, 1, 1])
})

test('isotonic never falls, keeps the weighted mean, and leaves a rising sequence alone', () => {
  const lists = fc.array(
    fc.tuple(fc.double({ min: -9, max: 9, noNaN: true }), fc.integer({ min: 1, max: 5 })),
  )
  fc.assert(
    fc.property(lists, (pairs) => {
      const values = pairs.map(([value]) => value)
      const weights = pairs.map(([, weight]) => weight)
      const found = isotonic(values, weights)
      expect(found.every((value, i) => i === 0 || value >= found[i - 1]!)).toBe(true)
      const total = (list: readonly number[]): number =>
        list.reduce((sum, value, i) => sum + value * weights[i]!, 0)
      expect(total(found)).toBeCloseTo(total(values), 8)
      const rising = values.toSorted((a, b) => a - b)
      for (const [i, value] of isotonic(rising).entries()) expect(value).toBeCloseTo(rising[i]!, 12)
    }),
  )
})

test('the calibration error of the reference is .3716667 in 15 bins, and of the truth 0', () => {
  expect(calibrationError(P, Y)).toBeCloseTo(0.3716667, 6)
  expect(calibrationError([1, 0, 1], [true, false, true])).toBe(0)
  expect(calibrationError([], [])).toBeNull()
})

test('a bin holds its upper border and not its lower', () => {
  // .2 and .4 of 5 bins fall into the first and the second: apart they err by .2 and .6 each.
  expect(calibrationError([0.2, 0.4], [false, true], 5)).toBeCloseTo((0.2 + 0.6) / 2, 12)
})

test('the Brier score of the reference is .2119833, and reliability − resolution + uncertainty', () => {
  const found = brier(P, Y)!
  expect(found.score).toBeCloseTo(0.2119833, 6)
  expect(found.reliability - found.resolution + found.uncertainty).toBeCloseTo(found.score, 12)
  expect(brier([], [])).toBeNull()
})

test('a kernel density integrates to 1 and finds the normal density within 15 % at its centre', () => {
  const random = createRandom(1)
  const values = Array.from({ length: 500 }, () => random.normal())
  const density = kernelDensity(values)
  let area = 0
  for (let x = -8; x < 8; x += 0.01) area += density(x) * 0.01
  expect(area).toBeCloseTo(1, 4)
  expect(density(0) / 0.3989423).toBeGreaterThan(0.85)
  expect(density(0) / 0.3989423).toBeLessThan(1.15)
  expect(normalCdf(0)).toBe(0.5)
})

/** Values until the alarm; `most` where none came. */
function runLength(draw: () => number, most: number): number {
  let state = CUSUM_START
  for (let n = 1; n <= most; n++) {
    state = cusum(state, draw())
    if (Math.max(state.up, state.down) > CUSUM_LIMIT) return n
  }
  return most
}

const meanRun = (draw: () => number, runs: number): number =>
  Array.from({ length: runs }, () => runLength(draw, 100_000)).reduce((sum, n) => sum + n, 0) / runs

test('CUSUM with k .5 and h 8 runs 8,500 values of normal noise, 450 of t3 noise, and sees a shift of 1 sd after 16', () => {
  const random = createRandom(8)
  const t3 = (): number => {
    const square = random.normal() ** 2 + random.normal() ** 2 + random.normal() ** 2
    return random.normal() / Math.sqrt(square / 3)
  }
  // An exponential waiting time: the mean of 100 is good to 10 %.
  expect(meanRun(random.normal, 100)).toBeGreaterThan(6000)
  expect(meanRun(random.normal, 100)).toBeLessThan(12_000)
  expect(meanRun(t3, 200)).toBeGreaterThan(330)
  expect(meanRun(t3, 200)).toBeLessThan(600)
  expect(meanRun(() => random.normal() + 1, 200)).toBeGreaterThan(14)
  expect(meanRun(() => random.normal() + 1, 200)).toBeLessThan(18)
})
