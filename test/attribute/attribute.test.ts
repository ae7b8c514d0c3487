/** What holds of every attribution, what is found in small worlds, and a few spans by hand. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { createAttributor } from '../../src/attribute/attribute.js'
import type { Attribution } from '../../src/attribute/attribution.js'
import { knownTargets } from '../../src/attribute/known.js'
import { phases, type Tier } from '../../src/span/causes.js'
import type { Span } from '../../src/span/span.js'
import { draw, judgeWorld } from '../check/attribution.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'
import { calibration, classScores, mean, merge, type Tally } from './judge.js'

// base 400 ms, 45 µs a fresh and 12 µs a cached token, 10 ms + .5 µs·context an output token; scatter 5 %.
const known = knownTargets(simulatedSnapshot('attribute'))
const [target] = known
const EPOCH_MS = Date.UTC(2026, 10, 23, 10)

function span(facts: Partial<Span>, i = 0): Span {
  return {
    traceId: 't',
    spanId: String(i),
    operation: 'chat',
    dialect: 'test',
    startedAtMs: EPOCH_MS + i * 1000,
    durationMs: 1000,
    doubts: [],
    from: {},
    ...facts,
  }
}

function attribute(spans: readonly Span[]): Attribution[] {
  const attributor = createAttributor({ known })
  return [...spans.flatMap((each) => attributor.push(each)), ...attributor.end()]
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const ms = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e7, noNaN: true }))
const tokens = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000_000 }))
const oddSpan: fc.Arbitrary<Partial<Span>> = fc.record({
  durationMs: ms,
  startedAtMs: fc.integer({ min: EPOCH_MS - 1e10, max: EPOCH_MS + 1e10 }),
  ttftMs: maybe(ms),
  ttfvtMs: maybe(ms),
  ttftScope: maybe(fc.constantFrom('attempt' as const, 'call' as const)),
  serverTtftMs: maybe(ms),
  queueMs: maybe(ms),
  prefillMs: maybe(ms),
  decodeMs: maybe(ms),
  serverMs: maybe(ms),
  inputTokens: maybe(tokens),
  cacheReadTokens: maybe(tokens),
  outputTokens: maybe(tokens),
  reasoningTokens: maybe(tokens),
  attempts: maybe(fc.integer({ min: 1, max: 9 })),
  retryMs: maybe(ms),
  clientPauseMs: maybe(ms),
  conversationId: maybe(fc.constantFrom('a', 'b')),
  replica: maybe(fc.constantFrom('r0', 'r1')),
  region: maybe(fc.constantFrom('near', 'far')),
  backend: maybe(fc.constantFrom('f0', 'f1')),
  error: maybe(fc.constant('timeout')),
  gaps: maybe(fc.record({ count: fc.integer({ min: 0, max: 1000 }), meanMs: ms, maxMs: maybe(ms) })),
  doubts: fc.subarray(['buffered', 'usage-missing', 'clock-skew', 'no-duration'] as const),
})

describe('of any span', () => {
  test('phases add up to the duration, causes and the unknown to the excess, probabilities lie in [0, 1]', () => {
    fc.assert(
      fc.property(fc.array(oddSpan, { minLength: 1, maxLength: 30 }), (facts) => {
        const spans = facts.map((each, i) => span(each, i))
        const found = attribute(spans)
        expect(found).toHaveLength(spans.length)
        found.forEach((each, i) => expectSound(each, spans[i]!))
      }),
      { numRuns: 200 },
    )
  })
})

function expectSound(found: Attribution, { durationMs }: Span): void {
  const within = Math.max(1e-6, durationMs * 1e-9)
  const sum = phases.reduce((total, name) => total + found.phases[name], 0)
  expect(Math.abs(sum - durationMs)).toBeLessThanOrEqual(within)
  for (const name of phases) expect(found.phases[name]).toBeGreaterThanOrEqual(0)
  expect(found.confidence).toBeGreaterThanOrEqual(0)
  expect(found.confidence).toBeLessThanOrEqual(1)
  for (const { probability, ms: causeMs } of found.causes) {
    expect(probability).toBeGreaterThanOrEqual(0)
    expect(probability).toBeLessThanOrEqual(1)
    expect(causeMs).toBeGreaterThan(0)
  }
  if (found.referenceMs === null) return
  const excessMs = Math.max(0, durationMs - found.referenceMs)
  const told = found.causes.reduce((total, cause) => total + cause.ms, found.unknownMs)
  expect(Math.abs(told - excessMs)).toBeLessThanOrEqual(within)
}

describe('spans by hand', () => {
  /** On the curve: 2,000 fresh tokens and 101 output tokens. */
  const sound = (): Partial<Span> => {
    const prefill = target!.ttft(2000, 0)
    const ttftMs = prefill.base + prefill.prefillFresh
    return {
      ttftMs,
      durationMs: ttftMs + 100 * target!.tpot(2050),
      inputTokens: 2000,
      cacheReadTokens: 0,
      outputTokens: 101,
    }
  }
  const usual = Array.from({ length: 150 }, (_, i) => span(sound(), i))

  test('a span on the curve is none, surely', () => {
    const found = attribute(usual).at(-1)
    expect(found).toMatchObject({ verdict: 'none', causes: [], tier: 'B' })
    expect(found!.confidence).toBeGreaterThan(0.9)
  })

  test('a server span of an engine that queued 1.5 s is queueing, by its own word, in the first span of a file too', () => {
    const { ttftMs, durationMs, ...counts } = sound()
    const vllm = span({
      ...counts,
      serverTtftMs: ttftMs! + 1500,
      queueMs: 1500,
      prefillMs: 90,
      decodeMs: durationMs! - ttftMs!,
      serverMs: durationMs! + 1500,
      durationMs: durationMs! + 1500,
    })
    for (const found of [attribute([vllm])[0]!, attribute([...usual, vllm]).at(-1)!]) {
      expect(found).toMatchObject({ verdict: 'queueing', tier: 'A' })
      expect(found.phases.queue).toBeCloseTo(1500, 0)
      expect(found.causes[0]!.ms).toBeGreaterThan(1200)
    }
  })

  test('a group that always queues two seconds is no measure of itself', () => {
    const { durationMs, ttftMs, ...counts } = sound()
    const busy = Array.from({ length: 60 }, (_, i) =>
      span({ ...counts, ttftMs: ttftMs! + 2000, queueMs: 2000, durationMs: durationMs! + 2000 }, i),
    )
    for (const { verdict } of attribute(busy)) expect(verdict).toBe('queueing')
  })

  test('a doubt lowers the confidence: a baseline that is twenty days away', () => {
    const late = usual.map((each) => ({ ...each, startedAtMs: each.startedAtMs + 20 * 86_400_000 }))
    const [stale, fresh] = [attribute(late).at(-1)!, attribute(usual).at(-1)!]
    expect(stale.doubts[0]).toContain('20 days')
    expect(stale.confidence).toBeLessThan(fresh.confidence)
  })

  test('a failed call and an unknown model are unknown with confidence 0, and it is said why', () => {
    const [failed] = attribute([span({ error: 'timeout' })])
    expect(failed).toMatchObject({ verdict: 'unknown', confidence: 0, referenceMs: null })
    expect(failed!.doubts[0]).toContain('timeout')
    const [stranger] = attribute([span({ modelRequested: 'never-heard-of' })])
    expect(stranger!.doubts[0]).toContain('never-heard-of')
  })

  test('eight thousand spans a hundred milliseconds apart come out in order, all of them', () => {
    const many = Array.from({ length: 8000 }, (_, i) =>
      span({ ...sound(), startedAtMs: EPOCH_MS + i * 100 }, i),
    )
    expect(attribute(many).map(({ spanId }) => spanId)).toEqual(many.map(({ spanId }) => spanId))
  })
})

describe('small worlds; `npm run check:attribution` judges larger ones', () => {
  const jobs = [2, 3, 6].map((world) => ({ kind: 'one' as const, world }))
  let tallies: Record<Tier, Tally>[] = []
  beforeAll(() => {
    tallies = jobs.map((job) => judgeWorld(draw(job, 'rules', 150)))
  }, 240_000)
  const of = (...tiers: Tier[]): Tally => merge(tallies.flatMap((each) => tiers.map((tier) => each[tier])))

  test('with full evidence macro-F1 is over .85 and the calibration error below .1', () => {
    expect(mean(classScores(of('A', 'B')).filter(({ count }) => count >= 20))).toBeGreaterThan(0.85)
    expect(calibration(of('A', 'B')).ece).toBeLessThan(0.1)
  })

  test('with durations and tokens lengths are told from the rest: macro-F1 over .7', () => {
    expect(mean(classScores(of('D')).filter(({ count }) => count >= 20))).toBeGreaterThan(0.7)
  })
})
