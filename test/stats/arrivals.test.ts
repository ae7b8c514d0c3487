import { expect, test } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import {
  exponentialFit,
  gapCv,
  indexOfDispersion,
  poissonDispersionRange,
  poissonGapCvRange,
} from '../../src/stats/arrivals.js'

test.each([
  [50, 0.56, 1.6],
  [100, 0.67, 1.4],
  [200, 0.76, 1.28],
])('the index of dispersion of Poisson arrivals over %i windows lies in %f-%f', (windows, low, high) => {
  const range = poissonDispersionRange(windows)
  expect(Math.abs(range.low - low)).toBeLessThan(0.006)
  expect(Math.abs(range.high - high)).toBeLessThan(0.006)
})

test.each([
  [50, 0.71, 1.41],
  [100, 0.78, 1.29],
  [200, 0.84, 1.2],
  [1000, 0.93, 1.09],
])('the CV of %i exponential gaps lies in %f-%f', (n, low, high) => {
  const range = poissonGapCvRange(n)
  expect(Math.abs(range.low - low)).toBeLessThan(0.0085)
  expect(Math.abs(range.high - high)).toBeLessThan(0.0085)
})

test('KS .1405742 and A² .247629 of ten gaps, mean fitted (scipy); nothing is rejected', () => {
  const found = exponentialFit([0.2, 0.5, 0.9, 1.1, 1.6, 0.3, 0.7, 2.4, 0.1, 1.2])
  expect(found.ks).toBeCloseTo(0.1405742, 7)
  expect(found.a2).toBeCloseTo(0.247629, 6)
  expect(found.rejectedAt).toBeNull()
})

test('exponential gaps fall outside a 99 % range, or are rejected at 1 %, in .3-3 % of 2,000 samples of 100', () => {
  const random = createRandom('arrivals')
  const outside = { cv: 0, dispersion: 0, shape: 0 }
  const cvRange = poissonGapCvRange(100)
  const dispersionRange = poissonDispersionRange(50)
  for (let k = 0; k < 2000; k++) {
    const gaps = Array.from({ length: 100 }, random.exponential)
    const cv = gapCv(gaps)
    if (cv < cvRange.low || cv > cvRange.high) outside.cv++
    if (exponentialFit(gaps).rejectedAt === 0.01) outside.shape++
  }
  for (let k = 0; k < 500; k++) {
    const times: number[] = []
    for (let at = random.exponential(); at < 500; at += random.exponential()) times.push(at)
    const index = indexOfDispersion(times, 50, { start: 0, end: 500 })!
    if (index < dispersionRange.low || index > dispersionRange.high) outside.dispersion++
  }
  expect(outside.cv / 2000).toBeGreaterThan(0.003)
  expect(outside.cv / 2000).toBeLessThan(0.02)
  expect(outside.shape / 2000).toBeGreaterThan(0.003)
  expect(outside.shape / 2000).toBeLessThan(0.03) // two statistics at 1 %
  expect(outside.dispersion / 500).toBeLessThan(0.03)
})

test('constant arrivals: CV 0, dispersion 0, rejected at 1 %', () => {
  const times = Array.from({ length: 500 }, (_, i) => i + 0.5)
  const gaps = times.slice(1).map((time, i) => time - times[i]!)
  expect(gapCv(gaps)).toBeCloseTo(0, 12)
  expect(indexOfDispersion(times, 50, { start: 0, end: 500 })).toBe(0)
  expect(exponentialFit(gaps).rejectedAt).toBe(0.01)
})

test('workers that share a seed send ten at once: dispersion is near 10, far outside the range', () => {
  const random = createRandom('shared seed')
  const times: number[] = []
  for (let at = 0; at < 5000; at += 10 * random.exponential()) for (let k = 0; k < 10; k++) times.push(at)
  const index = indexOfDispersion(times, 100, { start: 0, end: 5000 })!
  expect(index).toBeGreaterThan(6)
  expect(exponentialFit(times.slice(1).map((time, i) => time - times[i]!)).rejectedAt).toBe(0.01)
})

test('times outside the window do not count, and none inside gives null', () => {
  expect(indexOfDispersion([-1, 10, 11], 5, { start: 0, end: 10 })).toBeNull()
  expect(indexOfDispersion([0, 9.999], 2, { start: 0, end: 10 })).toBe(0)
})
