import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { CAUSES } from '../../src/simulate/causes.js'
import { DEFAULT_VALUES, parseIncidents, type Incident } from '../../src/simulate/incidents.js'
import { PHASE_NAMES, type Phases } from '../../src/simulate/job.js'
import { chainPrefix } from '../../src/simulate/prefix-chain.js'
import { runWithTwins } from '../../src/simulate/twins.js'
import type { VirtualRequest, VirtualSetup } from '../../src/simulate/virtual-request.js'
import { runVirtual } from '../../src/simulate/virtual.js'
import { profileOf } from './virtual.js'

function incidentsOf(text: string): Incident[] {
  const parsed = parseIncidents(text)
  if (!parsed.ok) throw new Error(parsed.problem)
  return parsed.incidents
}

function setup(name: string, set: Record<string, unknown>, faults = '', seed = 1): VirtualSetup {
  return { profile: profileOf(name, set), incidents: incidentsOf(faults), seed }
}

/** A chat service: conversations with a common system prompt, 5 requests a second. */
function traffic(count: number, gapMs = 200): VirtualRequest[] {
  const random = createRandom('traffic')
  let arrivalMs = 0
  return Array.from({ length: count }, () => {
    arrivalMs += random.exponential() * gapMs
    const talk = random.int(20)
    const parts = [
      { name: 1, tokens: 512 },
      { name: 100 + talk, tokens: 1024 },
    ]
    return {
      arrivalMs,
      promptTokens: 1600 + random.int(400),
      outputTokens: 40 + random.int(80),
      hashes: chainPrefix(parts, 16),
    }
  })
}

function phaseNs(phases: Phases): number {
  return PHASE_NAMES.reduce((sum, name) => sum + Math.round(phases[name] * 1e6), 0)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

const FLEET = { replicas: 2, affinityTokens: 1536 }

describe('a run in virtual time', () => {
  it('gives the same bytes for the same seed, and others for another', () => {
    const faults = 'noisy-neighbour from=10s to=30s, cold-cache share=.2, retry share=.1'
    const bytes = (seed: number): string =>
      JSON.stringify(runVirtual(setup('8b-h100', FLEET, faults, seed), traffic(300)))
    expect(bytes(5)).toBe(bytes(5))
    expect(bytes(5)).not.toBe(bytes(6))
  })

  it('tells the first, the first visible and the last token as it does when all are kept', () => {
    const asked = traffic(100).map((request) => ({ ...request, reasoningTokens: 10 }))
    for (const name of ['8b-h100', 'hosted-frontier', 'exact']) {
      const ends = runVirtual(setup(name, {}, 'client-stall share=.3'), asked).outcomes
      const kept = asked.map((request) => ({ ...request, keepTokens: true }))
      const all = runVirtual(setup(name, {}, 'client-stall share=.3'), kept).outcomes
      all.forEach(({ tokenMs, ttftMs, ttfvtMs, e2eMs, outputTokens }, i) => {
        expect(tokenMs).toHaveLength(outputTokens)
        expect([tokenMs?.[0], tokenMs?.[10], tokenMs?.at(-1)]).toEqual([ttftMs, ttfvtMs, e2eMs])
        const passed = ends[i]!
        // A law passes over the tokens between, so a client that reads again sees them a token's time apart at most.
        expect(passed.ttftMs).toBeCloseTo(ttftMs, 6)
        if (!passed.labels.includes('client-stall')) expect(passed.e2eMs).toBeCloseTo(e2eMs, 6)
      })
    }
  })

  it('knows the longest gap between two tokens, through preemptions and steps that are full', () => {
    const asked = traffic(150, 60).map((request) => ({ ...request, keepTokens: true }))
    for (const set of [{}, { kvBlocks: 300 }, { maxBatchedTokens: 16 }]) {
      for (const { tokenMs = [], gapMaxMs } of runVirtual(setup('8b-h100', set), asked).outcomes) {
        const gaps = [...tokenMs.slice(1)].map((ms, i) => ms - tokenMs[i]!)
        expect(gapMaxMs).toBeCloseTo(Math.max(...gaps), 6)
      }
    }
  })

  it('refuses requests that are out of order', () => {
    const [first, second] = traffic(2)
    expect(() => runVirtual(setup('8b-h100', {}), [second!, first!])).toThrow(/request 1 comes before/)
  })
})

describe('whatever goes wrong', () => {
  const incident = fc.record({
    cause: fc.constantFrom(...CAUSES),
    scale: fc.double({ min: 0.5, max: 2, noNaN: true }),
    fromMs: fc.integer({ min: 0, max: 4000 }),
    lengthMs: fc.integer({ min: 1, max: 6000 }),
    share: fc.constantFrom(0.3, 1),
  })
  const set = fc.record({
    replicas: fc.integer({ min: 1, max: 3 }),
    overflowPerMinute: fc.constantFrom(0, 4),
    slowReplicas: fc.integer({ min: 0, max: 1 }),
    gatewayMs: fc.constantFrom(0, 40),
    gatewayCv: fc.constantFrom(0, 0.3),
    queueMedianMs: fc.constantFrom(0, 80),
    queueSigma: fc.constantFrom(0, 1.1),
    cacheMissShare: fc.constantFrom(0, 0.17),
    cacheIdleMs: fc.constantFrom(0, 1000),
    stallShare: fc.constantFrom(0, 0.1),
    stallMaxMs: fc.constantFrom(0, 3000),
    keyRequestsPerMinute: fc.constantFrom(0, 30),
    levelSigma: fc.constantFrom(0, 0.25),
  })
  const engine = fc.record({
    kvBlocks: fc.integer({ min: 400, max: 2000 }),
    maxSequences: fc.integer({ min: 1, max: 16 }),
    maxBatchedTokens: fc.constantFrom(256, 2048),
  })

  it('each request ends, its phases add up to e2e to the nanosecond, and its tokens are cached or prefilled', () => {
    const world = fc.tuple(fc.constantFrom('8b-h100', '70b-h100x4', 'hosted-frontier'), set, engine)
    fc.assert(
      fc.property(
        world,
        fc.array(incident, { maxLength: 4 }),
        fc.nat(),
        ([name, around, inside], plan, seed) => {
          const incidents = plan.map(({ cause, scale, fromMs, lengthMs, share }): Incident => {
            const value = DEFAULT_VALUES[cause] * scale
            return { cause, value, fromMs, toMs: fromMs + lengthMs, share }
          })
          const profile = profileOf(name, name === 'hosted-frontier' ? around : { ...around, ...inside })
          const asked = traffic(30)
          const { outcomes, load } = runVirtual({ profile, incidents, seed }, asked)
          expect(outcomes).toHaveLength(asked.length)
          outcomes.forEach((outcome, i) => {
            const { phases, e2eMs, cachedTokens, promptTokens, ttftMs, attempts, arrivalMs } = outcome
            expect(outcome.index).toBe(i)
            expect(phaseNs(phases)).toBe(Math.round(e2eMs * 1e6))
            expect(Math.min(...PHASE_NAMES.map((phase) => phases[phase]))).toBeGreaterThanOrEqual(0)
            expect(attempts[0]!.startMs).toBe(arrivalMs)
            expect(attempts.at(-1)!.endMs).toBeCloseTo(arrivalMs + e2eMs, 6)
            if (outcome.outcome === 'failed') return
            expect(ttftMs).toBeLessThanOrEqual(e2eMs + 1e-9)
            expect(cachedTokens).toBeLessThan(promptTokens)
          })
          const background = incidents.some(({ cause }) => cause === 'noisy-neighbour')
          if (background || load.preemptions > 0) return
          const served = outcomes.filter(({ outcome }) => outcome === 'ok')
          const sum = (of: (outcome: (typeof served)[number]) => number): number =>
            served.reduce((total, outcome) => total + of(outcome), 0)
          expect(load.prefilledTokens + load.cachedTokens).toBe(sum(({ promptTokens }) => promptTokens))
          expect(load.cachedTokens).toBe(sum(({ cachedTokens }) => cachedTokens))
          expect(load.decodedTokens).toBe(sum(({ outputTokens }) => outputTokens))
        },
      ),
      { numRuns: 80 },
    )
  })
})

describe('a twin', () => {
  it('without a cause that is not there is the run itself', () => {
    const here = setup('8b-h100', FLEET, 'queueing share=.3, network share=.2')
    const { outcomes } = runVirtual(here, traffic(200))
    for (const cause of ['retry', 'slow-replica', 'noisy-neighbour', 'client-stall'] as const) {
      expect(runVirtual(here, traffic(200), cause).outcomes).toEqual(outcomes)
    }
  })

  it('leaves every other draw as it is: without the retries, the network is as slow as with them', () => {
    const here = setup('8b-h100', FLEET, 'retry share=.3, network share=.3')
    const { outcomes } = runVirtual(here, traffic(200))
    const twins = runVirtual(here, traffic(200), 'retry').outcomes
    expect(twins.map(({ phases }) => phases.network)).toEqual(outcomes.map(({ phases }) => phases.network))
  })

  it.each([
    // Answers of 100 tokens at 5 ms in a service where up to 200 are usual.
    ['long-output:1.5', 'long-output', [], undefined],
    ['long-output:3', 'long-output', ['long-output'], (300 - 200) * 5],
    // Prompts of 1,000 fresh tokens at .1 ms, up to 1,500 usual.
    ['prefill-surge:1.5', 'prefill-surge', [], undefined],
    ['prefill-surge:4', 'prefill-surge', ['prefill-surge'], (4000 - 1500) * 0.1],
    // 40 tokens of reasoning, up to 50 usual.
    ['reasoning:10', 'reasoning', [], undefined],
    ['reasoning:60', 'reasoning', ['reasoning'], (100 - 50) * 5],
  ] as const)(
    '%s costs what it lengthens beyond the usual, and nothing below it',
    (fault, cause, labels, ms) => {
      const usual = { promptTokens: 1500, visibleTokens: 200, reasoningTokens: 50 }
      const asked = { arrivalMs: 0, promptTokens: 1000, outputTokens: 140, reasoningTokens: 40, usual }
      const [outcome] = runWithTwins(setup('exact', {}, fault), [asked])
      expect(outcome!.labels).toEqual(labels)
      if (ms === undefined) expect(outcome!.causesMs).toEqual({})
      else expect(outcome!.causesMs[cause]).toBeCloseTo(ms, 6)
    },
  )

  it('a length of its own beyond the usual is a cause without any incident', () => {
    const asked = { arrivalMs: 0, promptTokens: 1000, outputTokens: 140, usual: { visibleTokens: 100 } }
    const [outcome] = runWithTwins(setup('exact', {}), [asked])
    expect(outcome!.causesMs['long-output']).toBeCloseTo(40 * 5, 6)
  })

  it('tells for each cause what it cost: as much as was put in, where that is known', () => {
    const faults = CAUSES.filter((cause) => cause !== 'noisy-neighbour' && cause !== 'slow-replica')
      .map((cause) => `${cause} share=.05`)
      .concat('slow-replica from=60s to=90s', 'noisy-neighbour from=100s to=130s')
    const outcomes = runWithTwins(setup('8b-h100', FLEET, faults.join(',')), traffic(1200))
    const rows = CAUSES.map((cause) => {
      const held = outcomes.filter(({ labels }) => labels.includes(cause))
      const costs = held.map(({ causesMs }) => causesMs[cause]!)
      return { cause, requests: held.length, medianMs: costs.length === 0 ? NaN : median(costs) }
    })
    console.table(rows.map((row) => ({ ...row, medianMs: row.medianMs.toFixed(1) })))
    const cost = Object.fromEntries(rows.map(({ cause, medianMs }) => [cause, medianMs]))
    // Lognormals around these medians, some 60 requests each.
    expect(cost['queueing']! / DEFAULT_VALUES.queueing).toBeCloseTo(1, 0)
    expect(cost['network']! / DEFAULT_VALUES.network).toBeCloseTo(1, 0)
    // One failed attempt of .3 s and a back-off of .375 to .5 s.
    expect(cost['retry']).toBeGreaterThan(600)
    expect(cost['retry']).toBeLessThan(950)
    // 400 tokens of reasoning at 6.2 ms and more.
    expect(cost['reasoning']).toBeGreaterThan(400 * 6)
    // 1,536 cached tokens are prefilled again: a step of 22 µs a token instead of the weights' 5.6 ms.
    expect(cost['cold-cache']).toBeGreaterThan(15)
    for (const { cause, requests, medianMs } of rows) {
      expect(requests, cause).toBeGreaterThan(15)
      if (cause !== 'client-stall') expect(medianMs, cause).toBeGreaterThan(10)
    }
  })
})
