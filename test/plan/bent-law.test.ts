import { expect, test } from 'vitest'
import { fitCurves } from '../../src/curve/fit-curves.js'
import { createRandom } from '../../src/random/random.js'
import { chosenRun } from '../check/chosen-run.js'
import { lognormal } from '../curve/simulated-run.js'

// A straight line through the ends of this law has 25 µs a token, and is 9 % too slow at 2,048 tokens.
const BENT = { base: 30, fresh: 20, hit: 2, curve: 0.0006, step: 8, perContext: 0.3 }
const STRAIGHT = { ...BENT, curve: 0 }
const lengths = [128, 512, 2048, 8192].map((promptTokens) => ({ probe: 'prompt-length', promptTokens }))

test.each([
  ['a bent law of noise 5 % ends with its quadratic and fresh within 5 %', BENT, true] as const,
  ['a straight one ends straight, after fewer than 120 requests', STRAIGHT, false] as const,
])('%s, five times of five', (_name, law, bent) => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const random = createRandom(`bend/${seed}`)
    const samples = chosenRun({ law, noise: lognormal(0.05), random, grid: lengths, precision: 0.05 })
    const [curve] = fitCurves(samples, { random, resamples: 399, laws: ['prefill'] }).curves
    const { fresh, curve: quadratic } = curve?.parameters ?? {}
    expect(quadratic !== undefined, String(seed)).toBe(bent)
    // An interval of 95 % may leave out the truth in one of ten runs, and does so narrowly.
    expect(Math.abs(fresh!.value / law.fresh - 1), String(seed)).toBeLessThan(0.075)
    if (!bent) expect(samples.length).toBeLessThan(120)
  }
})
