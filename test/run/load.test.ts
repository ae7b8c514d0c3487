import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import type { LoadContext } from '../../src/run/load.js'
import { underLoad } from '../../src/run/load.js'
import { systemClock } from '../../src/units/time.js'

const context = (over: Partial<LoadContext> = {}): LoadContext => ({
  clock: systemClock,
  random: createRandom(1),
  stopping: () => false,
  drain: new AbortController().signal,
  ...over,
})

const chains = Array.from({ length: 12 }, (_, i) => i)

/** Counts what is open at once. */
function counter() {
  const seen = { open: 0, most: 0, started: [] as number[] }
  const start = async (chain: number, ms: number): Promise<void> => {
    seen.started.push(chain)
    seen.most = Math.max(seen.most, ++seen.open)
    await sleep(ms)
    seen.open--
  }
  return { seen, start }
}

describe('closed loop', () => {
  it.each([1, 3, 12, 50])(
    'concurrency %i is reached and never passed, every chain runs once',
    async (concurrency) => {
      const { seen, start } = counter()
      await underLoad(chains, { kind: 'closed', concurrency }, context(), (chain) => start(chain, 5))
      expect(seen.most).toBe(Math.min(concurrency, chains.length))
      expect(seen.started.toSorted((a, b) => a - b)).toEqual(chains)
    },
  )

  it('starts nothing once the run is stopping, and waits for what is open', async () => {
    const { seen, start } = counter()
    const stopping = (): boolean => seen.started.length >= 4
    await underLoad(chains, { kind: 'closed', concurrency: 2 }, context({ stopping }), (chain) =>
      start(chain, 5),
    )
    expect(seen.started).toEqual([0, 1, 2, 3])
    expect(seen.open).toBe(0)
  })
})

describe('open loop', () => {
  const load = { kind: 'open', rate: 200, arrivals: 'constant', maxInFlight: 50 } as const

  it('is due at even gaps whatever the answers take: 12 of 100 ms at 200/s end within 0.8 s', async () => {
    const { seen, start } = counter()
    const due: number[] = []
    const startNs = systemClock.nowNs()
    await underLoad(chains, load, context(), (chain, intendedNs) => {
      due.push(intendedNs)
      return start(chain, 100)
    })
    expect(due.slice(1).map((ns, i) => ns - due[i]!)).toEqual(due.slice(1).map(() => 5_000_000))
    expect(seen.most).toBeGreaterThan(8)
    expect((systemClock.nowNs() - startNs) / 1e6).toBeLessThan(800) // one after another: 1.2 s
  })

  it('never starts before the due time', async () => {
    const early: number[] = []
    await underLoad(chains, load, context(), (_, intendedNs) => {
      early.push(Math.max(0, intendedNs - systemClock.nowNs()))
      return Promise.resolve()
    })
    expect(early).toEqual(chains.map(() => 0))
  })

  it('hands over up to 50 ms before the due time where the carrier waits out the rest, and no earlier', async () => {
    const leadNs = 50e6
    const ahead: number[] = []
    await underLoad(chains, { ...load, rate: 20 }, context({ leadNs }), async (_, dueNs) => {
      ahead.push(dueNs - systemClock.nowNs())
    })
    expect(ahead).toHaveLength(12)
    expect(Math.max(...ahead)).toBeLessThanOrEqual(leadNs)
  })

  it('holds starts back at maxInFlight and leaves their due times as they are', async () => {
    const { seen, start } = counter()
    const due: number[] = []
    await underLoad(chains, { ...load, maxInFlight: 2 }, context(), (chain, intendedNs) => {
      due.push(intendedNs)
      return start(chain, 30)
    })
    expect(seen.most).toBe(2)
    expect(due.at(-1)! - due[0]!).toBe(11 * 5_000_000)
  })

  it('a stop ends the wait for the next due time at once: 1 of 12 at 1 an hour', async () => {
    const { seen, start } = counter()
    const control = new AbortController()
    const slow = { ...load, rate: 1 / 3600 }
    const stopping = (): boolean => control.signal.aborted
    const running = underLoad(chains, slow, context({ stopping, drain: control.signal }), (chain) =>
      start(chain, 1),
    )
    await sleep(50)
    control.abort()
    await running
    expect(seen.started).toEqual([0])
  })
})
