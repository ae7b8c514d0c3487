/** An attribution as JSON: the fields of format 1 in their order, milliseconds to a thousandth. */
import type { Attribution, CauseFound } from '../attribute/attribution.js'
import type { AttributionSummary, GroupSummary } from '../attribute/summary.js'

/** One line without its end: the text of `attributionJson`, put together in a tenth of the time. */
export function attributionLine(attribution: Attribution): string {
  const { service, model, referenceMs, phases, causes, baseline, doubts } = attribution
  return (
    `{"traceId":${text(attribution.traceId)},"spanId":${text(attribution.spanId)}` +
    `${service === undefined ? '' : `,"service":${text(service)}`},"operation":${text(attribution.operation)}` +
    `${model === undefined ? '' : `,"model":${text(model)}`},"startedAt":"${attribution.startedAt}"` +
    `,"durationMs":${figure(attribution.durationMs)},"referenceMs":${referenceMs === null ? 'null' : figure(referenceMs)}` +
    `,"phases":{"network":${figure(phases.network)},"queue":${figure(phases.queue)}` +
    `,"prefillFresh":${figure(phases.prefillFresh)},"prefillCached":${figure(phases.prefillCached)}` +
    `,"reasoning":${figure(phases.reasoning)},"decode":${figure(phases.decode)}` +
    `,"retry":${figure(phases.retry)},"client":${figure(phases.client)}}` +
    `,"phaseSource":${JSON.stringify(attribution.phaseSource)},"causes":[${causes.map(causeText).join(',')}]` +
    `,"unknownMs":${figure(attribution.unknownMs)},"verdict":"${attribution.verdict}"` +
    `,"confidence":${figure(attribution.confidence)},"tier":"${attribution.tier}","baseline":` +
    (baseline === null ? 'null' : `{"id":${text(baseline.id)},"ageS":${Math.round(baseline.ageS)}}`) +
    (doubts.length === 0 ? '}' : `,"doubts":${JSON.stringify(doubts)}}`)
  )
}

function causeText({ cause, ms, probability, evidence }: CauseFound): string {
  return `{"cause":"${cause}","ms":${figure(ms)},"probability":${figure(probability)},"evidence":${JSON.stringify(evidence)}}`
}

function text(value: string): string {
  return JSON.stringify(value)
}

/** What follows the point, by thousandths. */
const FRACTIONS = Array.from({ length: 1000 }, (_, part) =>
  part === 0 ? '' : `.${String(part).padStart(3, '0').replace(/0+$/, '')}`,
)

function figure(value: number): string {
  const parts = Math.round(value * 1000)
  if (!(parts >= 0 && parts < 1e9)) return JSON.stringify(thousandth(value))
  const whole = Math.floor(parts / 1000)
  return `${whole}${FRACTIONS[parts - whole * 1000]}`
}

export function attributionJson(attribution: Attribution): object {
  const { traceId, spanId, service, operation, model, startedAt, durationMs, referenceMs } = attribution
  const { phases, phaseSource, causes, unknownMs, verdict, confidence, tier, baseline, doubts } = attribution
  return {
    traceId,
    spanId,
    service,
    operation,
    model,
    startedAt,
    durationMs: thousandth(durationMs),
    referenceMs: referenceMs === null ? null : thousandth(referenceMs),
    phases: {
      network: thousandth(phases.network),
      queue: thousandth(phases.queue),
      prefillFresh: thousandth(phases.prefillFresh),
      prefillCached: thousandth(phases.prefillCached),
      reasoning: thousandth(phases.reasoning),
      decode: thousandth(phases.decode),
      retry: thousandth(phases.retry),
      client: thousandth(phases.client),
    },
    phaseSource,
    causes: causes.map(({ cause, ms, probability, evidence }) => ({
      cause,
      ms: thousandth(ms),
      probability: thousandth(probability),
      evidence,
    })),
    unknownMs: thousandth(unknownMs),
    verdict,
    confidence: thousandth(confidence),
    tier,
    baseline: baseline === null ? null : { id: baseline.id, ageS: Math.round(baseline.ageS) },
    ...(doubts.length > 0 && { doubts }),
  }
}

export function summaryJson({ by, all, groups, others, coverage }: AttributionSummary): object {
  return {
    by,
    all: groupJson(all),
    groups: groups.map(groupJson),
    ...(others !== null && { others: groupJson(others) }),
    coverage,
  }
}

function groupJson({
  p50Ms,
  p95Ms,
  slow,
  excessMs,
  causeMs,
  toldMs,
  unknownMs,
  worst,
  ...rest
}: GroupSummary) {
  return {
    ...rest,
    p50Ms: p50Ms === null ? null : Math.round(p50Ms),
    p95Ms: p95Ms === null ? null : Math.round(p95Ms),
    slow: { ...slow, overMs: slow.overMs === null ? null : Math.round(slow.overMs) },
    excessMs: thousandth(excessMs),
    causeMs: thousandths(causeMs),
    toldMs: thousandths(toldMs),
    unknownMs: thousandth(unknownMs),
    worst: worst.map(attributionJson),
  }
}

function thousandths(byCause: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(byCause).map(([cause, ms]) => [cause, thousandth(ms)]))
}

const thousandth = (value: number): number => Math.round(value * 1000) / 1000
