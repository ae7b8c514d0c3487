/** Nobody is accused of what one call alone shows, and what two causes would show alike is said so. */
import { describe, expect, test } from 'vitest'
import { createAttributor } from '../../src/attribute/attribute.js'
import type { Attribution } from '../../src/attribute/attribution.js'
import { knownTargets } from '../../src/attribute/known.js'
import { createOverlaps } from '../../src/attribute/overlap.js'
import type { Span } from '../../src/span/span.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'

// base 400 ms, 45 µs a fresh token, 10 ms + .5 µs·context an output token.
const known = knownTargets(simulatedSnapshot('accusation'))
const EPOCH_MS = Date.UTC(2026, 10, 23, 10)
const OUTPUT = 100
const FIRST_MS = 400 + 1000 * 0.045
const REST_MS = (OUTPUT - 1) * 10.5

/** A call on the curve every two seconds; what `more` says of it is added before its first output and behind it. */
function judged(
  count: number,
  more: (index: number) => { firstMs?: number; restMs?: number },
  facts: Partial<Span> = {},
): Attribution[] {
  const calls = Array.from({ length: count }, (_, i): Span => {
    const { firstMs = 0, restMs = 0 } = more(i)
    return {
      traceId: 't',
      spanId: String(i),
      operation: 'chat',
      service: 'shop',
      dialect: 'test',
      startedAtMs: EPOCH_MS + i * 2000,
      ttftMs: FIRST_MS + firstMs,
      durationMs: FIRST_MS + firstMs + REST_MS + restMs,
      inputTokens: 1000,
      cacheReadTokens: 0,
      outputTokens: OUTPUT,
      doubts: [],
      from: {},
      ...facts,
    }
  })
  const attributor = createAttributor({ known })
  return [...calls.flatMap((call) => attributor.push(call)), ...attributor.end()]
}

/** The 150th of 160. */
const found = (more: { firstMs?: number; restMs?: number }, facts: Partial<Span> = {}): Attribution =>
  judged(160, (i) => (i === 150 ? more : {}), facts).find(({ spanId }) => spanId === '150')!

test('where no call tells its route, all that become slower at once are not said to lie on one machine', () => {
  const slower = { firstMs: 0.6 * FIRST_MS, restMs: 0.6 * REST_MS }
  const all = judged(360, (i) => (i < 300 ? {} : slower))
  const late = all.filter(({ spanId }) => Number(spanId) >= 300)
  expect(late.length).toBe(60)
  expect(late.filter(({ verdict }) => verdict === 'slow-replica').length).toBeLessThan(15)
})

describe('one slow call among 160', () => {
  test('whose stream took 2 s longer is nobody’s fault that could be named, and no time stands under client or retries', () => {
    const { verdict, phases } = found({ restMs: 2000 })
    expect(verdict).toBe('unknown')
    expect(phases).toMatchObject({ client: 0, retry: 0 })
  })

  test('that was slower in both is no neighbour’s doing, whose machine is told', () => {
    const { causes } = found({ firstMs: 500, restMs: 1500 }, { replica: 'r1' })
    expect(causes.map(({ cause }) => cause)).not.toContain('noisy-neighbour')
  })

  test('whose first output came 2 s late may have queued or have been on its way, and it is said so', () => {
    const { verdict, doubts } = found({ firstMs: 2000 })
    expect(verdict).toBe('unknown')
    expect(doubts.join()).toMatch(/queueing.* or network would show alike/)
  })
})

describe('overlap', () => {
  test('speaks for a queue where calls with two in flight wait and others do not; not where one in five waits whoever is there', () => {
    const queue = createOverlaps()
    const chance = createOverlaps()
    for (let i = 0; i < 100; i++) {
      queue.add(i % 4, i % 4 >= 2)
      chance.add(i % 4, i % 5 === 0)
    }
    expect(queue.weigh(2)).toBeGreaterThan(1)
    // With one in flight nobody waited: who does was not waiting for that one.
    expect(queue.weigh(1)).toBeLessThan(-1)
    // Four in five went by as many without a wait.
    expect(Math.max(...[0, 1, 2, 3].map((inFlight) => chance.weigh(inFlight)))).toBe(0)
    expect(chance.weigh(3)).toBeLessThan(-1)
    // Never were so many in flight: that says nothing.
    expect(chance.weigh(20)).toBe(0)
  })
})

test('slow calls of services that nobody knows yet do not delay what is seen around the calls of others', () => {
  const call = (service: string, i: number, over: Partial<Span> = {}): Span => ({
    traceId: 't',
    spanId: `${service}-${i}`,
    operation: 'chat',
    service,
    dialect: 'test',
    startedAtMs: EPOCH_MS + i * 500,
    ttftMs: FIRST_MS,
    durationMs: FIRST_MS + REST_MS,
    inputTokens: 1000,
    cacheReadTokens: 0,
    outputTokens: OUTPUT,
    doubts: [],
    from: {},
    ...over,
  })
  // In the middle a burst is told to come later, and what is served meanwhile queues.
  const own = Array.from({ length: 1500 }, (_, i) => {
    const isBurst = i >= 700 && i < 760
    if (isBurst && i % 4 === 0) return call('shop', i, { httpStatus: 429 })
    return isBurst
      ? call('shop', i, { ttftMs: FIRST_MS + 3000, durationMs: FIRST_MS + REST_MS + 3000 })
      : call('shop', i)
  })
  const strangers = Array.from({ length: 30 }, (_, i) =>
    call(`stranger-${i}`, 40 * i, { ttftMs: FIRST_MS + 2500, durationMs: FIRST_MS + REST_MS + 2500 }),
  )
  const limited = (spans: readonly Span[]): number => {
    const attributor = createAttributor({ known })
    const all = [...spans.flatMap((span) => attributor.push(span)), ...attributor.end()]
    return all.filter((each) => each.service === 'shop' && JSON.stringify(each).includes('rate limited'))
      .length
  }
  const together = [...own, ...strangers].toSorted((a, b) => a.startedAtMs - b.startedAtMs)
  expect(limited(own)).toBeGreaterThan(20)
  expect(limited(together)).toBe(limited(own))
})
