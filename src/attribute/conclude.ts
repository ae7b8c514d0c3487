/** The attribution of one span, once its neighbours are known. */
import { causes as causeNames, type Cause, type Verdict } from '../span/causes.js'
import type { Span } from '../span/span.js'
import type { Attribution, CauseFound } from './attribution.js'
import type { Choice } from './choose.js'
import { directCauses, type Direct } from './direct.js'
import { residualCauses, type ResidualCause } from './evidence.js'
import { infer, type Inferred } from './infer.js'
import type { LengthExcess, Observation } from './observation.js'
import { phasesOf } from './phases.js'
import type { Place } from './places.js'

/** A cause is listed from here up: 50 ms or 10 % of the span, whichever is more. */
const LISTED_MS = 50
const LISTED_SHARE = 0.1
export const listedFrom = (durationMs: number): number => Math.max(LISTED_MS, LISTED_SHARE * durationMs)

/** A cause below even odds is not named. */
const NAMED = 0.5

export function conclude(observation: Observation, choice: Choice, place: Place): Attribution {
  const { span, excessMs } = observation
  const limit = listedFrom(span.durationMs)
  const direct = directCauses(observation, place.usual())
  const settled = excessMs < limit
  const inferred = settled ? undefined : infer(without(observation, direct), place.surroundings(observation))
  const { phases, sources } = phasesOf(observation, direct, inferred)
  const found = inferred === undefined ? [] : listCauses(observation, direct, inferred, limit)
  const unknownMs = Math.max(0, excessMs - found.reduce((sum, { ms }) => sum + ms, 0))
  const { verdict, confidence } = verdictOf(found, inferred, unknownMs, limit)
  return {
    ...head(span),
    referenceMs: observation.referenceMs,
    phases,
    phaseSource: sources,
    causes: found,
    unknownMs,
    verdict,
    confidence,
    tier: observation.tier,
    baseline: { id: choice.known.baseline.id, ageS: choice.ageS },
    doubts: [...choice.doubts, ...observation.doubts],
  }
}

/** A span that no curve fits, or that failed: its time is told, not explained. */
export function unattributed(span: Span): Attribution {
  const { phases, sources } = { phases: { ...EMPTY, network: span.durationMs }, sources: {} }
  const reason =
    span.error === undefined
      ? `no baseline fits model ${span.modelRequested ?? span.modelServed ?? '(none named)'}: run a scenario against it`
      : `the call failed (${span.error})`
  return {
    ...head(span),
    referenceMs: null,
    phases,
    phaseSource: sources,
    causes: [],
    unknownMs: 0,
    verdict: 'unknown',
    confidence: 0,
    tier: 'E',
    baseline: null,
    doubts: [reason],
  }
}

const EMPTY = {
  network: 0,
  queue: 0,
  prefillFresh: 0,
  prefillCached: 0,
  reasoning: 0,
  decode: 0,
  retry: 0,
  client: 0,
}

function head(span: Span) {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    service: span.service,
    operation: span.operation,
    model: span.modelRequested ?? span.modelServed,
    startedAt: new Date(span.startedAtMs).toISOString(),
    durationMs: span.durationMs,
  }
}

/** The observation with what the trace times itself taken off. */
function without(observation: Observation, direct: readonly Direct[]): Observation {
  const rest = (part: 'firstMs' | 'restMs'): number =>
    direct.reduce((sum, each) => (each.cause === 'retry' ? sum : sum + each[part]), 0)
  const [firstMs, restMs] = [rest('firstMs'), rest('restMs')]
  if (firstMs === 0 && restMs === 0) return observation
  const less = (ms: number, off: number): number => Math.max(0.05, ms - off)
  return {
    ...observation,
    first: observation.first && {
      ...observation.first,
      observedMs: less(observation.first.observedMs, firstMs),
    },
    rest: observation.rest && { ...observation.rest, observedMs: less(observation.rest.observedMs, restMs) },
    whole: { ...observation.whole, observedMs: less(observation.whole.observedMs, firstMs + restMs) },
  }
}

interface Candidate extends CauseFound {
  probability: number
}

/** Lengths first, since tokens were counted; then what the trace timed; then what was inferred. All within the excess. */
function listCauses(
  observation: Observation,
  direct: readonly Direct[],
  inferred: Inferred,
  limit: number,
): CauseFound[] {
  const { excessMs } = observation
  const merged = new Map<Cause, Candidate>()
  const add = (cause: Cause, ms: number, probability: number, evidence: readonly string[]): void => {
    const known = merged.get(cause)
    if (known === undefined) merged.set(cause, { cause, ms, probability, evidence })
    else {
      merged.set(cause, {
        cause,
        ms: known.ms + ms,
        probability: Math.max(known.probability, probability),
        evidence: [...known.evidence, ...evidence],
      })
    }
  }
  for (const [cause, { ms, probability, evidence }] of lengthCauses(observation))
    add(cause, ms, probability, evidence)
  for (const { cause, firstMs, restMs, evidence } of direct) add(cause, firstMs + restMs, 0.97, [evidence])
  for (const cause of residualCauses) {
    const { probability, ms, evidence } = inferred.causes[cause]
    add(cause, ms * (merged.has(cause) ? probability : 1), probability, evidence)
  }
  const named = [...merged.values()].filter(({ probability, ms }) => probability >= NAMED && ms > 0)
  const asked = named.reduce((sum, { ms }) => sum + ms, 0)
  const factor = asked > excessMs ? excessMs / asked : 1
  return named
    .map((each) => ({ ...each, ms: each.ms * factor }))
    .filter(({ ms }) => ms >= limit)
    .sort((a, b) => b.ms - a.ms || causeNames.indexOf(a.cause) - causeNames.indexOf(b.cause))
}

function lengthCauses({
  lengthExcess,
  lengths,
  warmTokens,
  assumed,
}: Observation): [keyof LengthExcess, { ms: number; probability: number; evidence: string[] }][] {
  const told = (what: keyof Observation['lengths']): boolean => !assumed.includes(what)
  const found: [keyof LengthExcess, { ms: number; probability: number; evidence: string[] }][] = []
  const add = (cause: keyof LengthExcess, isTold: boolean, sentence: string): void => {
    const ms = lengthExcess[cause]
    if (ms > 0 && isTold) found.push([cause, { ms, probability: 0.97, evidence: [sentence] }])
  }
  const prompt = lengths.fresh + lengths.cached
  add(
    'cold-cache',
    told('cached'),
    `${count(lengths.cached)} of ${count(prompt)} prompt tokens were cached, where ${count(warmTokens)} had been warm`,
  )
  add(
    'prefill-surge',
    told('fresh'),
    `${count(prompt - warmTokens)} fresh prompt tokens, more than nine of ten calls of its kind`,
  )
  add(
    'long-output',
    told('visible'),
    `${count(lengths.visible)} output tokens, more than nine of ten calls of its kind`,
  )
  add(
    'reasoning',
    told('visible'),
    `${count(lengths.reasoning)} reasoning tokens, more than nine of ten calls of its kind`,
  )
  return found
}

function verdictOf(
  found: readonly CauseFound[],
  inferred: Inferred | undefined,
  unknownMs: number,
  limit: number,
): { verdict: Verdict; confidence: number } {
  if (inferred === undefined) return { verdict: 'none', confidence: 0.95 }
  const [largest] = found
  // What is not explained counts as scatter as far as scatter explains it.
  const isUnknown = unknownMs >= limit && inferred.none < NAMED
  if (largest !== undefined && !(isUnknown && unknownMs > largest.ms)) {
    return { verdict: largest.cause, confidence: largest.probability }
  }
  return isUnknown
    ? { verdict: 'unknown', confidence: 1 - inferred.none }
    : { verdict: 'none', confidence: inferred.none }
}

const count = (tokens: number): string => Math.round(tokens).toLocaleString('en')
export type { ResidualCause }
