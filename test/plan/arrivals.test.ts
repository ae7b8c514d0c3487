import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arrivalOffsetsNs } from '../../src/plan/arrivals.js'
import { createRandom } from '../../src/random/random.js'

test('constant arrivals have equal gaps and start at 0', () => {
  expect(arrivalOffsetsNs('constant', 4, 4, createRandom(1))).toEqual([0, 250e6, 500e6, 750e6])
})

test('20,000 Poisson arrivals keep rate, gap CV and dispersion of a Poisson process', () => {
  const n = 20_000
  const offsets = arrivalOffsetsNs('poisson', 50, n, createRandom(7))
  const gaps = offsets.map((at, i) => at - (offsets[i - 1] ?? 0))
  const mean = gaps.reduce((a, b) => a + b, 0) / n
  const sd = Math.sqrt(gaps.reduce((a, b) => a + (b - mean) ** 2, 0) / n)
  expect(mean / 1e9).toBeGreaterThan(0.98 / 50)
  expect(mean / 1e9).toBeLessThan(1.02 / 50)
  expect(sd / mean).toBeGreaterThan(0.97)
  expect(sd / mean).toBeLessThan(1.03)
  // Counts in windows of 20 expected arrivals: variance ÷ mean is 1 for a Poisson process.
  const windowNs = (20 / 50) * 1e9
  const counts = Array.from({ length: Math.floor(offsets[n - 1]! / windowNs) }, () => 0)
  for (const at of offsets) if (at < counts.length * windowNs) counts[Math.floor(at / windowNs)]!++
  const meanCount = counts.reduce((a, b) => a + b, 0) / counts.length
  const variance = counts.reduce((a, b) => a + (b - meanCount) ** 2, 0) / (counts.length - 1)
  expect(variance / meanCount).toBeGreaterThan(0.9)
  expect(variance / meanCount).toBeLessThan(1.1)
})

test('offsets never go backwards, for any rate and seed', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 1000, noNaN: true }),
      fc.integer(),
      fc.constantFrom<'constant' | 'poisson'>('constant', 'poisson'),
      (rate, seed, process) => {
        const offsets = arrivalOffsetsNs(process, rate, 50, createRandom(seed))
        return offsets.every((at, i) => at >= (offsets[i - 1] ?? 0))
      },
    ),
  )
})
