/** The difference between our token count and the server's, learned from the usage that it reports. */
import { median } from 'simple-statistics'

/** One answered request: tokens by our tokenizer, and the prompt tokens in the server's usage. */
export interface TokenPair {
  sent: number
  reported: number
}

/** reported = overhead + ratio · sent. */
export interface TokenCorrection {
  /** Tokens that the server adds whatever the length: its chat template. */
  overhead: number
  /** Tokens of the server's tokenizer to one of ours; 1 for the right tokenizer. */
  ratio: number
  /** How many requests stand behind it; 0 leaves every count as it is. */
  pairs: number
}

// Lengths nearer than this cannot tell a ratio from the rounding of a few tokens.
const LEAST_SPREAD_TOKENS = 64
const MOST_LENGTHS = 100 // pairwise slopes grow with the square

/**
 * Fits the line by Theil and Sen (Sen 1968, JASA 63:1379): the ratio is the median slope over all pairs of lengths,
 * each length taken at its median report, the overhead the median of what is left. Up to 29 % of wild lengths do not
 * move it. With one length, or several within 64 tokens, ratio and overhead cannot be told apart: the whole
 * difference is overhead, and holds near that length only.
 */
export function fitTokenCorrection(pairs: readonly TokenPair[]): TokenCorrection {
  const usable = pairs.filter((pair) => pair.sent > 0 && pair.reported > 0)
  if (usable.length === 0) return { overhead: 0, ratio: 1, pairs: 0 }
  const ratio = medianSlope(thinned(mediansByLength(usable)))
  const overhead = median(usable.map(({ sent, reported }) => reported - ratio * sent))
  return { overhead, ratio, pairs: usable.length }
}

/** The length to build locally, tokens, so that the server counts `askedTokens`; at least 1. */
export function corrected(askedTokens: number, { overhead, ratio }: Omit<TokenCorrection, 'pairs'>): number {
  return Math.max(1, Math.round((askedTokens - overhead) / ratio))
}

function mediansByLength(pairs: readonly TokenPair[]): TokenPair[] {
  const reports = new Map<number, number[]>()
  for (const { sent, reported } of pairs) {
    const known = reports.get(sent)
    if (known) known.push(reported)
    else reports.set(sent, [reported])
  }
  return [...reports].map(([sent, all]) => ({ sent, reported: median(all) })).sort((a, b) => a.sent - b.sent)
}

function thinned(points: readonly TokenPair[]): readonly TokenPair[] {
  const step = Math.max(1, (points.length - 1) / (MOST_LENGTHS - 1))
  return points.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step))
}

function medianSlope(points: readonly TokenPair[]): number {
  const slopes: number[] = []
  for (const [i, a] of points.entries())
    for (const b of points.slice(i + 1))
      if (b.sent - a.sent >= LEAST_SPREAD_TOKENS) slopes.push((b.reported - a.reported) / (b.sent - a.sent))
  const slope = slopes.length === 0 ? 1 : median(slopes)
  return slope > 0 ? slope : 1
}
