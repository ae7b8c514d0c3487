import { describe, expect, it } from 'vitest'
import { createTurns, type Wait } from '../../src/attribute/turns.js'
import { createRandom } from '../../src/random/random.js'

/** Calls in flight at the start of a call, and its wait: 0 to 30 s, known to within 200 ms. */
function waits(
  seed: string,
  count: number,
  waitOf: (endsMs: number[], next: () => number) => number,
): Wait[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => {
    const ahead = 1 + Math.floor(random.next() * 6)
    const endsMs = Array.from({ length: ahead }, () => 500 + random.next() * 20_000).sort((a, b) => a - b)
    return { waitMs: waitOf(endsMs, () => random.next()), sdMs: 200, endsMs }
  })
}

describe('a wait for a turn', () => {
  it.each([1, 2, 3])(
    'of over a second for one of %i slots speaks for queueing in 95 of 100 calls once 50 were seen, by 2 or more in log odds',
    (slots) => {
      const turns = createTurns()
      const noise = createRandom('noise')
      // Served when all but slots − 1 of those before it have ended.
      const own = waits(
        `slots/${slots}`,
        150,
        (ends) => (ends[ends.length - slots] ?? 0) + noise.normal() * 200,
      )
      const told = own.map((wait) => ({ odds: turns.weigh(wait), waitMs: wait.waitMs })).slice(50)
      const waited = told.filter(({ waitMs }) => waitMs > 1000)
      expect(waited.filter((each) => each.odds > 1).length / waited.length).toBeGreaterThanOrEqual(0.95)
      expect(waited.reduce((sum, each) => sum + each.odds, 0) / waited.length).toBeGreaterThan(2)
    },
  )

  it('that has nothing to do with the calls in flight speaks for nothing: within ± .5 on average once 50 were seen', () => {
    const turns = createTurns()
    const odds = waits('network', 300, (_, next) => 300 * 50 ** next())
      .map((wait) => turns.weigh(wait))
      .slice(50)
    expect(Math.abs(odds.reduce((sum, each) => sum + each, 0) / odds.length)).toBeLessThan(0.5)
  })

  it('with nobody in flight speaks against queueing where waits were for turns before, by 2 or more', () => {
    const turns = createTurns()
    for (const wait of waits('one', 100, (ends) => ends.at(-1) ?? 0)) turns.weigh(wait)
    expect(turns.weigh({ waitMs: 3000, sdMs: 200, endsMs: [] })).toBeLessThan(-2)
  })

  it('shorter than what the first output scatters by tells nothing', () => {
    expect(createTurns().weigh({ waitMs: 150, sdMs: 200, endsMs: [150] })).toBe(0)
    expect(createTurns().weigh({ waitMs: -900, sdMs: 200, endsMs: [400] })).toBe(0)
  })
})
