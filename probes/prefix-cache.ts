/** Prefix cache: the same prompt length fresh and warm, and where asked for the cache's minimum and step. */
import type { CellSeen, MixedProbe } from '../src/plan/probe.js'

interface Settings {
  promptTokens: readonly number[]
  suffixTokens: number
  outputTokens: number
  blocks: number
  edges: boolean
  upToTokens: number
}

export const prefixCache: MixedProbe<Settings> = {
  name: 'prefix-cache',
  feeds: 'prefill',
  settings: (z) =>
    z.strictObject({
      promptTokens: z
        .array(z.int().min(2))
        .min(1)
        .describe('Prompt lengths, tokens; each is asked fresh and warm.'),
      suffixTokens: z
        .int()
        .min(1)
        .describe(
          'Tokens after the shared prefix, new in each request. Lengths at or below it are asked fresh only.',
        ),
      outputTokens: z.int().min(1).describe('Output length of each request, tokens.'),
      blocks: z
        .int()
        .min(1)
        .describe(
          'Samples per cell. A warm sample costs two requests: one that primes its prefix, and itself.',
        ),
      edges: z
        .boolean()
        .describe(
          "Then find the cache's minimum and step by bisection, from what the server reports as cached: some 30 requests.",
        ),
      upToTokens: z
        .int()
        .min(64)
        .describe('Longest prefix that the bisection asks, tokens; a minimum above it is not found.'),
    }),
  defaults: {
    promptTokens: [2048, 8192],
    suffixTokens: 64,
    outputTokens: 16,
    blocks: 12,
    edges: false,
    upToTokens: 4608,
  },
  goesOn: ({ edges }) => edges,
  /** Fresh and warm stand in the same blocks, so that drift cannot be taken for the cache. */
  plan({ promptTokens, suffixTokens, outputTokens, blocks }, random) {
    const fresh = promptTokens.map((length) => ({
      promptTokens: length,
      prefixTokens: 0,
      outputTokens,
      cache: 'fresh' as const,
    }))
    const warm = promptTokens
      .filter((length) => length > suffixTokens)
      .map((length) => ({
        promptTokens: length,
        prefixTokens: length - suffixTokens,
        outputTokens,
        cache: 'warm' as const,
      }))
    return Array.from({ length: blocks }, () => random.shuffle([...fresh, ...warm]))
  },
  next({ upToTokens, suffixTokens }, seen) {
    const cells = seen.cells.filter(({ ask }) => ask.search === true)
    if (cells.some(({ n, cacheHits, contradicted }) => n + contradicted > 0 && cacheHits.reported === 0)) {
      return {
        done: 'the server reports no cached tokens, so the minimum and step of its cache cannot be seen',
      }
    }
    if (cells.some(({ errors }) => errors >= TRIES)) {
      return { done: 'stopped looking for minimum and step: requests fail' }
    }
    const step = nextPrefix(cells.map(toPoint), upToTokens)
    if ('done' in step) return step
    const { prefix, tried } = step
    return {
      ask: [
        {
          promptTokens: prefix + Math.max(suffixTokens, LEAST_SUFFIX),
          prefixTokens: prefix,
          outputTokens: 2,
          cache: 'warm',
          concurrency: 1,
          // A first miss may be chance (a sixth of all hits, on some services): then the rest of the tries.
          requests: tried === 0 ? 1 : TRIES - tried,
          search: true,
        },
      ],
    }
  },
}

/** So many misses and no hit make a miss: where a sixth of warm requests misses by chance, one in 1,300 misleads. */
const TRIES = 4
/** Shortest prefix and suffix that have room for their nonces, tokens. */
const LEAST = 16
const LEAST_SUFFIX = 24

interface Point {
  prefix: number
  tried: number
  /** Tokens served, 0 for a miss. */
  served: number
  state: 'hit' | 'miss' | 'open'
}

function toPoint({ ask, cacheHits: { reported, hits, mostTokens } }: CellSeen): Point {
  const state = hits > 0 ? 'hit' : reported >= TRIES ? 'miss' : 'open'
  return { prefix: ask.prefixTokens, tried: reported, served: mostTokens, state }
}

/**
 * Served counts are whole steps from the minimum up. (1) Bisect on a logarithmic scale until the shortest hit is
 * at most twice the longest miss. (2) The step divides every served count, so it divides their greatest common
 * divisor g; a prefix of more than half of g beyond a served count that serves no more proves that it is g. (3) Bisect
 * whole steps down to the smallest count that is served while one step less is not.
 */
function nextPrefix(
  points: readonly Point[],
  longest: number,
): { prefix: number; tried: number } | { done: string } {
  const ask = (prefix: number): { prefix: number; tried: number } => ({
    prefix,
    tried: points.find((point) => point.prefix === prefix)?.tried ?? 0,
  })
  const open = points.find(({ state }) => state === 'open')
  if (open !== undefined) return ask(open.prefix)
  const hits = points.filter(({ state }) => state === 'hit')
  if (hits.length === 0) {
    return points.length === 0
      ? ask(longest)
      : { done: `no prefix of up to ${longest} tokens was served from the cache` }
  }
  const shortest = Math.min(...hits.map(({ prefix }) => prefix))
  const missed = points.filter(({ prefix, state }) => state === 'miss' && prefix < shortest)
  const miss = Math.max(0, ...missed.map(({ prefix }) => prefix))
  const floor = Math.max(LEAST, miss)
  if (shortest > 2 * floor) return ask(Math.round(Math.sqrt(floor * shortest)))

  const step = hits.map(({ served }) => served).reduce(greatestCommonDivisor)
  const smallest = Math.min(...hits.map(({ served }) => served))
  const isProven = step === 1 || hits.some(({ prefix, served }) => prefix - served >= step / 2)
  if (!isProven) {
    const asked = new Set(points.map(({ prefix }) => prefix))
    // The chat template adds a few tokens in front, which may carry the nearer one over the edge.
    const further = [3 / 4, 1 / 2].map((share) => smallest + Math.ceil(share * step))
    const untried = further.find((prefix) => !asked.has(prefix) && prefix <= 2 * longest)
    if (untried !== undefined) return ask(untried)
  }
  if (miss < smallest - step) {
    const middle = step * Math.floor((Math.floor(miss / step) + smallest / step) / 2)
    const prefix = middle + Math.floor(step / 4)
    if (
      middle > 0 &&
      middle < smallest &&
      prefix >= LEAST &&
      !points.some((point) => point.prefix === prefix)
    ) {
      return ask(prefix)
    }
  }
  const below = miss > 0 ? `, ${miss} are not served` : ''
  return { done: `the cache serves prefixes from ${smallest} tokens up${below}, in steps of ${step}` }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
