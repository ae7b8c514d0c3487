/** An attribution as spans: one beside the call with the causes as attributes, and one for each phase below it. */
import { createHash } from 'node:crypto'
import type { Phase } from '../span/causes.js'
import type { OtlpAttributes, OtlpGroup, OtlpSpan } from '../span/otlp-envelope.js'
import type { Attributed } from './paired.js'

const SCOPE = { name: 'plumbline' }

/** The order in which a call goes through its phases. */
const IN_TIME: readonly Phase[] = [
  'retry',
  'network',
  'queue',
  'prefillCached',
  'prefillFresh',
  'reasoning',
  'decode',
  'client',
]

/** Ids are made from the call's own, so that whoever attributes it twice writes the same spans. */
export function toOtlp(all: readonly Attributed[]): OtlpGroup[] {
  const services = new Map<string, OtlpSpan[]>()
  for (const attributed of all) {
    const service = attributed.span.service ?? 'unknown_service'
    const spans = services.get(service)
    if (spans === undefined) services.set(service, spansOf(attributed))
    else spans.push(...spansOf(attributed))
  }
  return [...services].map(([service, spans]) => ({
    resource: { 'service.name': service },
    scope: SCOPE,
    spans,
  }))
}

function spansOf({ span, attribution }: Attributed): OtlpSpan[] {
  const { startedAtMs } = span
  const { durationMs, phases, phaseSource, verdict } = attribution
  const traceId = hexId(span.traceId, 32) ?? hash(span.traceId, 32)
  const original = hexId(span.spanId, 16)
  const own = hash(`${span.traceId}/${span.spanId}`, 16)
  const root: OtlpSpan = {
    traceId,
    spanId: own,
    // An id of another make names no span that OTLP could know.
    parentSpanId: original,
    name: `plumbline ${verdict}`,
    kind: 'internal',
    startMs: startedAtMs,
    endMs: startedAtMs + durationMs,
    attributes: attributesOf(attribution),
    ...(original !== undefined && { links: [{ traceId, spanId: original }] }),
  }
  let atMs = startedAtMs
  const parts = IN_TIME.flatMap((phase): OtlpSpan[] => {
    const ms = phases[phase]
    if (!(ms > 0)) return []
    const startMs = atMs
    atMs += ms
    return [
      {
        traceId,
        spanId: hash(`${span.traceId}/${span.spanId}/${phase}`, 16),
        parentSpanId: own,
        name: `plumbline ${phase}`,
        kind: 'internal',
        startMs,
        endMs: atMs,
        attributes: {
          'plumbline.phase': phase,
          'plumbline.phase.ms': round(ms),
          'plumbline.phase.source': phaseSource[phase],
        },
      },
    ]
  })
  return [root, ...parts]
}

function attributesOf(attribution: Attributed['attribution']): OtlpAttributes {
  const { causes, verdict, confidence, tier, durationMs, referenceMs, unknownMs, model, baseline, doubts } =
    attribution
  const byCause = causes.flatMap(({ cause, ms, probability }) => [
    [`plumbline.cause.${cause}.ms`, round(ms)] as const,
    [`plumbline.cause.${cause}.probability`, round(probability)] as const,
  ])
  const evidence = causes.flatMap((cause) => cause.evidence)
  return {
    'plumbline.verdict': verdict,
    'plumbline.confidence': round(confidence),
    'plumbline.tier': tier,
    'plumbline.model': model,
    'plumbline.duration_ms': round(durationMs),
    'plumbline.reference_ms': referenceMs === null ? undefined : round(referenceMs),
    'plumbline.unknown_ms': round(unknownMs),
    ...Object.fromEntries(byCause),
    'plumbline.evidence': evidence.length === 0 ? undefined : evidence,
    'plumbline.doubts': doubts.length === 0 ? undefined : doubts,
    'plumbline.baseline.id': baseline?.id,
    'plumbline.baseline.age_s': baseline === null ? undefined : Math.round(baseline.ageS),
  }
}

/** A UUID is 32 digits with hyphens. */
function hexId(id: string, digits: number): string | undefined {
  const bare = id.replaceAll('-', '').toLowerCase()
  return bare.length === digits && /^[0-9a-f]+$/.test(bare) ? bare : undefined
}

function hash(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits)
}

const round = (value: number): number => Math.round(value * 1000) / 1000
