import { expect, test } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { twoNormals } from '../../src/stats/mixture.js'
import { weightedMedian } from '../../src/stats/weighted-median.js'

test('two normal distributions come back from 2,000 values: means, sds, share and who is who', () => {
  const random = createRandom('mixture')
  const truth = Array.from({ length: 2000 }, () => random.next() < 0.3)
  const values = truth.map((slow) => (slow ? 0.5 : 0) + 0.1 * random.normal())
  const found = twoNormals(values)!
  expect(found.means[0]).toBeCloseTo(0, 1)
  expect(found.means[1]).toBeCloseTo(0.5, 1)
  expect(Math.abs(found.share - 0.3)).toBeLessThan(0.03)
  for (const sd of found.sds) expect(Math.abs(sd - 0.1)).toBeLessThan(0.01)
  expect(truth.filter((slow, i) => found.posterior[i]! > 0.5 === slow).length).toBeGreaterThan(1960)
  expect(found.gain).toBeGreaterThan(10)
  expect(found.separation).toBeCloseTo(5, 0)
})

test('one normal distribution gives no gain, and fewer than 4 different values give null', () => {
  const random = createRandom('one')
  expect(twoNormals(Array.from({ length: 500 }, () => random.normal()))!.gain).toBeLessThan(0)
  expect(twoNormals([1, 1, 1, 2, 2, 3])).toBeNull()
})

test('the weighted median is the value with half of the weight below it, the middle of two where it falls between', () => {
  expect(weightedMedian([30, 10, 20], [1, 1, 1])).toBe(20)
  expect(weightedMedian([30, 10, 20], [5, 1, 1])).toBe(30)
  expect(weightedMedian([10, 20], [2, 2])).toBe(15)
  expect(weightedMedian([10, 20, 30], [1, 0, 1])).toBe(20)
  expect(weightedMedian([10], [0])).toBeNaN()
})
