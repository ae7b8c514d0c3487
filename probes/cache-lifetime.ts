/** Cache lifetime: how long a prefix stays warm, from prefixes that are left alone side by side. */
import type { AdaptiveProbe, Block, CellSeen } from '../src/plan/probe.js'

interface Settings {
  withinS: number
  shortestS: number
  ages: number
  prefixes: number
  prefixTokens: number
  suffixTokens: number
  outputTokens: number
}

/** A bracket this narrow (longer ÷ shorter age) needs no further look. */
const NARROW = 1.1
const MOST_BLOCKS = 4

export const cacheLifetime: AdaptiveProbe<Settings> = {
  name: 'cache-lifetime',
  feeds: 'cache',
  settings: (z) =>
    z.strictObject({
      withinS: z
        .number()
        .positive()
        .max(7 * 86_400)
        .describe(
          'Time that the probe may take, seconds. Half of it is the longest age of the first look; each further look stays inside the bracket that the last one left.',
        ),
      shortestS: z.number().positive().describe('Shortest age, seconds.'),
      ages: z
        .int()
        .min(2)
        .describe(
          'Ages of one look. All are waited for side by side, so a look lasts as long as the longest.',
        ),
      prefixes: z
        .int()
        .min(1)
        .describe('Prefixes of each age. Each is asked once: asking would keep it warm.'),
      prefixTokens: z
        .int()
        .min(16)
        .describe("Length of each prefix, tokens; well above the cache's minimum."),
      suffixTokens: z.int().min(16).describe('Tokens after the prefix, new in each request.'),
      outputTokens: z.int().min(1).describe('Output length of each request, tokens.'),
    }),
  defaults: {
    withinS: 1800,
    shortestS: 5,
    ages: 8,
    prefixes: 2,
    prefixTokens: 2048,
    suffixTokens: 64,
    outputTokens: 2,
  },
  likely: (settings) => askOf(settings, [settings.shortestS]),
  next(settings, seen, random) {
    const { withinS, shortestS, ages, prefixes } = settings
    const firstLook = spaced(shortestS, Math.max(shortestS, withinS / 2), ages)
    if (seen.blocks === 0) return { ask: random.shuffle(askOf(settings, repeated(firstLook, prefixes))) }
    const known = seen.cells.filter(({ cacheHits }) => cacheHits.reported > 0)
    if (known.length === 0) {
      return { done: 'the server reports no cached tokens, so how long it keeps a prefix cannot be seen' }
    }
    const bracket = crossing(known)
    if ('done' in bracket) return bracket
    const { warmS, coldS } = bracket
    const found = `a prefix is still served after ${warmS} s and no longer after ${coldS} s`
    const spentS = timeOf(known, firstLook)
    if (coldS / warmS <= NARROW) return { done: found }
    if (seen.blocks >= MOST_BLOCKS || spentS + coldS > withinS) {
      return { done: `${found}; the time allowed is over` }
    }
    // The ends are known; new ages lie between them.
    const inside = spaced(warmS, coldS, ages + 2).slice(1, -1)
    return { ask: random.shuffle(askOf(settings, repeated(inside, prefixes))) }
  },
}

/** Whole tenths of a second, evenly spaced on a logarithmic scale, each once. */
function spaced(fromS: number, toS: number, count: number): number[] {
  const ratio = (toS / fromS) ** (1 / Math.max(1, count - 1))
  const ages = Array.from({ length: count }, (_, i) => Math.round(10 * fromS * ratio ** i) / 10)
  return [...new Set(ages)]
}

function repeated(ages: readonly number[], times: number): number[] {
  return ages.flatMap((age) => Array.from({ length: times }, () => age))
}

function askOf({ prefixTokens, suffixTokens, outputTokens }: Settings, ages: readonly number[]): Block {
  return ages.map((ageS) => ({
    promptTokens: prefixTokens + suffixTokens,
    prefixTokens,
    outputTokens,
    cache: 'warm',
    concurrency: 1,
    requests: 1,
    ageS,
    search: true,
  }))
}

/** The ages between which hits turn into misses: where the fewest samples stand on the wrong side. */
function crossing(cells: readonly CellSeen[]): { warmS: number; coldS: number } | { done: string } {
  const sorted = cells
    .map(({ ask, cacheHits: { reported, hits } }) => ({ ageS: ask.ageS ?? 0, hits, misses: reported - hits }))
    .sort((a, b) => a.ageS - b.ageS)
  let wrong = sorted.reduce((sum, { hits }) => sum + hits, 0)
  let fewest = wrong
  let at = 0
  for (const [i, { hits, misses }] of sorted.entries()) {
    wrong += misses - hits
    // Of equals the latest: a look further out costs less than a lifetime missed.
    if (wrong <= fewest) [fewest, at] = [wrong, i + 1]
  }
  const warm = sorted[at - 1]
  const cold = sorted[at]
  if (warm === undefined) return { done: `no prefix was served again, not even after ${sorted[0]?.ageS} s` }
  if (cold === undefined) return { done: `prefixes are still served after ${warm.ageS} s` }
  return { warmS: warm.ageS, coldS: cold.ageS }
}

/** What the looks so far took at most: the longest age of the first, and of each later one no more than its longest. */
function timeOf(cells: readonly CellSeen[], firstLook: readonly number[]): number {
  const later = cells.map(({ ask }) => ask.ageS ?? 0).filter((age) => !firstLook.includes(age))
  return Math.max(...firstLook) + later.reduce((longest, age) => Math.max(longest, age), 0)
}
