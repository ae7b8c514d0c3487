import fc from 'fast-check'
import { expect, test } from 'vitest'
import { didYouMean, distance, nearest } from '../../src/border/nearest.js'

const known = [
  'promptTokens',
  'outputTokens',
  'blocks',
  'concurrency',
  'url',
  'use',
  'openai-chat',
  'openai-responses',
]

test.each([
  ['promtTokens', 'promptTokens'],
  ['prompttokens', 'promptTokens'],
  ['outputTokesn', 'outputTokens'],
  ['block', 'blocks'],
  ['concurency', 'concurrency'],
  ['ulr', 'url'],
  ['temperature', undefined],
  ['x', undefined],
  ['', undefined],
  ['opneai', 'openai-chat'],
  ['openai', 'openai-chat'],
  ['openai-cat', 'openai-chat'],
  ['openai-responce', 'openai-responses'],
])('%j is taken for %j', (word, meant) => {
  expect(nearest(word, known)).toBe(meant)
})

test('the hint is a clause or nothing', () => {
  expect(didYouMean('promtTokens', known)).toBe(" (did you mean 'promptTokens'?)")
  expect(didYouMean('temperature', known)).toBe('')
})

test('known distances: a swap of neighbours counts 1, kitten to sitting 3', () => {
  expect(distance('ca', 'ac')).toBe(1)
  expect(distance('kitten', 'sitting')).toBe(3)
  expect(distance('ca', 'abc')).toBe(3) // optimal string alignment; unrestricted Damerau-Levenshtein gives 2
  expect(distance('', 'abc')).toBe(3)
})

test('the distance is symmetric, 0 only for equal words, and at most the longer length', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(distance(a, b)).toBe(distance(b, a))
      expect(distance(a, b) === 0).toBe(a === b)
      expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
      expect(distance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length))
    }),
  )
})
