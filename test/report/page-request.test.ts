import { expect, test } from 'vitest'
import { predict } from '../../src/curve/predict.js'
import { phasesOf } from '../../src/report/page-request.js'
import { measured } from './html-pages.js'

const { curves } = measured('phases')

test.each([
  { promptTokens: 8192, cachedTokens: 0, outputTokens: 64, concurrency: 1 },
  { promptTokens: 8192, cachedTokens: 8064, outputTokens: 64, concurrency: 1 },
  { promptTokens: 256, cachedTokens: 0, outputTokens: 64, concurrency: 8 },
])(
  'phases of $promptTokens tokens, $cachedTokens cached, $concurrency in flight add up to what predict says',
  (shape) => {
    const { ttft, tpot } = predict(curves, shape)
    if ('outside' in ttft || 'outside' in tpot) throw new Error('the curves do not reach it')
    const phases = Object.values(phasesOf(curves, shape) ?? {})
    const sum = phases.reduce((total, ms) => total + ms, 0)
    expect(sum).toBeCloseTo(ttft.ms + tpot.ms * (shape.outputTokens - 1), 6)
  },
)

test('a shape that the curves do not reach has no phases', () => {
  expect(phasesOf(curves, { promptTokens: 100_000, cachedTokens: 0, outputTokens: 64, concurrency: 1 })).toBe(
    null,
  )
})
