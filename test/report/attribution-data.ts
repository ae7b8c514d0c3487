/** Attributions of our own making. */
import type { Attribution } from '../../src/attribute/attribution.js'
import type { Attributed } from '../../src/attribute/paired.js'
import type { Verdict } from '../../src/span/causes.js'
import type { Span } from '../../src/span/span.js'

export interface Fields {
  span?: Partial<Span>
  attribution?: Partial<Attribution>
}

/** A span of `durationMs` whose excess over 1,000 ms is that of its verdict. */
export function attributed(i: number, durationMs: number, verdict: Verdict, fields: Fields = {}): Attributed {
  const startedAtMs = Date.UTC(2026, 10, 23, 9) + i * 1000
  const excess = Math.max(0, durationMs - 1000)
  const isCause = verdict !== 'none' && verdict !== 'unknown'
  const span: Span = {
    traceId: `5b8efff798038103d269b633${i.toString(16).padStart(8, '0')}`,
    spanId: `eee19b7e${i.toString(16).padStart(8, '0')}`,
    operation: 'chat',
    dialect: 'test',
    service: 'shop',
    modelRequested: 'gpt-x',
    startedAtMs,
    durationMs,
    doubts: [],
    from: {},
    ...fields.span,
  }
  return {
    span,
    attribution: {
      traceId: span.traceId,
      spanId: span.spanId,
      service: span.service,
      operation: 'chat',
      model: span.modelRequested,
      startedAt: new Date(span.startedAtMs).toISOString(),
      durationMs,
      referenceMs: 1000,
      phases: {
        network: durationMs * 0.1,
        queue: 0,
        prefillFresh: durationMs * 0.6,
        prefillCached: 0,
        reasoning: 0,
        decode: durationMs * 0.3,
        retry: 0,
        client: 0,
      },
      phaseSource: { network: 'curve', prefillFresh: 'ttft', decode: 'ttft' },
      causes: isCause ? [{ cause: verdict, ms: excess, probability: 0.86, evidence: ['so it was'] }] : [],
      unknownMs: isCause ? 0 : excess,
      verdict,
      confidence: 0.86,
      tier: 'B',
      baseline: { id: '20261123T085000Z-9c1e', ageS: 600 },
      doubts: [],
      ...fields.attribution,
    },
  }
}
