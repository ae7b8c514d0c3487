/** Judges the cache state that was asked for by the server's own count of cached tokens. */
import type { CacheAsked } from '../plan/probe.js'
import type { CacheRules } from '../provider/provider.js'
import type { CacheState } from './sample.js'

/** Chat templates share a few leading tokens among all prompts, so a fresh one may hit that much. */
const TEMPLATE_TOKENS = 64

export interface CacheExpectation {
  cache: CacheAsked
  /** The prefix asked to be warm, in the server's tokens. */
  prefixTokens: number
  /** How far `prefixTokens` may be off, where our tokenizer is not the model's; 0 where it is. */
  slackTokens: number
}

/**
 * Fresh is confirmed up to max(64 tokens, one cache step); warm from the asked prefix less two steps up, since the
 * last block of a prefix is often one that the suffix shares. A warm request without a single hit is never confirmed.
 * Any state is as asked where none was asked for. Nothing reported: unverified.
 */
export function cacheState(
  { cache, prefixTokens, slackTokens }: CacheExpectation,
  cachedTokens: number | undefined,
  { stepTokens }: CacheRules,
): CacheState {
  if (cachedTokens === undefined) return 'unverified'
  if (cache === 'any') return 'confirmed'
  const asAsked =
    cache === 'fresh'
      ? cachedTokens <= Math.max(TEMPLATE_TOKENS, stepTokens)
      : cachedTokens > 0 && cachedTokens >= prefixTokens - Math.max(2 * stepTokens, slackTokens)
  return asAsked ? 'confirmed' : 'contradicted'
}
