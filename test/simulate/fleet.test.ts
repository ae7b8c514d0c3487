import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { networkMs } from '../../src/simulate/hosted-draws.js'
import { parseIncidents } from '../../src/simulate/incidents.js'
import { chainPrefix } from '../../src/simulate/prefix-chain.js'
import { parseSimulateOptions } from '../../src/simulate/options.js'
import { resolveProfile } from '../../src/simulate/profiles.js'
import { createRouter } from '../../src/simulate/router.js'
import { parsePlanned } from '../../src/simulate/schedule.js'
import { gapsOf } from '../../src/simulate/tenants.js'
import type { VirtualOutcome, VirtualRequest } from '../../src/simulate/virtual-request.js'
import { runVirtual } from '../../src/simulate/virtual.js'
import { profileOf } from './virtual.js'

function run(
  name: string,
  set: Record<string, unknown>,
  requests: readonly VirtualRequest[],
  faults = '',
): VirtualOutcome[] {
  const parsed = parseIncidents(faults)
  if (!parsed.ok) throw new Error(parsed.problem)
  return runVirtual({ profile: profileOf(name, set), incidents: parsed.incidents, seed: 1 }, requests)
    .outcomes
}

/** Requests `gapMs` apart, each about one of `talks` prefixes of 1,600 tokens. */
function asks(count: number, gapMs: number, talks = count): VirtualRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    arrivalMs: i * gapMs,
    promptTokens: 1700,
    outputTokens: 10,
    hashes: chainPrefix([{ name: 1 + (i % talks), tokens: 1600 }], 16),
  }))
}

function quantile(values: readonly number[], p: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(p * (values.length - 1))]!
}

describe('the router', () => {
  const constants = { replicas: 4, affinityTokens: 256, overflowPerMinute: 15, blockTokens: 16 }
  const draws = createRandom('router')
  const ask = (name: number, nowMs: number, key = ''): Parameters<ReturnType<typeof createRouter>>[0] => ({
    hashes: chainPrefix([{ name, tokens: 512 }], 16),
    key,
    nowMs,
    replica: draws.next(),
    overflow: draws.next(),
  })

  it('sends prompts with the same first 256 tokens to one replica, and keys and prefixes over all four', () => {
    const router = createRouter({ ...constants, overflowPerMinute: 0 })
    expect(new Set(Array.from({ length: 50 }, () => router(ask(7, 0)))).size).toBe(1)
    expect(new Set(Array.from({ length: 50 }, (_, i) => router(ask(i, 0)))).size).toBe(4)
    expect(new Set(Array.from({ length: 50 }, (_, i) => router(ask(7, 0, `key-${i}`)))).size).toBe(4)
  })

  it('lets 15 requests a minute on one prefix stay at home; the 16th goes elsewhere, and a minute later none', () => {
    const router = createRouter(constants)
    const homes = Array.from({ length: 15 }, () => router(ask(7, 0)))
    expect(new Set(homes).size).toBe(1)
    expect(router(ask(7, 0))).not.toBe(homes[0])
    expect(router(ask(7, 60_000))).toBe(homes[0])
  })

  it('an overflow meets a cold cache, and the truth says so', () => {
    const answers = run('8b-h100', { replicas: 4, overflowPerMinute: 15 }, asks(60, 500, 1))
    const home = answers[0]!.replica
    const strays = answers.filter(({ replica }) => replica !== home)
    expect(strays.length).toBeGreaterThan(20)
    const firsts = [0, 1, 2, 3].flatMap((number) => strays.find(({ replica }) => replica === number) ?? [])
    for (const { cachedTokens, seenTokens, labels } of firsts) {
      expect([cachedTokens, seenTokens]).toEqual([0, 1600])
      expect(labels).toEqual(['cold-cache'])
    }
  })
})

describe('regions', () => {
  it('a near round trip has median 60 and 95th percentile 100 ms on a new connection, a third on a kept-alive one', () => {
    const random = createRandom('network')
    const near = { name: 'near', rttMs: 60, rttP95Ms: 100 }
    const normals = Array.from({ length: 20_000 }, () => random.normal())
    const fresh = normals.map((normal) => networkMs(near, true, normal))
    expect(quantile(fresh, 0.5)).toBeCloseTo(60, -1)
    expect(quantile(fresh, 0.95) / 100).toBeCloseTo(1, 1)
    expect(networkMs(near, false, 1) * 3).toBeCloseTo(networkMs(near, true, 1), 9)
  })

  it('a route change goes to the region that is named, with its constants, round trip and fingerprint', () => {
    const regions = [
      { name: 'home', rttMs: 30, rttP95Ms: 30 },
      { name: 'away', rttMs: 300, rttP95Ms: 300, set: { tokenUs: 66 } },
    ]
    const set = { regions, noise: 0 }
    const [home, away] = run('8b-h100', set, asks(2, 1000), 'route-change:1 from=900ms region=away')
    expect([home!.region, away!.region]).toEqual(['home', 'away'])
    expect(away!.labels).toEqual(['route-change'])
    expect(away!.fingerprint).not.toBe(home!.fingerprint)
    expect([home!.phases.network, away!.phases.network]).toEqual([10, 100])
    expect(away!.phases.prefillFresh / home!.phases.prefillFresh).toBeGreaterThan(2.5)
  })

  it('a level holds for a day: σ .25 of its logarithm, and 1 on the first day at home', () => {
    const day = 86_400_000
    const requests = Array.from({ length: 400 }, (_, i) => ({
      arrivalMs: i * day + 1000,
      promptTokens: 1000,
      outputTokens: 1,
    }))
    const ttft = run('exact', { levelSigma: 0.25 }, requests).map(({ ttftMs }) => ttftMs)
    expect(ttft[0]).toBeCloseTo(120, 9)
    const logs = ttft.map((ms) => Math.log(ms / 120))
    const sigma = Math.sqrt(logs.reduce((sum, x) => sum + x * x, 0) / logs.length)
    expect(sigma).toBeGreaterThan(0.22)
    expect(sigma).toBeLessThan(0.28)
  })
})

describe('the rules of a hosted cache over an engine', () => {
  const rules = {
    noise: 0,
    cacheMinTokens: 1024,
    cacheStepTokens: 128,
    cacheIdleMs: 10_000,
    cacheMaxMs: 25_000,
  }
  const cached = (times: readonly number[], tokens = 1600): number[] =>
    run(
      '8b-h100',
      rules,
      times.map((arrivalMs) => ({
        arrivalMs,
        promptTokens: tokens + 100,
        outputTokens: 1,
        hashes: chainPrefix([{ name: 1, tokens }], 16),
      })),
    ).map(({ cachedTokens }) => cachedTokens)

  it('nothing below 1024 tokens, and steps of 128 above', () => {
    expect(cached([0, 1000], 1008)).toEqual([0, 0])
    expect(cached([0, 1000], 1024)).toEqual([0, 1024])
    expect(cached([0, 1000], 1600)).toEqual([0, 1536])
  })

  it('forgets after 10 s without use, and after 25 s however often it was used', () => {
    expect(cached([0, 9_000, 18_000])).toEqual([0, 1536, 1536])
    expect(cached([0, 11_000])).toEqual([0, 0])
    expect(cached([0, 9_000, 18_000, 24_000, 26_000, 30_000])).toEqual([0, 1536, 1536, 1536, 0, 1536])
  })

  it('a token from the cache costs hitUs', () => {
    const set = { ...rules, hitUs: 6 }
    const [, warm] = run('8b-h100', set, asks(2, 1000, 1))
    const [, free] = run('8b-h100', rules, asks(2, 1000, 1))
    expect(warm!.ttftMs - free!.ttftMs).toBeCloseTo(1536 * 0.006, 6)
    expect(warm!.phases.prefillCached - free!.phases.prefillCached).toBeCloseTo(1536 * 0.006, 5)
  })
})

describe('neighbours', () => {
  it.each([
    { family: 'gamma', cv: 2.5 },
    { family: 'gamma', cv: 0.5 },
    { family: 'weibull', cv: 1.8 },
    { family: 'weibull', cv: 1 },
  ] as const)('$family gaps with CV $cv have mean 1 and that CV', ({ family, cv }) => {
    const gaps = gapsOf({ family, cv }, createRandom(`${family}/${cv}`))
    const drawn = Array.from({ length: 200_000 }, gaps)
    const mean = drawn.reduce((sum, gap) => sum + gap, 0) / drawn.length
    const variance = drawn.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / drawn.length
    // Five standard errors of a mean of 200,000 gaps; the CV has a heavier tail.
    expect(Math.abs(mean - 1)).toBeLessThan((5 * cv) / Math.sqrt(200_000))
    expect(Math.abs(Math.sqrt(variance) / mean / cv - 1)).toBeLessThan(0.05)
  })

  it('from second 20 to 40 tenant B bursts on replica 1: there tokens come slower, and nowhere and never else', () => {
    const tenants = [
      { name: 'B', ratePerS: 0, cv: 2, family: 'gamma', promptTokens: 1000, outputTokens: 100 },
    ]
    const set = { replicas: 2, affinityTokens: 1600, tenants }
    const answers = run(
      '8b-h100',
      set,
      asks(600, 100),
      'noisy-neighbour:.5 from=20s to=40s tenant=B replica=1',
    )
    const burst = answers.filter(({ labels }) => labels.includes('noisy-neighbour'))
    expect(burst.length).toBeGreaterThan(60)
    for (const { replica, arrivalMs } of burst) {
      expect(replica).toBe(1)
      expect(arrivalMs).toBeGreaterThan(19_000)
      // A burst drains after its last arrival.
      expect(arrivalMs).toBeLessThan(60_000)
    }
    const calm = answers.filter(({ labels }) => labels.length === 0)
    const gap = (of: readonly VirtualOutcome[]): number =>
      quantile(
        of.map(({ gapMeanMs }) => gapMeanMs),
        0.5,
      )
    expect(gap(burst)).toBeGreaterThan(1.5 * gap(calm))
  })

  it('a slow replica is slow while it is, at once and by the factor', () => {
    const set = { noise: 0, kvBlocks: 200 }
    const answers = run('8b-h100', set, asks(30, 1000), 'slow-replica:2 from=10s to=20s')
    const slow = answers.filter(({ labels }) => labels.includes('slow-replica')).map(({ index }) => index)
    expect(slow).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
    expect(answers[15]!.e2eMs - 9).toBeCloseTo(2 * (answers[5]!.e2eMs - 9), 6)
    expect(answers[25]!.e2eMs).toBeCloseTo(answers[5]!.e2eMs, 6)
  })
})

describe('a key that asks too often', () => {
  it('waits as long as the 429 says and then is served', () => {
    const answers = run('exact', { keyRequestsPerMinute: 60 }, asks(75, 10))
    const refused = answers.filter(({ attempts }) => attempts.length > 1)
    expect(refused.length).toBeGreaterThan(0)
    for (const { attempts, phases, labels, outcome, e2eMs } of refused) {
      const [first, second] = attempts
      expect(first!.status).toBe(429)
      expect(second!.startMs - first!.endMs).toBeCloseTo(first!.retryAfterMs!, 6)
      expect(labels).toEqual(['retry'])
      expect(phases.retry).toBeGreaterThan(outcome === 'ok' ? 0 : e2eMs - 1)
    }
  })

  it('gives up after two retries, and all of its time is retry', () => {
    const [failed] = run('exact', {}, asks(1, 0), 'retry:3')
    expect(failed).toMatchObject({ outcome: 'failed', labels: ['retry'] })
    expect(failed!.attempts.map(({ status }) => status)).toEqual([503, 503, 503])
    expect(failed!.phases.retry).toBeCloseTo(failed!.e2eMs, 6)
  })
})

describe('what is wrong is said', () => {
  it.each([
    [
      'slow-replica from=3',
      "fault 'slow-replica from=3': from must be a number with ms, s, m or h, such as 3m",
    ],
    ['crlf from=5m to=3m', "fault 'crlf from=5m to=3m': 'to' must lie after 'from'"],
    ['retry:x', "fault 'retry:x': the value after the colon must be a number ≥ 0"],
    ['retry share', "fault 'retry share': 'share' must read name=value, such as from=3m"],
    ['retry shar=1', `fault 'retry shar=1': Unrecognized key: "shar"`],
  ])('%s', (text, problem) => {
    expect(parsePlanned(text)).toEqual({ ok: false, problem })
  })

  it.each([
    ['slow-replica share=.5', "fault 'slow-replica': befalls a replica"],
    ['slow-replica replica=4', "fault 'slow-replica': there is no replica 4; there are 4, counted from 0"],
    ['queueing replica=1', "fault 'queueing': befalls requests"],
    ['network region=far', "fault 'network': befalls requests wherever"],
    [
      'route-change region=mars',
      "fault 'route-change': there is no region 'mars'; there are near, cross, far",
    ],
    ['noisy-neighbour tenant=B', "fault 'noisy-neighbour': there is no tenant 'B'; there are none"],
    ['cold-cache tenant=B', "fault 'cold-cache': has no tenant"],
  ])('%s', (fault, start) => {
    const parsed = parseSimulateOptions({ profile: 'hosted-frontier', fault })
    expect(parsed.ok ? '' : parsed.problems[0]!.slice(0, start.length)).toBe(start)
  })

  it('a constant of a region that the model does not have', () => {
    const regions = [{ name: 'home', rttMs: 1, rttP95Ms: 1, set: { tokenU: 3 } }]
    const resolved = resolveProfile('8b-h100', { regions })
    expect(resolved.ok ? '' : resolved.problems[0]).toMatch(/^region home: 8b-h100 has no constant 'tokenU'/)
  })
})
