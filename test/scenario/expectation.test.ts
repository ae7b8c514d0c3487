import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseExpectation } from '../../src/scenario/expectation.js'

const p = (quantile: number) => ({ kind: 'quantile', quantile })

describe('expectations', () => {
  test.each<[string, object]>([
    [
      'ttft < 400 ms',
      { kind: 'limit', metric: 'ttft', statistic: p(0.5), where: {}, comparison: '<', value: 400 },
    ],
    [
      'ttft{prompt=1024,cache=fresh}.p95 < 800ms',
      { metric: 'ttft', statistic: p(0.95), where: { promptTokens: 1024, cache: 'fresh' }, value: 800 },
    ],
    [
      'ttft.p95{cache=warm} <= 0.8 s',
      { statistic: p(0.95), where: { cache: 'warm' }, comparison: '<=', value: 800 },
    ],
    ['e2e.max ≤ 2min', { metric: 'e2e', statistic: { kind: 'max' }, comparison: '<=', value: 120_000 }],
    ['tpot.mean < 900 us', { statistic: { kind: 'mean' }, value: 0.9 }],
    ['prefillRate > 20k', { metric: 'prefillRate', statistic: null, comparison: '>', value: 20_000 }],
    [
      'decodeRate.p10 >= 40 tokens/s',
      { metric: 'decodeRate', statistic: p(0.1), comparison: '>=', value: 40 },
    ],
    ['errors < 1%', { metric: 'errors', statistic: null, value: 0.01 }],
    [
      'errors{target=a b, probe=prompt-length} < 0.01',
      { where: { target: 'a b', probe: 'prompt-length' }, value: 0.01 },
    ],
    ['requestsPerS > 5/s', { metric: 'requestsPerS', value: 5 }],
    ['itl.p99 < 80 ms', { metric: 'itl.p99', statistic: p(0.5), value: 80 }],
    ['itl.p99.p90 < 80 ms', { metric: 'itl.p99', statistic: p(0.9) }],
    ['itl < 80 ms', { metric: 'itl.mean', statistic: p(0.5) }],
    ['ttft.p50 within 10% of baseline', { kind: 'baseline', metric: 'ttft', statistic: p(0.5), within: 0.1 }],
    [
      'errors within 50% of the baseline',
      { kind: 'baseline', metric: 'errors', statistic: null, within: 0.5 },
    ],
  ])('%s', (text, expected) => {
    expect(parseExpectation(text)).toMatchObject({ ok: true, expectation: { text, ...expected } })
  })

  test.each([
    ['ttft.p50 < 400', 'a time needs a unit: us, ms, s or min (400 ms?)'],
    ['ttft.p50 < 400 tokens', 'a time needs a unit: us, ms, s or min, not tokens'],
    ['ttft.p0 < 4 ms', "'p0' is no statistic: p50, p90, p95, p99 (any from p1 to p99), mean, min or max"],
    ['ttft.median < 4 ms', "'median' is written p50"],
    ['ttft.p50.p90 < 4 ms', 'takes one statistic, not p50 and p90'],
    ['errors.p50 < 1%', 'errors is one figure and takes no statistic: leave .p50 out'],
    ['errors < 5', 'a share is at most 1 (write 5%)'],
    ['ttft{cach=fresh} < 4 ms', "'cach' does not choose samples (did you mean 'cache'?)"],
    ['ttft{prompt=1k} < 4 ms', "promptTokens is a number, not '1k'"],
    ['ttft{prompt=1,promptTokens=1} < 4 ms', 'promptTokens is given twice'],
    ['ttft{prompt} < 4 ms', "'prompt' is written key=value"],
    ['ttft within 200% of baseline', 'a distance from the baseline lies between 0% and 100%'],
  ])('%s is refused: %s', (text, message) => {
    expect(parseExpectation(text)).toEqual({ ok: false, message })
  })

  test.each(['', 'ttft', 'ttft == 4 ms', 'ttft < fast', '{a=b} < 4 ms', 'ttft < -4 ms', 'ttft{ < 4 ms'])(
    '%s is told the form',
    (text) => {
      expect(parseExpectation(text)).toEqual({
        ok: false,
        message: expect.stringContaining('write it as') as string,
      })
    },
  )

  test('any text gets an answer, at once', () => {
    const alphabet = fc.constantFrom(
      'ttft',
      'errors',
      'itl',
      '.',
      'p50',
      '{',
      '}',
      '=',
      ',',
      '<',
      ' ',
      '1',
      '%',
      'ms',
      'within',
      'of baseline',
      'x',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(alphabet).map((parts) => parts.join('')),
        ),
        (text) => {
          const parsed = parseExpectation(text)
          expect(parsed.ok ? parsed.expectation.text : parsed.message).not.toBeUndefined()
        },
      ),
      { numRuns: 2000 },
    )
  })
})
