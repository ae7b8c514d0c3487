/** What a service's trace would tell of a virtual outcome, by how much the span carries. */
import type { Tier } from '../../src/span/causes.js'
import type { Span } from '../../src/span/span.js'
import type { LabelledOutcome } from '../../src/simulate/virtual-request.js'

export function toSpan(
  outcome: LabelledOutcome,
  conversation: number,
  epochMs: number,
  tier: Tier,
  hidden: boolean,
): Span {
  const {
    index,
    arrivalMs,
    e2eMs,
    ttftMs,
    ttfvtMs,
    promptTokens,
    cachedTokens,
    outputTokens,
    reasoningTokens,
  } = outcome
  const { attempts, phases, region, replica, fingerprint, gapMeanMs, gapMaxMs } = outcome
  const last = attempts.at(-1)
  const retryMs = attempts.length > 1 && last !== undefined ? last.startMs - arrivalMs : 0
  const rich = tier === 'A' || tier === 'B'
  return {
    traceId: `t${index}`,
    spanId: `s${index}`,
    operation: 'chat',
    service: 'shop',
    dialect: 'test',
    startedAtMs: epochMs + arrivalMs,
    durationMs: e2eMs,
    modelRequested: 'm',
    doubts: [],
    from: {},
    ...(tier !== 'E' && {
      inputTokens: promptTokens,
      outputTokens,
      ...(reasoningTokens > 0 && { reasoningTokens }),
    }),
    ...((rich || tier === 'C') && {
      // Thinking that nobody sees ends with the first visible token.
      ttftMs: hidden && ttfvtMs !== undefined ? ttfvtMs : ttftMs,
      ttftScope: 'call' as const,
      streaming: true,
    }),
    ...(rich && {
      cacheReadTokens: cachedTokens,
      region,
      backend: fingerprint,
      replica: `r${replica}`,
      conversationId: `c${conversation}`,
      attempts: attempts.length,
      ...(retryMs > 0 && { retryMs }),
      gaps: { count: outputTokens - 1, meanMs: gapMeanMs, maxMs: gapMaxMs },
    }),
    // A header that says when the server began to answer.
    ...(tier === 'B' && {
      serverMs:
        (hidden && ttfvtMs !== undefined ? ttfvtMs : ttftMs) -
        retryMs -
        phases.network -
        (gapMaxMs < phases.client - 1 ? phases.client : 0),
    }),
    ...(tier === 'A' && {
      queueMs: phases.queue,
      prefillMs: phases.prefillFresh + phases.prefillCached,
      serverTtftMs:
        (hidden && ttfvtMs !== undefined ? ttfvtMs : ttftMs) -
        retryMs -
        phases.network -
        (gapMaxMs < phases.client - 1 ? phases.client : 0),
      serverMs: e2eMs - retryMs - phases.network - phases.client,
    }),
  }
}
