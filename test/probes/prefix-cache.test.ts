import fc from 'fast-check'
import { expect, test } from 'vitest'
import { prefixCache } from '../../probes/prefix-cache.js'
import { createRandom } from '../../src/random/random.js'
import { emptyCell, letDecide } from './virtual-cache.js'

const settings = { ...prefixCache.defaults, edges: true }
const EDGES = /^the cache serves prefixes from (\d+) tokens up.*, in steps of (\d+)$/

function edgesOf(reason: string): number[] {
  return (EDGES.exec(reason) ?? []).slice(1).map(Number)
}

test.each([
  { name: 'a hosted cache', minimumTokens: 1024, stepTokens: 128, most: 40 },
  { name: 'an engine', minimumTokens: 16, stepTokens: 16, most: 25 },
  // To the token: eleven halvings of 2,048, most of which miss.
  { name: 'a long minimum', minimumTokens: 4096, stepTokens: 1, most: 80 },
])(
  '$name: minimum $minimumTokens and step $stepTokens exactly, within $most requests',
  ({ most, ...cache }) => {
    const { reason, requests } = letDecide(
      prefixCache,
      settings,
      { ...cache, templateTokens: 3 },
      createRandom(1),
    )
    expect(edgesOf(reason)).toEqual([cache.minimumTokens, cache.stepTokens])
    expect(requests).toBeLessThanOrEqual(most)
  },
)

test('any minimum of whole steps, behind any short chat template, is found exactly', () => {
  const step = fc.constantFrom(1, 16, 32, 64, 128, 256)
  fc.assert(
    fc.property(
      step,
      fc.integer({ min: 0, max: 4000 }),
      fc.integer({ min: 0, max: 7 }),
      (stepTokens, least, templateTokens) => {
        // Prefixes below 16 tokens have no room for their nonce.
        const minimumTokens = Math.max(stepTokens, Math.ceil(Math.max(24, least) / stepTokens) * stepTokens)
        const cache = { minimumTokens, stepTokens, templateTokens: Math.min(templateTokens, stepTokens / 4) }
        const { reason } = letDecide(prefixCache, settings, cache, createRandom(2))
        expect(edgesOf(reason)).toEqual([minimumTokens, stepTokens])
      },
    ),
  )
})

test('where 17 % of warm requests miss by chance, 1024 and 128 are found in 97 of 100 runs', () => {
  const cache = { minimumTokens: 1024, stepTokens: 128, templateTokens: 3, missShare: 0.17 }
  const found = Array.from({ length: 100 }, (_, seed) =>
    edgesOf(letDecide(prefixCache, settings, cache, createRandom(seed)).reason),
  )
  expect(found.filter(([minimum, step]) => minimum === 1024 && step === 128).length).toBeGreaterThanOrEqual(
    97,
  )
})

test('a cache that serves nothing up to the longest prefix is said to', () => {
  const { reason } = letDecide(prefixCache, settings, { minimumTokens: 9999, stepTokens: 1 }, createRandom(1))
  expect(reason).toBe('no prefix of up to 4608 tokens was served from the cache')
})

test('a server that reports no cached tokens ends the search at its first answer', () => {
  const ask = {
    promptTokens: 4672,
    prefixTokens: 4608,
    outputTokens: 2,
    cache: 'warm' as const,
    search: true,
  }
  const cells = [{ ...emptyCell(ask), n: 1, unverified: 1 }]
  const next = prefixCache.next(settings, { blocks: 1, cells, halfWidths: {} }, createRandom(1))
  expect(next).toEqual({ done: expect.stringContaining('reports no cached tokens') })
})
