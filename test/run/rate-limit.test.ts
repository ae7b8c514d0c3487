/** A run against an account with limits, over real sockets: it slows down, says so, and spares what it is told to spare. */
import type { ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import type { Sample } from '../../src/sample/sample.js'
import { fakeTarget, refuse, stream } from '../support/fake-target.js'
import type { Asked } from '../support/fake-target.js'
import { finished, runHere } from './run-here.js'

/** A bucket of `burst` requests that fills at `perS`; a refusal names its wait in milliseconds. */
function account(perS: number, burst: number) {
  let level = burst
  let lastMs = performance.now()
  return (asked: Asked, response: ServerResponse): void | Promise<void> => {
    level = Math.min(burst, level + ((asked.atMs - lastMs) / 1000) * perS)
    lastMs = asked.atMs
    if (level < 1) {
      const waitMs = Math.ceil(((1 - level) / perS) * 1000)
      return refuse(response, 429, 'too many requests', { 'retry-after-ms': String(waitMs) })
    }
    level--
    return stream(asked, response, { gapMs: 0 })
  }
}

const yaml = (url: string, probes: string, target = ''): string => `targets:
  - { name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base${target} }
probes:
${probes}
warmup: { requests: 1 }
`
const IN_TURN = '  - { probe: prompt-length, promptTokens: [64], outputTokens: 4, blocks: 30 }'
const AT_ONCE =
  '  - { probe: concurrency, concurrency: [1, 8], promptTokens: 64, outputTokens: 8, blocks: 4 }'

const refusals = (samples: readonly Sample[]): number =>
  samples.filter(({ outcome }) => outcome === 'http-429').length

it('a storm of refusals slows the run to what the account allows; it ends whole, and its load counts as not delivered', async () => {
  const { url, asked } = await fakeTarget(account(40, 3))
  const here = await runHere(yaml(url, AT_ONCE))
  const { snapshot, samples, stop } = finished(here)
  expect(stop).toBeNull()
  const refused = refusals(samples)
  expect(refused).toBeGreaterThan(0)
  // 8 streams without a pace of their own would be refused most of the time.
  expect(refused).toBeLessThan(asked.length / 2)
  expect(samples.filter(({ outcome, warmup }) => outcome === 'ok' && !warmup)).toHaveLength(4 * 9)
  const rows = new Map(snapshot.summary.map((row) => [row.concurrency, row]))
  expect(rows.get(8)?.rateLimited).toBeGreaterThan(0)
  expect(rows.get(1)?.rateLimited).toBeUndefined()
  expect(snapshot.notes).toContainEqual(
    expect.stringMatching(/^t: its rate limit refused \d+ of \d+ requests \(429\); .* did not get the load/),
  )
  const held = samples.filter(({ heldBack = 0 }) => heldBack > 0)
  expect(held.length).toBeGreaterThan(0)
  for (const { heldBack = 0, startDelay } of held) expect(startDelay).toBeGreaterThanOrEqual(heldBack)
})

it('every try is a sample, and a hold is in no TTFT: 30 requests at 20 a second in turn', async () => {
  const { url } = await fakeTarget(account(20, 2))
  const { samples, stop } = finished(await runHere(yaml(url, IN_TURN)))
  expect(stop).toBeNull()
  const ok = samples.filter(({ outcome, warmup }) => outcome === 'ok' && !warmup)
  expect(ok).toHaveLength(30)
  expect(Math.max(...ok.map(({ attempt }) => attempt))).toBeGreaterThan(1)
  expect(samples.length).toBe(31 + refusals(samples))
  // Were a hold of 50 ms in each, the median would have it; a machine that is busy delays a few.
  const ttfts = ok.map(({ ttft }) => ttft ?? Infinity).toSorted((a, b) => a - b)
  expect(ttfts[15]).toBeLessThan(50)
})

it('where every request is refused the run gives up at the error limit, exit 3', async () => {
  const { url, asked } = await fakeTarget((_, response) =>
    refuse(response, 429, 'no quota', { 'retry-after-ms': '1' }),
  )
  const { stop } = finished(await runHere(yaml(url, IN_TURN)))
  expect(stop?.reason).toBe('error-limit')
  expect(asked).toHaveLength(20)
})

/** An account whose headers tell that `left` of 100 requests are left, and when they are whole again. */
const told = (left: (asked: Asked) => number, reset: string) => (asked: Asked, response: ServerResponse) =>
  stream(asked, response, {
    gapMs: 0,
    headers: {
      'x-ratelimit-limit-requests': '100',
      'x-ratelimit-remaining-requests': String(left(asked)),
      'x-ratelimit-reset-requests': reset,
    },
  })

it('minHeadroom stops a run whose reset is far: exit 3, what was measured is saved', async () => {
  const { url, asked } = await fakeTarget(told(({ number }) => 30 - number, '6m0s'))
  const { snapshot, stop } = finished(await runHere(yaml(url, IN_TURN, ', minHeadroom: 20%')))
  expect(stop).toMatchObject({
    reason: 'headroom',
    message: expect.stringMatching(/^t: 19 % of its limit of requests is left, .*it resets in 360 s/),
  })
  expect(asked).toHaveLength(11)
  expect(snapshot).toMatchObject({ partial: true, partialReason: stop?.message })
  expect(snapshot.samples).toHaveLength(11)
  expect(snapshot.samples[0]?.limits).toMatchObject({ limitRequests: 100, remainingRequests: 29 })
})

it('minHeadroom waits for a reset that is near, and goes on', async () => {
  const { url, asked } = await fakeTarget(told(({ number }) => (number === 5 ? 10 : 90), '300ms'))
  const { snapshot, stop } = finished(await runHere(yaml(url, IN_TURN, ', minHeadroom: 0.2')))
  expect(stop).toBeNull()
  expect(asked[5]!.atMs - asked[4]!.atMs).toBeGreaterThanOrEqual(300)
  expect(snapshot.notes).toContainEqual(expect.stringMatching(/the run waited for its reset/))
})

it('minHeadroom says so where no response tells what is left', async () => {
  const { url } = await fakeTarget((asked, response) => stream(asked, response, { gapMs: 0 }))
  const { snapshot, stop } = finished(await runHere(yaml(url, IN_TURN, ', minHeadroom: 20%')))
  expect(stop).toBeNull()
  expect(snapshot.notes).toContainEqual(expect.stringMatching(/^t: minHeadroom could not be kept/))
})

it('a prefix of 1 s that a refusal kept waiting 1.5 s more is 2.5 s old, and its sample says so', async () => {
  const { url } = await fakeTarget((asked, response) =>
    // Behind the warm-up and the prime: the request that finds the prefix aged.
    asked.number === 3
      ? refuse(response, 429, 'slow down', { 'retry-after-ms': '1500' })
      : stream(asked, response, { gapMs: 0, cachedTokens: asked.number === 4 ? 128 : 0 }),
  )
  const lifetime =
    '{ probe: cache-lifetime, withinS: 2, shortestS: 1, ages: 2, prefixes: 1, prefixTokens: 128 }'
  const cache = ', cache: { minimumTokens: 16, stepTokens: 16 }'
  const { samples } = finished(await runHere(yaml(url, `  - ${lifetime}`, cache)))
  const aged = samples.filter(({ probe, warmup }) => probe === 'cache-lifetime' && !warmup)
  expect(aged.map(({ outcome }) => outcome)).toEqual(['http-429', 'ok'])
  expect(aged[0]?.asked.ageS).toBeLessThan(2)
  expect(aged[1]?.asked.ageS).toBeGreaterThanOrEqual(2.5)
})

it('a pace of one request in 2 h is more than a scenario that waits 1 s at most takes from a header', async () => {
  const used = {
    'x-ratelimit-limit-requests': '1',
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '2h0m0s',
  }
  const { url } = await fakeTarget((asked, response) =>
    asked.number === 3 ? refuse(response, 429, 'slow down', used) : stream(asked, response, { gapMs: 0 }),
  )
  const probe = '  - { probe: prompt-length, promptTokens: [64], outputTokens: 4, blocks: 3 }'
  const { samples, stop } = finished(await runHere(`${yaml(url, probe)}retries: { maxRetryAfterS: 1 }\n`))
  expect(stop).toBeNull()
  expect(refusals(samples)).toBe(1)
  expect(samples.filter(({ outcome }) => outcome === 'ok')).toHaveLength(4)
})
