/** Which prefix of a call should still be in the cache, by the call before it. Fixed memory: the oldest are forgotten. */
import type { Span } from '../span/span.js'
import type { Known } from './known.js'

export interface Conversations {
  /** Tokens that should have been cached; 0 where nothing says so. `usual`: what calls of its group usually find. */
  warmTokens(span: Span, usual: number | undefined, known: Known): number
  /** Its conversation is told, and nothing of it was seen before. */
  isFirst(span: Span): boolean
  add(span: Span): void
}

interface Last {
  inputTokens: number
  /** Undefined where the span did not tell: that is not 0. */
  cached: number | undefined
}

const MOST = 50_000
/** A hit is at best so much shorter than the prefix: the last block is seldom whole. */
const SLACK_TOKENS = 128

export function createConversations(): Conversations {
  const last = new Map<string, Last>()
  return {
    warmTokens(span, usual, known) {
      const { inputTokens } = span
      if (inputTokens === undefined) return usual ?? 0
      const before = span.conversationId === undefined ? undefined : last.get(span.conversationId)
      const most = Math.max(0, inputTokens - 1)
      // Who compacts a conversation gives up its prefix.
      if (span.compacted === true) return Math.min(most, span.cacheReadTokens ?? 0)
      const step = known.cache?.step ?? 1
      const whole = (tokens: number): number => Math.floor(Math.min(most, tokens) / step) * step
      // A cache that has never been seen to hold anything of this group promises nothing.
      // Nor does a prompt that was sent while a longer one of its conversation still ran.
      const goesOn = before !== undefined && inputTokens > before.inputTokens
      const own = !goesOn || (usual ?? before.cached ?? 0) === 0 ? 0 : whole(before.inputTokens)
      const warm = goesOn && own > 0 ? own : Math.min(whole(usual ?? 0), before?.cached ?? Infinity)
      const found = span.cacheReadTokens
      return found !== undefined && found + SLACK_TOKENS >= warm ? found : warm
    },
    isFirst: ({ conversationId }) => conversationId !== undefined && !last.has(conversationId),
    add(span) {
      const { conversationId, inputTokens } = span
      if (conversationId === undefined || inputTokens === undefined) return
      last.delete(conversationId)
      last.set(conversationId, { inputTokens, cached: span.cacheReadTokens })
      if (last.size > MOST) {
        const oldest = last.keys().next().value
        if (oldest !== undefined) last.delete(oldest)
      }
    },
  }
}
