/** The pace that is learned from an account's refusals, in virtual time against token buckets of known rate. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shortageOf, tellsHeadroom } from '../../src/run/headroom.js'
import type { Throttle } from '../../src/run/throttle.js'
import {
  createThrottle,
  learn,
  onPassed,
  onRefused,
  onStart,
  opensAtNs,
  refillNs,
} from '../../src/run/throttle.js'

const S = 1e9

interface Account {
  perS: number
  burst: number
  /** What a refusal says: whole seconds, as providers round them; 0: nothing. */
  retryAfter: boolean
  headers: boolean
}

/** Asks as often as the throttle allows, one at a time and at once answered. */
function ask(account: Account, requests: number) {
  const throttle: Throttle = createThrottle(0)
  let level = account.burst
  let nowNs = 0
  let lastNs = 0
  const refusedAt: number[] = []
  for (let i = 0; i < requests; i++) {
    for (;;) {
      learn(throttle, nowNs)
      const atNs = opensAtNs(throttle)
      if (atNs <= nowNs) break
      nowNs = atNs
    }
    onStart(throttle, nowNs)
    level = Math.min(account.burst, level + ((nowNs - lastNs) / S) * account.perS)
    lastNs = nowNs
    if (level >= 1) {
      level--
      onPassed(throttle)
    } else {
      refusedAt.push(i)
      const missingS = (1 - level) / account.perS
      const waitNs = account.retryAfter ? Math.ceil(missingS) * S : undefined
      const limits = account.headers
        ? {
            limitRequests: account.burst,
            remainingRequests: Math.floor(level),
            resetRequestsS: (account.burst - level) / account.perS,
          }
        : undefined
      onRefused(throttle, { startNs: nowNs, nowNs, waitNs, toldNs: refillNs(limits, 1000) })
    }
    nowNs += 0.01 * S
  }
  return { refused: refusedAt.length, perS: requests / (nowNs / S), throttle }
}

describe('the pace of an account', () => {
  it('that refuses nothing is not slowed: no gap between starts', () => {
    const { refused, throttle } = ask({ perS: 1000, burst: 1000, retryAfter: true, headers: false }, 500)
    expect({ refused, gapNs: throttle.gapNs }).toEqual({ refused: 0, gapNs: 0 })
  })

  it('is met within a few refusals: of 500 requests at 2 to 20/s at most 5 % are refused, and 60 % of the rate is used', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 2, max: 20, noNaN: true }),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        fc.boolean(),
        (perS, burst, retryAfter, headers) => {
          const result = ask({ perS, burst, retryAfter, headers }, 500)
          expect(result.refused / 500).toBeLessThan(0.05)
          expect(result.perS).toBeGreaterThan(0.6 * perS)
        },
      ),
    )
  })

  it('is told by headers: 60 requests missing that come back in 30 s are one every half a second', () => {
    expect(refillNs({ limitRequests: 60, remainingRequests: 0, resetRequestsS: 30 }, 1)).toBe(0.5 * S)
    // The scarcer limit decides: 8,000 of 10,000 tokens missing in 4 s, and a request needs 3,000.
    const both = { limitRequests: 60, remainingRequests: 0, resetRequestsS: 30, limitTokens: 10_000 }
    const tokens = { remainingTokens: 2000, resetTokensS: 4 }
    expect(refillNs({ ...both, ...tokens, remainingRequests: 30 }, 3000)).toBe(1.5 * S)
    expect(refillNs({ ...both, ...tokens }, 3000)).toBe(0.5 * S)
    expect(refillNs({ remainingRequests: 3 }, 1)).toBeUndefined()
    expect(refillNs(undefined, 1)).toBeUndefined()
  })

  it('is not told by a limit with room left: 1 of 1,000 used until the hour is over is not one request an hour', () => {
    const limits = { limitRequests: 1000, remainingRequests: 999, resetRequestsS: 3600 }
    expect(refillNs(limits, 1000)).toBeUndefined()
    const tokens = { limitTokens: 1e6, remainingTokens: 999_000, resetTokensS: 3600 }
    expect(refillNs(tokens, 1000)).toBeUndefined()
  })

  it('learns from a storm once: 40 refusals of requests sent together are one window', () => {
    const throttle = createThrottle(0)
    for (let i = 0; i < 50; i++) onStart(throttle, i)
    for (let i = 0; i < 40; i++)
      onRefused(throttle, { startNs: i, nowNs: 0.1 * S, waitNs: S, toldNs: undefined })
    expect(opensAtNs(throttle)).toBe(1.1 * S)
    learn(throttle, 1.1 * S)
    // 10 passed in 1.1 s.
    expect(throttle.gapNs).toBeCloseTo(0.11 * S, -3)
    // A late refusal of that storm holds, and teaches nothing.
    onRefused(throttle, { startNs: 49, nowNs: 1.2 * S, waitNs: S, toldNs: undefined })
    expect(opensAtNs(throttle)).toBe(2.2 * S)
    learn(throttle, 2.2 * S)
    expect(throttle.gapNs).toBeCloseTo(0.11 * S, -3)
  })
})

describe('headroom', () => {
  it('is short below the share asked for, of the scarcer limit: 15 of 100 requests at 20 %', () => {
    const limits = { limitRequests: 100, remainingRequests: 15, resetRequestsS: 9 }
    expect(shortageOf(limits, 0.2)).toEqual({ of: 'requests', left: 0.15, resetS: 9 })
    expect(shortageOf(limits, 0.15)).toBeNull()
    const both = { ...limits, limitTokens: 1000, remainingTokens: 100 }
    expect(shortageOf(both, 0.2)).toEqual({ of: 'tokens', left: 0.1, resetS: undefined })
  })

  it('is not known where limit or remainder is missing', () => {
    expect(shortageOf(undefined, 0.5)).toBeNull()
    expect(shortageOf({ remainingRequests: 0 }, 0.5)).toBeNull()
    expect(tellsHeadroom({ remainingTokens: 5 })).toBe(false)
    expect(tellsHeadroom({ limitTokens: 10, remainingTokens: 5 })).toBe(true)
  })
})
