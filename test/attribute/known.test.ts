import { expect, it } from 'vitest'
import { knownTargets } from '../../src/attribute/known.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'

/** The snapshot's prefill curve with a base of so much, and so unsure. */
function noiseWith(value: number, se: number): number {
  const snapshot = simulatedSnapshot('known')
  const curves = snapshot.curves.map((curve) => {
    const { base } = curve.parameters
    return curve.law === 'prefill' && base !== undefined
      ? { ...curve, parameters: { ...curve.parameters, base: { ...base, value, se } } }
      : curve
  })
  return knownTargets({ ...snapshot, curves })[0]!.ttftNoise.sd
}

it('an unsure base counts for as much as it carries: ± 5 ms of a base of 4 ms does not double what is foreseen', () => {
  // 45 µs a token, at the middle of the sampled lengths some 70 ms beside the base.
  expect(noiseWith(4, 5)).toBeLessThan(noiseWith(4, 0) + 0.1)
})

it('a base that is all there is counts whole: 400 ± 200 ms are half of what is foreseen, or nearly', () => {
  expect(noiseWith(400, 200)).toBeGreaterThan(0.35)
})
