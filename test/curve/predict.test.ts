import { expect, test } from 'vitest'
import { fitCurves } from '../../src/curve/fit-curves.js'
import { predict } from '../../src/curve/predict.js'
import { createRandom } from '../../src/random/random.js'
import { lognormal, NINE_CELLS, simulatedRun, type CellDesign } from './simulated-run.js'

const LAW = {
  base: 100,
  fresh: 50,
  hit: 5,
  curve: 0.004,
  step: 8,
  perContext: 0.5,
  ttftPerPeer: 20,
  tpotPerPeer: 1,
}
const CONTENDED: readonly CellDesign[] = [1, 2, 4].map((concurrency) => ({
  probe: 'concurrency',
  promptTokens: 512,
  concurrency,
}))
const random = createRandom('predict')
const noise = lognormal(0.02)
const samples = simulatedRun({ law: LAW, cells: [...NINE_CELLS, ...CONTENDED], blocks: 12, noise, random })
const { curves } = fitCurves(samples, { random, resamples: 199 })
const SHAPE = { promptTokens: 2000, cachedTokens: 0, outputTokens: 64, concurrency: 1 }

test('a shape between the sampled ones is predicted within 3 %, cached and contended ones too', () => {
  const { ttft, tpot } = predict(curves, SHAPE)
  expect(Math.abs(msOf(ttft) / (100 + 100 + 16) - 1)).toBeLessThan(0.03)
  expect(Math.abs(msOf(tpot) / (8 + 0.5 * 2.032) - 1)).toBeLessThan(0.03)
  const warm = predict(curves, { ...SHAPE, promptTokens: 4200, cachedTokens: 4000 }).ttft
  expect(Math.abs(msOf(warm) / (100 + 10 + 0.16 + 20) - 1)).toBeLessThan(0.03)
  const peers = predict(curves, { ...SHAPE, promptTokens: 512, concurrency: 3 })
  expect(Math.abs(msOf(peers.ttft) / (100 + 25.6 + 1.05 + 40) - 1)).toBeLessThan(0.03)
  expect(Math.abs(msOf(peers.tpot) / (8 + 0.272 + 2) - 1)).toBeLessThan(0.03)
})

test('the interval holds about 95 % of single requests of that shape', () => {
  const predicted = predict(curves, SHAPE).ttft
  if ('outside' in predicted) throw new Error(predicted.outside)
  let held = 0
  for (let i = 0; i < 1000; i++) {
    const ms = 216 * noise(random)
    if (predicted.lowMs <= ms && ms <= predicted.highMs) held++
  }
  expect(held).toBeGreaterThan(925)
  expect(held).toBeLessThan(995)
})

test('outside the sampled range there is a reason and no number', () => {
  const outsideOf = (shape: Partial<typeof SHAPE>, metric: 'ttft' | 'tpot'): string => {
    const prediction = predict(curves, { ...SHAPE, ...shape })[metric]
    return 'outside' in prediction ? prediction.outside : 'predicted'
  }
  expect(outsideOf({ promptTokens: 10_000 }, 'ttft')).toBe('fresh tokens 10000: sampled from 128 to 8192')
  expect(outsideOf({ promptTokens: 100 }, 'ttft')).toContain('fresh')
  expect(outsideOf({ promptTokens: 8400, cachedTokens: 8100 }, 'ttft')).toContain('cached')
  expect(outsideOf({ outputTokens: 20_000 }, 'tpot')).toContain('context')
  expect(outsideOf({ promptTokens: 512, concurrency: 5 }, 'ttft')).toBe('concurrency 5: sampled from 1 to 4')
  expect(outsideOf({ concurrency: 2 }, 'tpot')).toContain('prompt')
  expect(predict([], SHAPE).ttft).toEqual({ outside: 'there is no prefill curve' })
  const idle = curves.filter(({ law }) => law !== 'contention')
  expect(predict(idle, { ...SHAPE, concurrency: 2 }).ttft).toHaveProperty('outside')
})

test('in a crowd the interval is at least that of the crowd: ten times the scatter of one alone', () => {
  const inCrowd = (cells: readonly CellDesign[], sd: number) =>
    simulatedRun({ law: LAW, cells, blocks: 12, noise: lognormal(sd), random })
  const scattered = [...inCrowd(NINE_CELLS, 0.02), ...inCrowd(CONTENDED, 0.2)]
  const found = fitCurves(scattered, { random, resamples: 199 }).curves
  const widthAt = (concurrency: number): number => {
    const { ttft } = predict(found, { ...SHAPE, promptTokens: 512, concurrency })
    return 'outside' in ttft ? NaN : ttft.highMs / ttft.lowMs
  }
  expect(widthAt(1)).toBeLessThan(1.2)
  expect(widthAt(3)).toBeGreaterThan(1.8)
})

function msOf(prediction: ReturnType<typeof predict>['ttft']): number {
  return 'outside' in prediction ? NaN : prediction.ms
}
