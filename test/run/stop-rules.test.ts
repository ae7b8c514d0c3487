import { describe, expect, it } from 'vitest'
import { backOffMs } from '../../src/run/back-off.js'
import { createStopRules, shouldRetry } from '../../src/run/stop-rules.js'
import type { Outcome } from '../../src/sample/sample.js'
import { sampleOf } from '../snapshot/data.js'

/** What the rules say of each outcome in turn. */
function judged(outcomes: readonly (Outcome | [Outcome, attempt: number])[], limit = 0.05) {
  const rules = createStopRules(limit)
  const reasons = outcomes.map((each, i) => {
    const [outcome, attempt] = typeof each === 'string' ? [each, 1] : each
    return rules.judge(sampleOf(i, { outcome, attempt }))?.reason ?? null
  })
  return { reasons, verdict: rules.verdict() }
}
const times = (count: number, outcome: Outcome): Outcome[] => Array.from({ length: count }, () => outcome)

describe('stop at the first', () => {
  it.each<[Outcome, string]>([
    ['http-401', 'unauthorized'],
    ['http-403', 'unauthorized'],
    ['redirect', 'redirect'],
  ])('%s stops the run even behind successes: %s', (outcome, reason) => {
    expect(judged([...times(30, 'ok'), outcome]).reasons.at(-1)).toBe(reason)
  })

  it.each<[Outcome, string]>([
    ['refused', 'unreachable'],
    ['dns', 'unreachable'],
    ['tls', 'unreachable'],
    ['not-streaming', 'not-streaming'],
    ['http-404', 'unreachable'],
    ['http-400', 'unreachable'],
  ])('%s stops the run where nothing has succeeded yet, and not behind a success: %s', (outcome, reason) => {
    expect(judged([outcome]).reasons).toEqual([reason])
    expect(judged(['ok', outcome]).reasons).toEqual([null, null])
  })

  it.each<Outcome>(['http-429', 'http-5xx', 'timeout', 'reset', 'truncated', 'stream-error', 'empty'])(
    '%s alone does not stop it',
    (outcome) => {
      expect(judged([outcome]).reasons).toEqual([null])
    },
  )
})

describe('error limit', () => {
  it('below 20 tries a share stops nothing, at 20 it does', () => {
    expect(judged(times(20, 'timeout')).reasons).toEqual([...times(19, 'ok').map(() => null), 'error-limit'])
  })

  it('a share equal to the limit is within it: 1 of 20 at 5 %, 2 of 20 are not', () => {
    expect(judged([...times(19, 'ok'), 'timeout'])).toMatchObject({ verdict: null })
    expect(judged([...times(18, 'ok'), ...times(2, 'timeout')]).reasons.at(-1)).toBe('error-limit')
  })

  it('at the end a small run is judged as well: 1 of 6', () => {
    expect(judged([...times(5, 'ok'), 'timeout']).verdict?.message).toMatch(/^1 of 6 requests failed, .*5 %/)
  })

  it('a request that a second try answered has not failed', () => {
    expect(judged(['ok', 'http-429', ['ok', 2], 'ok']).verdict).toBeNull()
    expect(judged(['ok', 'http-429', ['http-429', 2], 'ok']).verdict?.message).toMatch(
      /^1 of 3 requests failed/,
    )
  })

  it('what was cut off by us is no failure of the target', () => {
    expect(judged([...times(2, 'ok'), ...times(40, 'aborted')])).toMatchObject({ verdict: null })
  })

  it('100 % tolerates everything', () => {
    expect(judged(times(50, 'timeout'), 1)).toMatchObject({ verdict: null })
  })
})

describe('retries', () => {
  it.each<[Outcome, boolean]>([
    ['http-429', true],
    ['http-5xx', true],
    ['refused', true],
    ['reset', true],
    ['closed', true],
    ['ok', false],
    ['http-400', false],
    ['http-401', false],
    ['timeout', false],
    ['truncated', false], // part of an answer came: the request was served, and charged
    ['aborted', false],
    ['redirect', false],
  ])('%s is tried again: %s', (outcome, again) => {
    expect(shouldRetry(outcome)).toBe(again)
  })

  it.each([
    [{}, 1, 500],
    [{}, 2, 1000],
    [{}, 5, 8000],
    [{}, 60, 8000],
    [{ 'retry-after': '2' }, 1, 2000],
    [{ 'retry-after': '60' }, 1, 60_000],
    [{ 'retry-after': '61' }, 1, null],
    [{ 'retry-after': '99999999999' }, 1, null],
    [{ 'retry-after': '-1' }, 1, 500],
    [{ 'retry-after': 'soon' }, 1, 500],
  ])('%j at try %i waits %s ms', (headers, attempt, waitMs) => {
    expect(backOffMs({ headers }, attempt, Date.UTC(2026, 0, 1), 60)).toBe(waitMs)
  })
})

describe('a run that is taken up again', () => {
  it('is judged over both parts: 1 failure of 4 before and none of 6 now is 1 of 10', () => {
    const before = ['ok', 'ok', 'ok', 'timeout'] as const
    const samples = before.map((outcome, i) => sampleOf(i, { outcome }))
    const rules = createStopRules(0.05, samples)
    for (let i = 4; i < 10; i++) rules.judge(sampleOf(i, { outcome: 'ok' }))
    expect(rules.verdict()?.message).toMatch(/^1 of 10 requests failed/)
  })
})

describe('a rate limit', () => {
  it('that refuses tries which are made again stops nothing where something passed before, else at 20', () => {
    const rules = createStopRules(0.05)
    const refused = (i: number) => rules.judge(sampleOf(i, { outcome: 'http-429' }), true)
    expect(rules.judge(sampleOf(0, { outcome: 'ok' }))).toBeNull()
    expect(Array.from({ length: 50 }, (_, i) => refused(i + 1))).toEqual(Array(50).fill(null))
    const fresh = createStopRules(0.05)
    const reasons = Array.from({ length: 20 }, (_, i) =>
      fresh.judge(sampleOf(i, { outcome: 'http-429' }), true),
    )
    expect(reasons.findIndex((each) => each !== null)).toBe(19)
  })
})

describe('a run that is taken up again', () => {
  it('does not fail for a parameter that its first part had learned to leave out: 1 refused warm-up, 0 errors allowed', () => {
    const refused = sampleOf(0, { probe: 'warm-up', warmup: true, outcome: 'http-400' })
    const rules = createStopRules(0, [refused, sampleOf(1, { probe: 'warm-up', warmup: true })])
    expect(rules.judge(sampleOf(2, {}))).toBeNull()
    expect(rules.verdict()).toBeNull()
    const failed = createStopRules(0, [sampleOf(0, { outcome: 'http-400' })])
    expect(failed.verdict()).toMatchObject({ reason: 'error-limit' })
  })
})
