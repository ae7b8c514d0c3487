import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRetryAfter } from '../../src/protocol/retry-after.js'

const NOW = Date.UTC(2026, 10, 23, 9, 0, 0)
const LIMIT_MS = 60_000
const read = (headers: Record<string, string>) => readRetryAfter(headers, NOW, LIMIT_MS)

describe('readRetryAfter', () => {
  it.each<[Record<string, string>, number]>([
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': ' 0 ' }, 0],
    [{ 'retry-after': '1.5' }, 1500],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after-ms': '250', 'retry-after': '1' }, 250],
    [{ 'retry-after-ms': 'soon', 'retry-after': '1' }, 1000],
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

  it('whatever a server sends, the wait is between 0 and the limit', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (after, ms, date) => {
        const wait = read({ 'retry-after': after, 'retry-after-ms': ms, date })?.waitMs ?? 0
        expect(wait >= 0 && wait <= LIMIT_MS).toBe(true)
      }),
    )
  })
})
