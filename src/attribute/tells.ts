/** How much a span tells of itself: its first output, its tier, what speaks against believing it. */
import type { Tier } from '../span/causes.js'
import type { Span } from '../span/span.js'
import type { Known } from './known.js'
import type { Lengths } from './lengths.js'

/** Start of the served attempt to its first output; undefined where that is not told, or not to be believed. */
export function firstOutputMs(span: Span): number | undefined {
  // What a server times itself begins where its own span does, or so little later that the base holds it.
  const ttftMs = span.ttftMs ?? span.serverTtftMs
  if (ttftMs === undefined || span.doubts.includes('buffered') || ttftMs > span.durationMs) return undefined
  const retryMs = Math.min(span.durationMs, span.retryMs ?? 0)
  return span.ttftMs === undefined || span.ttftScope === 'attempt' ? ttftMs : Math.max(0, ttftMs - retryMs)
}

/** How much a span tells (`tiers`). `isTimed`: the time to its first output is known. */
export function tierOf(span: Span, isTimed: boolean): Tier {
  const { queueMs, prefillMs, decodeMs, inputTokens, outputTokens, cacheReadTokens } = span
  const counted = inputTokens !== undefined && outputTokens !== undefined
  if (counted && (queueMs !== undefined || prefillMs !== undefined || decodeMs !== undefined)) return 'A'
  if (isTimed && counted) return cacheReadTokens === undefined ? 'C' : 'B'
  return counted ? 'D' : 'E'
}

export const NO_DOUBTS: readonly string[] = []

export function doubtsOf(
  span: Span,
  lengths: Lengths,
  known: Known,
  assumed: readonly string[],
): readonly string[] {
  const { longest } = known
  const isLong = isBeyond(lengths.fresh, longest.fresh) && !assumed.includes('fresh')
  const longestCached = Math.max(longest.cached, longest.fresh)
  const isFar = isBeyond(lengths.cached, longestCached)
  if (!isLong && !isFar && span.doubts.length === 0) return NO_DOUBTS
  const doubts: string[] = []
  const say = (what: string, value: number, most: number): void =>
    void doubts.push(
      `${what} ${Math.round(value)} tokens: the baseline sampled up to ${most}; run a scenario with longer prompts`,
    )
  if (isLong) say('fresh prompt', lengths.fresh, longest.fresh)
  if (isFar) say('cached prefix', lengths.cached, longestCached)
  if (span.doubts.includes('buffered'))
    doubts.push('the stream was held back: its first-token time says nothing')
  if (span.doubts.includes('usage-missing')) doubts.push('the server counted no tokens')
  return doubts
}

const isBeyond = (value: number, longest: number): boolean => longest > 0 && value > longest * 1.05
