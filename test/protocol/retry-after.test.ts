import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRetryAfter } from '../../src/protocol/retry-after.js'

const NOW = Date.UTC(2026, 10, 23, 9, 0, 0)
const LIMIT_MS = 60_000
const read = (headers: Record<string, string>, body?: unknown) =>
  readRetryAfter(
    { headers, ...(body !== undefined && { body: Buffer.from(JSON.stringify(body)) }) },
    NOW,
    LIMIT_MS,
  )

describe('readRetryAfter', () => {
  it.each<[Record<string, string>, number]>([
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': ' 0 ' }, 0],
    [{ 'retry-after': '1.5' }, 1500],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after-ms': '250', 'retry-after': '1' }, 250],
    [{ 'retry-after-ms': 'soon', 'retry-after': '1' }, 1000],
    [{ 'x-ms-retry-after-ms': '750', 'retry-after': '1' }, 750],
    [{ 'retry-after': 'Mon, 23 Nov 2026 09:00:07 GMT' }, 7000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 08:00:00 GMT' }, 0],
  ])('%j is a wait of %i ms', (headers, waitMs) => {
    expect(read(headers)).toEqual({ waitMs })
  })

  it('a date is held against the server’s own clock where it sends it', () => {
    const date = 'Mon, 23 Nov 2026 12:00:00 GMT'
    expect(read({ date, 'retry-after': 'Mon, 23 Nov 2026 12:00:07 GMT' })).toEqual({ waitMs: 7000 })
  })

  it.each([
    '',
    '-1',
    '-0',
    '1e9',
    'Infinity',
    'NaN',
    'soon',
    '0x10',
    'Mon, 23 Foo 2026 09:00:07 GMT',
    '2026-11-23',
  ])('%j is no wait', (value) => {
    expect(read({ 'retry-after': value })).toBeUndefined()
  })

  it('a wait above the limit is clamped and says what was asked', () => {
    expect(read({ 'retry-after': '2026' })).toEqual({ waitMs: LIMIT_MS, askedMs: 2_026_000 })
    expect(read({ 'retry-after': '86400' })).toEqual({ waitMs: LIMIT_MS, askedMs: 86_400_000 })
    expect(read({ 'retry-after': '9'.repeat(400) })).toEqual({
      waitMs: LIMIT_MS,
      askedMs: Number.MAX_SAFE_INTEGER,
    })
    expect(read({ 'retry-after': 'Mon, 23 Nov 2099 09:00:00 GMT' })?.waitMs).toBe(LIMIT_MS)
  })

  it('no header at all is no wait', () => {
    expect(read({})).toBeUndefined()
  })

  /** As the Gemini API answers since 2025 (googleapis/python-genai, issue 1875). */
  const quota = (retryDelay: unknown) => ({
    error: {
      code: 429,
      message: 'You exceeded your current quota. Please retry in 53.016342224s.',
      status: 'RESOURCE_EXHAUSTED',
      details: [
        { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId: 'PerMinute' }] },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay },
      ],
    },
  })

  it.each<[string, unknown, number]>([
    ['whole seconds', quota('37s'), 37_000],
    ['with a fraction', quota('45.500000000s'), 45_500],
    ['none', quota('0s'), 0],
    ['in a list', [quota('7s')], 7000],
  ])('Google asks for its wait in the body: %s', (_, body, waitMs) => {
    expect(read({}, body)).toEqual({ waitMs })
  })

  it.each([quota('-1s'), quota('soon'), quota(7), quota(undefined), 'x', [], { error: 'x' }, { error: {} }])(
    'no wait in the body %j',
    (body) => expect(read({}, body)).toBeUndefined(),
  )

  it('a header goes before the body, the body before a reset', () => {
    const empty = { 'x-ratelimit-remaining': '0', 'x-ratelimit-limit': '9', 'x-ratelimit-reset': '3' }
    expect(read({ ...empty, 'retry-after': '2' }, quota('37s'))).toEqual({ waitMs: 2000 })
    expect(read(empty, quota('37s'))).toEqual({ waitMs: 37_000 })
    expect(read(empty)).toEqual({ waitMs: 3000 })
  })

  it('OpenRouter repeats the moment of the upstream in its body, in Unix milliseconds', () => {
    const headers = { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(NOW + 11_000) }
    expect(read({}, { error: { code: 429, metadata: { headers } } })).toEqual({ waitMs: 11_000 })
  })

  it('the reset of a limit that has something left is no wait, of two that are used up the later counts', () => {
    const requests = { 'x-ratelimit-remaining-requests': '1', 'x-ratelimit-reset-requests': '1s' }
    expect(read(requests)).toBeUndefined()
    const both = {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '4s',
    }
    expect(read(both)).toEqual({ waitMs: 4000 })
    // It tells when all is whole again, which one request need not wait for: above the limit it is left alone.
    expect(read({ ...both, 'x-ratelimit-reset-tokens': '2h' })).toBeUndefined()
    // Whole this very second, and it refused all the same: our own back-off goes on.
    expect(
      read({ 'x-ratelimit-remaining': '0', 'x-ratelimit-limit': '9', 'x-ratelimit-reset': '0' }),
    ).toBeUndefined()
  })

  it('whatever a server sends, the wait is between 0 and the limit', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (after, ms, date) => {
        const wait = read({ 'retry-after': after, 'retry-after-ms': ms, date }, quota(after))?.waitMs ?? 0
        expect(wait >= 0 && wait <= LIMIT_MS).toBe(true)
      }),
    )
  })
})
