/** What neighbours, crowds of one's own and the level of a group say, before anybody is accused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAttributor } from '../../src/attribute/attribute.js'
import type { Attribution } from '../../src/attribute/attribution.js'
import { createCrowdMemory, crowdAt } from '../../src/attribute/crowd.js'
import { knownTargets } from '../../src/attribute/known.js'
import { createLevelWatch } from '../../src/attribute/level.js'
import { createNeighbours, MOST_BESIDE, type Passage } from '../../src/attribute/neighbours.js'
import { createNoise } from '../../src/attribute/noise.js'
import { createRandom } from '../../src/random/random.js'
import type { Span } from '../../src/span/span.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'

const passage = (startMs: number, facts: Partial<Passage> = {}): Passage => ({
  startMs,
  firstMs: startMs + 200,
  endMs: startMs + 1000,
  prefillMs: 100,
  contextMs: 0,
  logFirst: 0,
  logRest: 0,
  ...facts,
})

const HERE = { route: 1, fleet: 1, machine: 0 }
const THERE = { route: 2, fleet: 2, machine: 0 }

describe('neighbours', () => {
  const calls = fc.array(
    fc.record({ at: fc.integer({ min: 0, max: 20_000 }), lasts: fc.integer({ min: 1, max: 3000 }) }),
    { minLength: 1, maxLength: 25 },
  )

  test('of a route are the nearest in time, whichever came first: as a search through all of them finds', () => {
    fc.assert(
      fc.property(calls, fc.nat(), (drawn, pick) => {
        const store = createNeighbours()
        const sorted = drawn.toSorted((a, b) => a.at + a.lasts - b.at - b.lasts)
        const numbers = sorted.map(({ at, lasts }) => store.add(HERE, passage(at, { endMs: at + lasts })))
        store.add(THERE, passage(sorted[0]!.at))
        const own = pick % sorted.length
        const distance = (i: number): number => Math.abs(sorted[i]!.at - sorted[own]!.at)
        const found = store.near(numbers[own]!, 100_000, 3).map((number) => distance(numbers.indexOf(number)))
        const all = sorted.map((_, i) => i).filter((i) => i !== own)
        // Six on either side are looked at: among so few the nearest are.
        const near = all.filter((i) => Math.abs(i - own) <= 6).map(distance)
        expect(found).toEqual(near.toSorted((a, b) => a - b).slice(0, 3))
      }),
    )
  })

  test('at the same time are those that overlap: as a search through all of them finds', () => {
    fc.assert(
      fc.property(calls, fc.nat(), (drawn, pick) => {
        const store = createNeighbours()
        const sorted = drawn.slice(0, 12).toSorted((a, b) => a.at + a.lasts - b.at - b.lasts)
        const numbers = sorted.map(({ at, lasts }) => store.add(HERE, passage(at, { endMs: at + lasts })))
        const own = pick % sorted.length
        const { at: fromMs, lasts } = sorted[own]!
        const found: number[] = []
        const slots = new Int32Array(MOST_BESIDE)
        const count = store.beside(numbers[own]!, slots)
        for (const { startMs, endMs } of Array.from(slots.subarray(0, count), (slot) => store.at(slot)))
          found.push(startMs + endMs * 1e-6)
        const real = sorted
          .filter((each, i) => i !== own && each.at < fromMs + lasts && each.at + each.lasts > fromMs)
          .map((each) => each.at + (each.at + each.lasts) * 1e-6)
        expect(found.toSorted((a, b) => a - b)).toEqual(real.toSorted((a, b) => a - b))
      }),
    )
  })
})

describe('neighbours of another service', () => {
  const on = (route: number, machine: number) => ({ route, fleet: 1, machine })

  test('are at the same time those that the same machine served, or one that is not told', () => {
    const store = createNeighbours()
    const own = store.add(on(1, 7), passage(0, { endMs: 3000 }))
    const same = store.add(on(2, 7), passage(1000, { endMs: 2000 }))
    store.add(on(3, 8), passage(1000, { endMs: 2000 }))
    const untold = store.add(on(4, 0), passage(1500, { endMs: 2000 }))
    store.add({ route: 5, fleet: 2, machine: 7 }, passage(1500, { endMs: 2000 }))
    const slots = new Int32Array(MOST_BESIDE)
    expect([...slots.subarray(0, store.beside(own, slots))]).toEqual([same, untold])
  })

  test('are elsewhere those that another told machine served, the nearest in time first', () => {
    const store = createNeighbours()
    store.add(on(3, 8), passage(-5000))
    const own = store.add(on(1, 7), passage(0))
    store.add(on(2, 7), passage(1000))
    store.add(on(4, 0), passage(1500))
    const near = store.add(on(3, 8), passage(2000))
    expect(store.elsewhere(own, 10_000, 1)).toEqual([near])
    expect(store.elsewhere(own, 1000, 5)).toEqual([])
  })
})

describe('a crowd of one’s own', () => {
  test('a stream that stood still for 9 s is not told to have lost more to others than what they take of its 1 s', () => {
    const store = createNeighbours()
    const own = store.add(HERE, passage(0, { firstMs: 0, endMs: 10_000, logRest: Math.log(10) }))
    for (let i = 0; i < 10; i++)
      store.add(HERE, passage(i * 1000, { firstMs: i * 1000 + 300, endMs: i * 1000 + 310, prefillMs: 200 }))
    // They take 2 s of 10, a fifth; a stream of 1 s without them lasts 1.25 s.
    expect(crowdAt(store, own, 10).restMs).toBeCloseTo(250, 3)
  })

  test('a prefill of 500 ms in the stream of another call costs it 500 ms, and one that came before delays its first output', () => {
    const store = createNeighbours()
    const own = store.add(HERE, passage(0, { firstMs: 300, endMs: 3000 }))
    store.add(HERE, passage(1000, { firstMs: 1600, endMs: 1700, prefillMs: 500 }))
    store.add(HERE, passage(-100, { firstMs: 200, endMs: 250, prefillMs: 150 }))
    expect(crowdAt(store, own, 10)).toEqual({ firstMs: 150, restMs: 500 })
  })

  test('a context that adds 2 ms to steps of 8 costs a fifth of the time together', () => {
    const store = createNeighbours()
    const own = store.add(HERE, passage(0, { firstMs: 100, endMs: 2100, prefillMs: 0 }))
    store.add(HERE, passage(50, { firstMs: 100, endMs: 5000, prefillMs: 0, contextMs: 2 }))
    expect(crowdAt(store, own, 8).restMs).toBeCloseTo(400, 6)
  })

  test('without a law of decode, and without context, it costs the rest of a stream nothing, and is no crowd to learn from', () => {
    const store = createNeighbours()
    const own = store.add(HERE, passage(0, { firstMs: 100, endMs: 2100, prefillMs: 0 }))
    store.add(HERE, passage(50, { firstMs: 100, endMs: 5000, prefillMs: 0 }))
    expect(crowdAt(store, own, 0).restMs).toBe(0)
    const memory = createCrowdMemory()
    memory.add(0.5, NaN, 0.02)
    expect(memory.weight()).toBe(0.5)
  })

  test.each([
    ['is learned where calls cost each other what is foreseen: over .8 after 100', 1, 0.8, 1],
    ['is forgotten where they cost each other nothing: below .1 after 100', 0, 0, 0.1],
  ])('%s', (_, share, low, high) => {
    const random = createRandom('crowds')
    const memory = createCrowdMemory()
    for (let i = 0; i < 100; i++) {
      const crowd = 0.1 + 0.5 * random.next()
      memory.add(share * crowd * (0.8 + 0.4 * random.next()) + 0.02 * random.normal(), crowd, 0.02)
    }
    expect(memory.weight()).toBeGreaterThanOrEqual(low)
    expect(memory.weight()).toBeLessThanOrEqual(high)
  })
})

describe('the level of a group', () => {
  const noise = createNoise({ quantiles: [-0.05, -0.02, 0, 0.02, 0.05], sd: 0.05, samples: 100 })
  const levelOf = (log: number, faults: number): number | undefined => {
    const random = createRandom(`level/${log}/${faults}`)
    const watch = createLevelWatch()
    for (let i = 0; i < 400; i++)
      watch.add(log + 0.05 * random.normal() + (random.next() < faults ? Math.log(5) : 0))
    return watch.value(noise)?.log
  }

  test('is told to within 3 % where all calls take 1.6 times what they should, with 15 % of them five times as slow too', () => {
    expect(Math.abs(levelOf(Math.log(1.6), 0)! - Math.log(1.6))).toBeLessThan(0.03)
    expect(Math.abs(levelOf(Math.log(1.6), 0.15)! - Math.log(1.6))).toBeLessThan(0.03)
  })

  test('is none on the curve, be 15 % of the calls five times as slow', () => {
    expect(levelOf(0, 0)).toBeUndefined()
    expect(levelOf(0, 0.15)).toBeUndefined()
  })
})

test('a span dated a year ahead holds back no other', () => {
  const attributor = createAttributor({ known: [] })
  const nowMs = Date.parse('2026-11-24T12:00:00Z')
  const at = (startedAtMs: number): Span => ({
    traceId: 't',
    spanId: String(startedAtMs),
    operation: 'chat',
    dialect: 'test',
    startedAtMs,
    durationMs: 500,
    doubts: [],
    from: {},
  })
  attributor.push(at(nowMs + 3.2e10), nowMs)
  expect(attributor.push(at(nowMs + 20_000), nowMs + 21_000).map(({ spanId }) => spanId)).toEqual([
    String(nowMs + 3.2e10),
  ])
})

describe('against a baseline of a quiet provider', () => {
  // base 400 ms, 45 µs a fresh and 12 µs a cached token, 10 ms + .5 µs·context an output token; scatter 5 %.
  const known = knownTargets(simulatedSnapshot('attribute'))
  const target = known[0]!
  const EPOCH_MS = Date.UTC(2026, 10, 23, 10)
  const random = createRandom('quiet')

  /** A call that takes `factor` times what the curve says, but for the base. */
  function span(i: number, factor: number, replica: string): Span {
    const { base, prefillFresh } = target.ttft(2000, 0)
    const scatter = Math.exp(0.03 * random.normal())
    const ttftMs = (base + factor * prefillFresh) * Math.exp(0.03 * random.normal())
    return {
      traceId: 't',
      spanId: String(i),
      operation: 'chat',
      dialect: 'test',
      service: 'shop',
      startedAtMs: EPOCH_MS + i * 10_000,
      durationMs: ttftMs + 100 * target.tpot(2050) * factor * scatter,
      ttftMs,
      inputTokens: 2000,
      cacheReadTokens: 0,
      outputTokens: 101,
      replica,
      doubts: [],
      from: {},
    }
  }
  const attribute = (spans: readonly Span[]): Attribution[] => {
    const attributor = createAttributor({ known })
    return [...spans.flatMap((each) => attributor.push(each)), ...attributor.end()]
  }
  const accuses = ({ verdict }: Attribution): boolean =>
    verdict === 'slow-replica' || verdict === 'noisy-neighbour'

  test('a group that takes 1.6 times as long all the time accuses nobody: unknown, and it is said how much it is', () => {
    const found = attribute(Array.from({ length: 400 }, (_, i) => span(i, 1.6, `r${i % 3}`))).slice(150)
    expect(found.filter(accuses)).toEqual([])
    expect(found.filter(({ verdict }) => verdict === 'unknown').length).toBeGreaterThan(240)
    expect(found.at(-1)!.doubts.join()).toMatch(/about 1\.[56] times what the baseline says/)
  })

  test('in such a group the replica that is twice as slow again is found from its fifth call on, in 14 of 16', () => {
    const spans = Array.from({ length: 500 }, (_, i) =>
      span(i, i >= 440 && i % 3 === 1 ? 3.2 : 1.6, `r${i % 3}`),
    )
    const slow = attribute(spans).filter((_, i) => i >= 440 && i % 3 === 1)
    expect(slow).toHaveLength(20)
    // The first ones have no neighbours that tell a slow machine from a crowd.
    const named = slow.slice(4).filter(({ verdict }) => verdict === 'slow-replica')
    expect(named.length).toBeGreaterThanOrEqual(14)
  })

  test('where one replica serves all there is no slow replica', () => {
    const found = attribute(Array.from({ length: 300 }, (_, i) => span(i, i >= 250 ? 2.5 : 1, 'r0')))
    expect(found.filter(({ verdict }) => verdict === 'slow-replica')).toEqual([])
    expect(found.slice(250).filter(({ verdict }) => verdict !== 'none')).toHaveLength(50)
  })
})
