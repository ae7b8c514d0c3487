import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cacheState } from '../../src/sample/cache-state.js'

const rules = (stepTokens: number) => ({ minimumTokens: 1024, stepTokens, reported: true })
const fresh = { cache: 'fresh', prefixTokens: 0, slackTokens: 0 } as const
const warm = (prefixTokens: number, slackTokens = 0) =>
  ({ cache: 'warm', prefixTokens, slackTokens }) as const

describe('cacheState', () => {
  it('fresh is confirmed up to max(64 tokens, one step)', () => {
    expect([0, 64, 65].map((cached) => cacheState(fresh, cached, rules(16)))).toEqual([
      'confirmed',
      'confirmed',
      'contradicted',
    ])
    expect([128, 129].map((cached) => cacheState(fresh, cached, rules(128)))).toEqual([
      'confirmed',
      'contradicted',
    ])
  })

  it('warm is confirmed from the asked prefix less 2 steps up', () => {
    expect([1791, 1792, 2048, 4000].map((cached) => cacheState(warm(2048), cached, rules(128)))).toEqual([
      'contradicted',
      'confirmed',
      'confirmed',
      'confirmed',
    ])
  })

  it('a warm request without a hit is never confirmed, however short the prefix', () => {
    expect(cacheState(warm(200), 0, rules(128))).toBe('contradicted')
    expect(cacheState(warm(100, 500), 0, rules(16))).toBe('contradicted')
  })

  it('slack widens what counts as warm, and never narrows it below 2 steps', () => {
    expect(cacheState(warm(1000, 50), 950, rules(1))).toBe('confirmed')
    expect(cacheState(warm(1000, 50), 949, rules(1))).toBe('contradicted')
    expect(cacheState(warm(1000, 1), 968, rules(16))).toBe('confirmed')
  })

  it('nothing reported is unverified, and 0 reported is not nothing', () => {
    for (const asked of [fresh, warm(2048)])
      expect(cacheState(asked, undefined, rules(128))).toBe('unverified')
    expect(cacheState(fresh, 0, rules(128))).toBe('confirmed')
  })

  it('more cached tokens never make fresh more confirmed, nor warm less', () => {
    fc.assert(
      fc.property(
        fc.nat(5000),
        fc.nat(5000),
        fc.nat(5000),
        fc.integer({ min: 1, max: 256 }),
        (a, b, prefix, step) => {
          const [less, more] = a < b ? [a, b] : [b, a]
          if (cacheState(fresh, more, rules(step)) === 'confirmed') {
            expect(cacheState(fresh, less, rules(step))).toBe('confirmed')
          }
          if (cacheState(warm(prefix), less, rules(step)) === 'confirmed') {
            expect(cacheState(warm(prefix), more, rules(step))).toBe('confirmed')
          }
        },
      ),
    )
  })
})
