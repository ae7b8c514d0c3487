import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readHeaders } from '../../src/protocol/headers.js'
import { readRateLimits, readReset } from '../../src/protocol/rate-limits.js'

describe('response headers: route and server time', () => {
  it.each<[string, Record<string, string>, object]>([
    [
      'Anthropic',
      {
        'request-id': 'req_011',
        'cf-ray': '9a1b-CDG',
        'server-timing': 'x-originResponse;dur=833',
        traceresponse: '00-4bf9-00f0-01',
        via: '1.1 google',
      },
      {
        route: {
          requestId: 'req_011',
          region: 'CDG',
          raw: { traceresponse: '00-4bf9-00f0-01', via: '1.1 google' },
        },
        timings: { toHeadersMs: 833, raw: { 'server-timing': 'x-originResponse;dur=833' } },
      },
    ],
    [
      'Gemini',
      { 'server-timing': 'gfet4t7; dur=409' },
      { route: {}, timings: { toHeadersMs: 409, raw: { 'server-timing': 'gfet4t7; dur=409' } } },
    ],
    [
      'a server-timing of several metrics, ours not first',
      { 'server-timing': 'cfReqDur;dur=3.1, x-originresponse;desc="origin";dur="12.5"' },
      {
        timings: {
          toHeadersMs: 12.5,
          raw: { 'server-timing': 'cfReqDur;dur=3.1, x-originresponse;desc="origin";dur="12.5"' },
        },
      },
    ],
    [
      'a server-timing that nobody explained is kept and not mapped',
      { 'server-timing': 'total;dur=3' },
      { timings: { raw: { 'server-timing': 'total;dur=3' } } },
    ],
    [
      'Azure',
      {
        'apim-request-id': 'a-1',
        'x-ms-region': 'East US 2',
        'x-ms-deployment-name': 'gpt',
        'azureml-model-session': 'd20260701',
        'azureml-served-by-cluster': 'hyena-eastus2-02',
        'cmp-upstream-response-duration': '311',
      },
      {
        route: {
          requestId: 'a-1',
          region: 'East US 2',
          raw: {
            'azureml-model-session': 'd20260701',
            'azureml-served-by-cluster': 'hyena-eastus2-02',
            'x-ms-deployment-name': 'gpt',
          },
        },
        timings: { raw: { 'cmp-upstream-response-duration': '311' } },
      },
    ],
    [
      'Fireworks, seconds',
      { 'fireworks-server-time-to-first-token': '0.25' },
      { timings: { toHeadersMs: 250, raw: { 'fireworks-server-time-to-first-token': '0.25' } } },
    ],
    [
      'Text Generation Inference, milliseconds',
      {
        'x-compute-type': '1-nvidia-a10g',
        'x-queue-time': '12',
        'x-inference-time': '300',
        'x-total-time': '315',
      },
      {
        route: { raw: { 'x-compute-type': '1-nvidia-a10g' } },
        timings: {
          queueMs: 12,
          totalMs: 315,
          raw: { 'x-queue-time': '12', 'x-inference-time': '300', 'x-total-time': '315' },
        },
      },
    ],
    [
      'Together, whose unit is not known',
      { 'x-hostname': 'pod-7', 'x-queue-time': '0.2' },
      { route: { raw: { 'x-hostname': 'pod-7' } }, timings: { raw: { 'x-queue-time': '0.2' } } },
    ],
    ['DeepSeek', { 'x-ds-trace-id': 'd' }, { route: { requestId: 'd' } }],
    ['OpenRouter', { 'x-generation-id': 'gen-1' }, { route: { requestId: 'gen-1' } }],
    ['Cerebras', { 'inference-id': 'i' }, { route: { requestId: 'i' } }],
  ])('%s', (_, headers, facts) => {
    expect(readHeaders(headers)).toMatchObject(facts)
  })
})

describe('rate limits', () => {
  const date = 'Tue, 24 Nov 2026 09:00:00 GMT'

  it.each<[string, Record<string, string>, object]>([
    [
      'OpenAI, Groq',
      {
        'x-ratelimit-limit-requests': '10000',
        'x-ratelimit-remaining-requests': '9999',
        'x-ratelimit-reset-requests': '8.64s',
        'x-ratelimit-limit-tokens': '200000',
        'x-ratelimit-remaining-tokens': '199963',
        'x-ratelimit-reset-tokens': '6m0s',
      },
      {
        limitRequests: 10_000,
        remainingRequests: 9999,
        resetRequestsS: 8.64,
        limitTokens: 200_000,
        remainingTokens: 199_963,
        resetTokensS: 360,
      },
    ],
    [
      'Anthropic: of input and output the scarcer',
      {
        date,
        'anthropic-ratelimit-requests-limit': '4000',
        'anthropic-ratelimit-requests-remaining': '3999',
        'anthropic-ratelimit-requests-reset': '2026-11-24T09:00:01Z',
        'anthropic-ratelimit-input-tokens-limit': '400000',
        'anthropic-ratelimit-input-tokens-remaining': '399000',
        'anthropic-ratelimit-input-tokens-reset': '2026-11-24T09:00:00Z',
        'anthropic-ratelimit-output-tokens-limit': '80000',
        'anthropic-ratelimit-output-tokens-remaining': '8000',
        'anthropic-ratelimit-output-tokens-reset': '2026-11-24T09:00:54Z',
      },
      {
        limitRequests: 4000,
        remainingRequests: 3999,
        resetRequestsS: 1,
        limitTokens: 80_000,
        remainingTokens: 8000,
        resetTokensS: 54,
      },
    ],
    [
      'Cerebras: of a minute and a day the scarcer',
      {
        'x-ratelimit-limit-requests-day': '14400',
        'x-ratelimit-remaining-requests-day': '100',
        'x-ratelimit-reset-requests-day': '33011.382867097855',
        'x-ratelimit-limit-tokens-minute': '60000',
        'x-ratelimit-remaining-tokens-minute': '59000',
        'x-ratelimit-reset-tokens-minute': '11.38',
      },
      {
        limitRequests: 14_400,
        remainingRequests: 100,
        resetRequestsS: 33_011.382867097855,
        limitTokens: 60_000,
        remainingTokens: 59_000,
        resetTokensS: 11.38,
      },
    ],
    [
      'Mistral',
      { 'x-ratelimit-limit-req-minute': '60', 'x-ratelimit-remaining-req-minute': '4' },
      { limitRequests: 60, remainingRequests: 4 },
    ],
    [
      'OpenRouter: requests, until a moment in Unix milliseconds',
      {
        date,
        'x-ratelimit-limit': '20',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(Date.UTC(2026, 10, 24, 9, 0, 30)),
      },
      { limitRequests: 20, remainingRequests: 0, resetRequestsS: 30 },
    ],
    ['kinds that are none of ours', { 'x-ratelimit-limit-input-images': '50000' }, {}],
    [
      'counts that are none',
      { 'x-ratelimit-limit-tokens': 'many', 'x-ratelimit-remaining-tokens': '-1' },
      {},
    ],
  ])('%s', (_, headers, limits) => {
    expect(readRateLimits(headers) ?? {}).toEqual(limits)
    expect(readHeaders(headers).limits ?? {}).toEqual(limits)
  })

  it.each<[string, number | undefined]>([
    ['1ms', 0.001],
    ['0s', 0],
    ['2m59.56s', 179.56],
    ['6m0s', 360],
    ['1h2m3s', 3723],
    ['1d', 86_400],
    ['120', 120],
    ['0.5', 0.5],
    [String(Date.UTC(2026, 10, 24, 9, 1) / 1000), 60],
    ['2026-11-24T09:00:10.500Z', 10.5],
    ['2026-11-24T10:00:10+01:00', 10],
    ['2026-11-24T08:00:00Z', 0],
    ['', undefined],
    ['-1', undefined],
    ['soon', undefined],
    ['6 minutes', undefined],
    ['2026-11-24', undefined],
  ])('a reset of %j is %d s', (value, seconds) => {
    const read = readReset(value, Date.parse(date))
    if (seconds === undefined) expect(read).toBeUndefined()
    else expect(read).toBeCloseTo(seconds, 9)
  })

  it('a moment is nothing without the date of the response', () => {
    expect(readReset('2026-11-24T09:00:10Z', Number.NaN)).toBeUndefined()
    expect(readReset('5s', Number.NaN)).toBe(5)
  })

  it('a moment that no calendar has is none: month 99 is undefined, never NaN', () => {
    expect(readReset('2026-99-24T09:00:10Z', Date.parse(date))).toBeUndefined()
  })

  it('any header value gives a number from 0 up or nothing', () => {
    const value = fc.oneof(fc.string(), fc.stringMatching(/^[\d.hms:TZ-]{0,24}$/), fc.double().map(String))
    fc.assert(
      fc.property(value, (text) => {
        const read = readReset(text, Date.parse(date)) ?? 0
        expect(Number.isFinite(read) && read >= 0).toBe(true)
        const limits =
          readRateLimits({ 'x-ratelimit-remaining-tokens': text, 'x-ratelimit-reset': text }) ?? {}
        for (const field of Object.values(limits)) expect(field).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})
