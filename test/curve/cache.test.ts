import { expect, test } from 'vitest'
import { falling, lifetimeOf } from '../../src/curve/cache-lifetime.js'
import { fitCurves } from '../../src/curve/fit-curves.js'
import { predictHit } from '../../src/curve/predict-hit.js'
import { createRandom } from '../../src/random/random.js'
import type { Sample } from '../../src/sample/sample.js'
import { sample } from './simulated-run.js'

// R's isoreg on 0,1,0,1,1,1 gives 0, .5, .5, 1, 1, 1; here with the sign turned.
test('shares that never rise: 1,0,1,0,0,0 pool to 1, .5, .5, 0, 0, 0', () => {
  const hits = [true, false, true, false, false, false].map((hit, i) => ({ ageS: i + 1, hit }))
  expect(falling(hits)).toEqual([1, 0.5, 0.5, 0, 0, 0])
})

test('samples of one age share their value, in whatever order they came', () => {
  const hits = [false, true, true, false].map((hit) => ({ ageS: 7, hit }))
  expect(falling(hits)).toEqual([0.5, 0.5, 0.5, 0.5])
})

test('the 95 % interval of a lifetime covers it in at least 93 % of 400 runs, with chance misses and a soft edge', () => {
  const random = createRandom('lifetimes')
  const LIFETIME_S = 420
  let covered = 0
  for (let run = 0; run < 400; run++) {
    const samples = Array.from({ length: 60 }, () => {
      const ageS = 10 * 90 ** random.next()
      // P(hit) is .95 when young and crosses one half at the lifetime.
      const p = 0.95 / (1 + (0.95 / 0.5 - 1) * (ageS / LIFETIME_S) ** 6)
      return { ageS, hit: random.next() < p }
    })
    const { lifetimeS } = lifetimeOf(samples)
    if (lifetimeS && lifetimeS.low <= LIFETIME_S && LIFETIME_S <= lifetimeS.high) covered++
  }
  expect(covered / 400).toBeGreaterThanOrEqual(0.93)
})

const asked = (prefixTokens: number, cachedTokens: number, at: number, ageS?: number): Sample =>
  sample({
    probe: 'prefix-cache',
    cell: `prefix-cache/${prefixTokens}/search`,
    block: at,
    atMs: at * 1000,
    cachedTokens,
    cacheState: cachedTokens > 0 ? 'confirmed' : 'contradicted',
    asked: {
      promptTokens: prefixTokens + 64,
      prefixTokens,
      outputTokens: 2,
      cache: 'warm',
      concurrency: 1,
      rate: null,
      connection: 'reused',
      search: true,
      ...(ageS !== undefined && { ageS }),
    },
  })
const misses = (prefixTokens: number): Sample[] => [1, 2, 3, 4].map((at) => asked(prefixTokens, 0, at))
const fit = (samples: readonly Sample[]) =>
  fitCurves(samples, { random: createRandom(1), resamples: 99 }).curves

test('a miss that a server tells by leaving its zero out is a miss: the bracket and the lifetime need it', () => {
  const untold = (samples: readonly Sample[]): Sample[] =>
    samples.map((each) => ({ ...each, cachedTokens: undefined }))
  const [edges] = fit([asked(1024, 1024, 5), ...untold(misses(928))])
  expect(edges?.parameters['minimum']).toMatchObject({ value: 1024, low: 929 })
})

test('minimum with its bracket down to the longest prefix that was not served, step exact once proven', () => {
  const samples = [
    ...misses(784),
    ...misses(928),
    asked(1117, 1024, 9),
    asked(1216, 1152, 10),
    asked(4608, 4608, 11),
  ]
  const [curve, ...others] = fit(samples)
  expect(others, 'searching feeds no other law').toEqual([])
  expect(curve).toMatchObject({ law: 'cache', samples: 11, warnings: [], validity: { prefix: [784, 4608] } })
  expect(curve?.parameters).toMatchObject({
    minimum: { value: 1024, low: 929, high: 1024, unit: 'tokens' },
    step: { value: 128, low: 128, high: 128, unit: 'tokens' },
  })
})

test('three misses prove nothing, and a step that no prefix lay half behind may be smaller', () => {
  const [curve] = fit([...misses(928).slice(1), asked(1030, 1024, 9), asked(1154, 1152, 10)])
  expect(curve?.parameters['minimum']).toMatchObject({ value: 1024, low: 1 })
  expect(curve?.parameters['step']).toMatchObject({ value: 128, low: 1, high: 128 })
  expect(curve?.warnings).toHaveLength(2)
})

test('a hit is likely while young, unlikely when old or short, and not known beyond what was asked', () => {
  const ages = [5, 10, 20, 40, 80, 160, 320, 640].flatMap((age) => [age, age + 0.5])
  const curves = fit([
    ...misses(928),
    asked(1117, 1024, 9),
    asked(1216, 1152, 10),
    ...ages.map((age, i) => asked(2048, age < 100 ? 2048 : 0, 20 + i, age)),
  ])
  const lifetime = curves[0]!.parameters['lifetimeS']!
  expect(lifetime.low).toBeLessThanOrEqual(100)
  expect(lifetime.high).toBeGreaterThanOrEqual(100)
  expect(predictHit(curves, 2100, 5)).toEqual({ probability: 0.98, cachedTokens: 2048 })
  expect(predictHit(curves, 2100, 600)).toMatchObject({ probability: expect.closeTo(0.02, 6) })
  expect(predictHit(curves, 800, 5)).toEqual({ probability: expect.closeTo(0.02, 6), cachedTokens: 0 })
  const young = fit([asked(1117, 1024, 9), asked(2048, 2048, 10, 5), asked(2048, 2048, 11, 10)])
  expect(predictHit(young, 2048, 100)).toHaveProperty('outside')
  expect(predictHit([], 2048, 1)).toHaveProperty('outside')
})
