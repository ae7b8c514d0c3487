/** Calls that wait for their turn at an engine with few slots, as their client sees it: nothing but times and tokens. */
import { describe, expect, it } from 'vitest'
import { createAttributor } from '../../src/attribute/attribute.js'
import { knownTargets } from '../../src/attribute/known.js'
import { createRandom } from '../../src/random/random.js'
import type { Span } from '../../src/span/span.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'

// base 400 ms, 45 µs a fresh token, 10 ms + .5 µs·context an output token; scatter 5 %.
const known = knownTargets(simulatedSnapshot('engine'))
const [law] = known
const EPOCH_MS = Date.UTC(2026, 10, 23, 10)

interface Call {
  span: Span
  queueMs: number
}

/**
 * First come, first served; `load` is the share of the slots' time that is asked for. `slowed`: at work the engine decodes so
 * many times as slowly as when it idled for the baseline, and takes between once and that often as long over a prompt.
 */
function engine(slots: number, load: number, calls: number, slowed = 1): Call[] {
  const random = createRandom(`engine/${slots}/${load}`)
  const freeAt = Array.from({ length: slots }, () => 0)
  let atMs = 0
  const all = Array.from({ length: calls }, (_, i): Call => {
    const inputTokens = Math.round(500 * 8 ** random.next())
    const outputTokens = Math.round(20 * 6 ** random.next())
    const { base, prefillFresh } = law!.ttft(inputTokens, 0)
    const firstMs = (base + prefillFresh) * Math.exp(0.05 * random.normal()) * slowed ** random.next()
    const restMs = (outputTokens - 1) * law!.tpot(inputTokens) * Math.exp(0.05 * random.normal()) * slowed
    atMs += (random.exponential() * 1100) / slots / load
    const slot = freeAt.indexOf(Math.min(...freeAt))
    const queueMs = Math.max(0, freeAt[slot]! - atMs)
    freeAt[slot] = atMs + queueMs + firstMs + restMs
    return {
      queueMs,
      span: {
        traceId: String(i),
        spanId: String(i),
        operation: 'chat',
        dialect: 'test',
        service: 'shop',
        modelRequested: 'm',
        startedAtMs: EPOCH_MS + atMs,
        durationMs: queueMs + firstMs + restMs,
        ttftMs: queueMs + firstMs,
        inputTokens,
        cacheReadTokens: 0,
        outputTokens,
        doubts: [],
        from: {},
      },
    }
  })
  const endMs = ({ span }: Call): number => span.startedAtMs + span.durationMs
  return all.sort((a, b) => endMs(a) - endMs(b))
}

describe.each([
  { slots: 1, load: 0.7, count: 400, slowed: 1 },
  { slots: 1, load: 1.3, count: 400, slowed: 1 },
  { slots: 4, load: 0.9, count: 400, slowed: 1 },
  { slots: 1, load: 0.8, count: 120, slowed: 1.4 },
  { slots: 2, load: 0.7, count: 120, slowed: 2 },
])('an engine of $slots slots, slowed by $slowed, with a load of $load', ({ slots, load, count, slowed }) => {
  const calls = engine(slots, load, count, slowed)
  const attributor = createAttributor({ known })
  const found = [...calls.flatMap(({ span }) => attributor.push(span)), ...attributor.end()]
  const queued = calls.flatMap((call, i) => (call.queueMs > 1000 ? [{ ...call, found: found[i]! }] : []))

  it('names queueing in more than 95 % of the calls that queued for over a second', () => {
    expect(queued.length).toBeGreaterThan(40)
    const named = queued.filter((each) => each.found.causes.some(({ cause }) => cause === 'queueing'))
    expect(named.length / queued.length).toBeGreaterThan(0.95)
  })

  it('puts the wait in the queue: of those calls’ time less than 15 % is misplaced at the median', () => {
    const off = queued
      .map(({ queueMs, span, found: { phases } }) => Math.abs(phases.queue - queueMs) / span.durationMs)
      .sort((a, b) => a - b)
    expect(off[Math.floor(off.length / 2)]).toBeLessThan(0.15)
  })
})

it.each([1, 1.4])(
  'a delay that has nothing to do with the calls in flight is called queueing one time in ten at most, in an engine slowed by %d',
  (slowed) => {
    const random = createRandom(`delays/${slowed}`)
    const isDelayed = new Set<string>()
    // Room for all: nobody waits for a turn, though some five calls are in flight.
    const spans = engine(32, 0.16, 600, slowed).map(({ span }): Span => {
      if (random.next() > 0.15) return span
      isDelayed.add(span.spanId)
      const delayMs = 300 * 20 ** random.next()
      return { ...span, ttftMs: span.ttftMs! + delayMs, durationMs: span.durationMs + delayMs }
    })
    const attributor = createAttributor({ known })
    const found = [...spans.flatMap((span) => attributor.push(span)), ...attributor.end()]
    const accused = found.filter(({ causes }) => causes.some(({ cause }) => cause === 'queueing'))
    expect(isDelayed.size).toBeGreaterThan(60)
    expect(accused.length).toBeLessThanOrEqual(0.1 * isDelayed.size)
  },
)

it('a route that is told by a path or a vendor’s prefix is the one of the plain name; another model is another route', () => {
  const routes = new Set(['model /models/m.gguf'])
  const sound = engine(1, 0.2, 60).map(({ span }) => span)
  const verdicts = (modelServed: string | undefined): Set<string> => {
    const attributor = createAttributor({
      known: known.map((each) => ({ ...each, model: 'm.gguf', routes })),
    })
    const spans = sound.map((span): Span => {
      const slowMs = 4000 + span.durationMs
      return { ...span, modelRequested: 'm.gguf', modelServed, ttftMs: slowMs, durationMs: 2 * slowMs }
    })
    return new Set(
      [...spans.flatMap((span) => attributor.push(span)), ...attributor.end()]
        .flatMap(({ causes }) => causes.flatMap(({ evidence }) => evidence))
        .filter((sentence) => sentence.startsWith('served by')),
    )
  }
  expect(verdicts('vendor/m.gguf')).toEqual(new Set())
  expect(verdicts(undefined)).toEqual(new Set())
  expect(verdicts('other')).toEqual(new Set(['served by model other, before by model /models/m.gguf']))
})

it('another backend than the baseline’s that serves nine calls in ten as ever is not what slowed the tenth', () => {
  const routes = new Set(['backend fp_1'])
  const attributor = createAttributor({ known: known.map((each) => ({ ...each, routes })) })
  const spans = engine(1, 0.2, 200).map(({ span }, i): Span => {
    const lateMs = i % 10 === 9 ? 1500 : 0
    return {
      ...span,
      backend: 'fp_2',
      ttftMs: span.ttftMs! + lateMs,
      durationMs: span.durationMs + lateMs,
    }
  })
  const found = [...spans.flatMap((span) => attributor.push(span)), ...attributor.end()]
  expect(found.filter(({ causes }) => causes.some(({ cause }) => cause === 'route-change'))).toEqual([])
  expect(found.filter(({ verdict }) => verdict === 'unknown').length).toBeGreaterThan(10)
})

it('what the engine timed is told as it said: queue, prefill and decode to the microsecond, the rest is another’s', () => {
  const spans = engine(1, 0.7, 200).map(({ span, queueMs }): Span => {
    const firstMs = span.ttftMs ?? 0
    const prefillMs = (firstMs - queueMs) * 0.9
    const decodeMs = (span.durationMs - firstMs) * 0.98
    return { ...span, queueMs, prefillMs, decodeMs, serverTtftMs: firstMs }
  })
  const attributor = createAttributor({ known })
  const found = [...spans.flatMap((span) => attributor.push(span)), ...attributor.end()]
  const off = found.map(({ phases }, i) => {
    const { queueMs = 0, prefillMs = 0, decodeMs = 0 } = spans[i]!
    const told = [
      phases.queue - queueMs,
      phases.prefillFresh + phases.prefillCached - prefillMs,
      phases.decode - decodeMs,
    ]
    return Math.max(...told.map(Math.abs))
  })
  expect(Math.max(...off)).toBeLessThan(1e-3)
})
