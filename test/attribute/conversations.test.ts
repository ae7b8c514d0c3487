import { describe, expect, it } from 'vitest'
import { createConversations } from '../../src/attribute/conversations.js'
import { knownTargets } from '../../src/attribute/known.js'
import type { Span } from '../../src/span/span.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'

const known = knownTargets(simulatedSnapshot('engine'))[0]!

/** A call of one conversation; `cacheReadTokens` undefined: the span does not tell. */
const call = (inputTokens: number, cacheReadTokens?: number): Span => ({
  traceId: 't',
  spanId: 's',
  operation: 'chat',
  dialect: 'test',
  conversationId: 'c',
  startedAtMs: 0,
  durationMs: 1000,
  inputTokens,
  cacheReadTokens,
  outputTokens: 10,
  doubts: [],
  from: {},
})

/** Tokens that should have been warm for the second call of a conversation. */
function warmOf(before: Span, next: Span, usual: number | undefined): number {
  const conversations = createConversations()
  conversations.add(before)
  return conversations.warmTokens(next, usual, known)
}

describe('the prefix of a call in a conversation', () => {
  it('that the call before it did not tell of is unknown, not 0: what is usual in its group stands', () => {
    // As long as the one before it: sent again, or sent while that one still ran.
    expect(warmOf(call(5000), call(5000), 3000)).toBe(3000)
    expect(warmOf(call(5000), call(5000, 0), 3000)).toBe(3000)
  })

  it('is at most what the call before it told, where it is no longer than that', () => {
    expect(warmOf(call(5000, 0), call(5000), 3000)).toBe(0)
    expect(warmOf(call(5000, 2000), call(5000), 3000)).toBe(2000)
  })

  it('is the whole of the one before it where that goes on, in a group that finds anything in the cache', () => {
    expect(warmOf(call(5000), call(6000), 3000)).toBe(5000)
    expect(warmOf(call(5000, 4000), call(6000), undefined)).toBe(5000)
  })

  it('of which nobody told anything promises nothing', () => {
    expect(warmOf(call(5000), call(6000), undefined)).toBe(0)
    expect(warmOf(call(5000), call(5000), undefined)).toBe(0)
  })
})
