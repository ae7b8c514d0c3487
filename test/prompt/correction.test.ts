import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { corrected, fitTokenCorrection } from '../../src/prompt/correction.js'

const lengths = [64, 128, 512, 2048, 8192]

describe('the token correction', () => {
  test('without an answer it leaves a length as it is', () => {
    const none = fitTokenCorrection([])
    expect(none).toEqual({ overhead: 0, ratio: 1, pairs: 0 })
    expect(corrected(1024, none)).toBe(1024)
  })

  test('a server that adds 11 tokens is met exactly', () => {
    const fit = fitTokenCorrection(lengths.map((sent) => ({ sent, reported: sent + 11 })))
    expect(fit).toEqual({ overhead: 11, ratio: 1, pairs: 5 })
    expect(corrected(1024, fit)).toBe(1013)
  })

  test('overhead and ratio drawn at random come back: the server then counts within 2 tokens + 0.2 % of the asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.double({ min: 0.7, max: 1.6, noNaN: true }),
        fc.array(fc.integer({ min: -1, max: 1 }), { minLength: 15, maxLength: 15 }),
        (overhead, ratio, noise) => {
          const server = (sent: number) => Math.round(overhead + ratio * sent)
          const pairs = noise.map((off, i) => {
            const sent = lengths[i % lengths.length]!
            return { sent, reported: server(sent) + off }
          })
          const fit = fitTokenCorrection(pairs)
          for (const asked of [128, 1000, 8000])
            expect(Math.abs(server(corrected(asked, fit)) - asked)).toBeLessThanOrEqual(2 + 0.002 * asked + 2)
        },
      ),
    )
  })

  test('one wild report in five does not move it', () => {
    const pairs = lengths.map((sent) => ({ sent, reported: sent === 512 ? 90_000 : 7 + 1.2 * sent }))
    const fit = fitTokenCorrection(pairs)
    expect(fit.ratio).toBeCloseTo(1.2, 9)
    expect(fit.overhead).toBeCloseTo(7, 6)
  })

  test('at one length, or lengths within 64 tokens, the whole difference is overhead', () => {
    expect(fitTokenCorrection([{ sent: 100, reported: 130 }])).toEqual({ overhead: 30, ratio: 1, pairs: 1 })
    const near = [100, 101, 160].map((sent, i) => ({ sent, reported: sent + 30 + i }))
    expect(fitTokenCorrection(near)).toEqual({ overhead: 31, ratio: 1, pairs: 3 })
  })

  test('absent counts (0) are left out, and a falling line is no ratio', () => {
    expect(fitTokenCorrection([{ sent: 100, reported: 0 }]).pairs).toBe(0)
    const falling = [
      { sent: 100, reported: 500 },
      { sent: 1000, reported: 400 },
    ]
    expect(fitTokenCorrection(falling).ratio).toBe(1)
  })

  test('20,000 pairs at 20,000 lengths are thinned and fitted', () => {
    const pairs = Array.from({ length: 20_000 }, (_, i) => ({ sent: i + 1, reported: 9 + 1.1 * (i + 1) }))
    const fit = fitTokenCorrection(pairs)
    expect(fit.ratio).toBeCloseTo(1.1, 9)
    expect(fit.overhead).toBeCloseTo(9, 6)
  })

  test('never asks for less than 1 token', () => {
    expect(corrected(10, { overhead: 50, ratio: 1 })).toBe(1)
  })
})
