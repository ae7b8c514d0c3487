import { describe, expect, it } from 'vitest'
import { createNoise } from '../../src/attribute/noise.js'
import { createTurns, type Turns, type Wait } from '../../src/attribute/turns.js'
import { createRandom } from '../../src/random/random.js'

/** First outputs take 2 s and scatter by 10 %. */
const EXPECTED_MS = 2000
const noise = createNoise({
  quantiles: Array.from({ length: 99 }, (_, i) => 0.1 * Math.log((i + 1) / (99 - i)) * 0.55),
  sd: 0.1,
  samples: 100,
})

/** One to eight calls in flight, and a first output that comes `waitOf` them later than it should. */
function waits(
  seed: string,
  count: number,
  waitOf: (endsMs: readonly number[], next: () => number) => number,
): Wait[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => {
    const ahead = 1 + Math.floor(random.next() * 8)
    const endsMs = Array.from({ length: ahead }, () => 500 + random.next() * 20_000).sort((a, b) => a - b)
    const servedMs = EXPECTED_MS * Math.exp(0.1 * random.normal())
    const firstMs = waitOf(endsMs, () => random.next()) + servedMs
    return { firstMs, expectedMs: EXPECTED_MS, noise, endsMs }
  })
}

/** Log odds of each, as it stands before it is learned from. */
function oddsOf(turns: Turns, all: readonly Wait[]): number[] {
  return all.map((wait) => {
    const odds = turns.weigh(wait)
    turns.learn(wait)
    return odds
  })
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

describe('a wait for a turn', () => {
  it.each([1, 2, 3])(
    'of over a second for one of %i slots speaks for queueing in 95 of 100 calls once 50 were seen, by 2.5 on average',
    (slots) => {
      // Served when all but slots − 1 of those before it have ended.
      const own = waits(`slots/${slots}`, 250, (ends) => ends[ends.length - slots] ?? 0)
      const all = oddsOf(createTurns(), own)
      const isLong = own.map(({ firstMs, expectedMs }) => firstMs - expectedMs > 1000)
      const odds = all.filter((_, i) => i >= 50 && isLong[i])
      expect(odds.filter((each) => each > 1).length / odds.length).toBeGreaterThanOrEqual(0.95)
      expect(mean(odds)).toBeGreaterThan(2.5)
    },
  )

  it('that has nothing to do with the calls in flight speaks for nothing: within ± .5 on average once 50 were seen', () => {
    const odds = oddsOf(
      createTurns(),
      waits('network', 300, (_, next) => 300 * 50 ** next()),
    ).slice(50)
    expect(Math.abs(mean(odds))).toBeLessThan(0.5)
  })

  it('with nobody in flight speaks against queueing where waits were for turns before, by 2 or more', () => {
    const turns = createTurns()
    for (const wait of waits('one', 100, (ends) => ends.at(-1) ?? 0)) turns.learn(wait)
    expect(turns.weigh({ firstMs: 5000, expectedMs: EXPECTED_MS, noise, endsMs: [] })).toBeLessThan(-2)
  })

  it('shorter than what the first output scatters by tells nothing', () => {
    const wait = { expectedMs: EXPECTED_MS, noise, endsMs: [150] }
    expect(createTurns().weigh({ ...wait, firstMs: 2150 })).toBe(0)
    expect(createTurns().weigh({ ...wait, firstMs: 900 })).toBe(0)
  })
})
