import { expect, test } from 'vitest'
import { counts, isUnproven } from '../../src/sample/counts.js'
import { sampleOf } from '../report/sample.js'

test.each([
  [{}, true],
  [{ warmup: true }, false],
  [{ outcome: 'http-5xx' as const }, false],
  [{ cacheState: 'contradicted' as const }, false],
  [{ cacheState: 'unverified' as const }, true],
])('a sample with %j stands in latency figures: %s', (fields, expected) => {
  expect(counts(sampleOf(fields))).toBe(expected)
})

test('only a warm sample that no server confirmed is unproven', () => {
  const warm = { ...sampleOf({}).asked, cache: 'warm' as const, prefixTokens: 64 }
  expect(isUnproven(sampleOf({ asked: warm, cacheState: 'unverified' }))).toBe(true)
  expect(isUnproven(sampleOf({ asked: warm, cacheState: 'confirmed' }))).toBe(false)
  expect(isUnproven(sampleOf({ cacheState: 'unverified' }))).toBe(false)
})
