/** The attribution of one span, once its neighbours are known. */
import { causes as causeNames, type Cause, type Verdict } from '../span/causes.js'
import type { Span } from '../span/span.js'
import { isoTime } from '../units/time.js'
import type { Attribution, CauseFound } from './attribution.js'
import type { Choice } from './choose.js'
import { beyond, tempered } from './confidence.js'
import { directCauses, timesItself, type Direct } from './direct.js'
import { residualCauses } from './evidence.js'
import { infer, type Inferred } from './infer.js'
import { lengthExcess, type LengthExcess } from './length-excess.js'
import type { Observation } from './observation.js'
import { phasesOf } from './phases.js'
import type { Place } from './places.js'
import type { Surroundings } from './surroundings.js'

/** A cause is listed from here up: 50 ms or 10 % of the span, whichever is more. */
const LISTED_MS = 50
const LISTED_SHARE = 0.1
export const listedFrom = (durationMs: number): number => Math.max(LISTED_MS, LISTED_SHARE * durationMs)

/** How far a curve and a ninth decile are off in what lengths cost, as a share of the span. */
const LAW_SD = 0.02
/** And in what a whole span of counted lengths should take, at least. */
const LEAST_SD = 0.03
/** What scatter explains may hide a cause all the same: one in five does. */
const MOST_NONE = 0.8
/** Durations of a group alone tell this little: standard deviation of their logarithm. */
const BLIND_SD = 0.3

/** A cause below even odds is not named. */
const NAMED = 0.5

const NO_DIRECT: readonly Direct[] = []

/** Within the band: no neighbour can change that. */
export const isSound = ({ excessMs, span }: Observation): boolean => excessMs < listedFrom(span.durationMs)

/** `passage`: its number among those of its place. */
export function conclude(
  observation: Observation,
  choice: Choice,
  place: Place,
  passage: number,
): Attribution {
  const { span, excessMs } = observation
  const limit = listedFrom(span.durationMs)
  const direct = timesItself(observation) ? directCauses(observation, place.usual(observation)) : NO_DIRECT
  const settled = excessMs < limit
  const surroundings = settled || observation.blind ? undefined : place.surroundings(observation, passage)
  const inferred = surroundings === undefined ? undefined : infer(without(observation, direct), surroundings)
  const { phases, sources } = phasesOf(observation, direct, inferred)
  const found = settled ? [] : listCauses(observation, direct, inferred, limit)
  const unknownMs = Math.max(0, excessMs - found.reduce((sum, { ms }) => sum + ms, 0))
  const { verdict, probability } = verdictOf(observation, found, inferred, { unknownMs, limit })
  const doubts =
    surroundings === undefined
      ? doubtsOf(choice, observation)
      : [...doubtsOf(choice, observation), ...levelDoubts(surroundings)]
  const { traceId, spanId, service, operation, model, startedAt, durationMs } = head(span)
  // Field by field: a spread costs more than all that stands before it.
  return {
    traceId,
    spanId,
    service,
    operation,
    model,
    startedAt,
    durationMs,
    referenceMs: observation.referenceMs,
    phases,
    phaseSource: sources,
    causes: found,
    unknownMs,
    verdict,
    confidence: tempered(probability, observation.tier, doubts.length),
    tier: observation.tier,
    baseline: { id: choice.known.baseline.id, ageS: choice.ageS },
    doubts: verdict === 'unknown' && inferred !== undefined ? [...doubts, ...alike(inferred)] : doubts,
  }
}

/** What an attribution says of the span itself. */
export function head(span: Span) {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    service: span.service,
    operation: span.operation,
    model: span.modelRequested ?? span.modelServed,
    startedAt: isoTime(span.startedAtMs),
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

const doubtsOf = (choice: Choice, observation: Observation): readonly string[] =>
  choice.doubts.length === 0 ? observation.doubts : [...choice.doubts, ...observation.doubts]

/** What is as likely as any other cause, in the order of the causes: from this probability up. */
const LIKELY = 0.15

/** Said of what nobody can name because two causes or more would show alike. */
function alike({ causes }: Inferred): string[] {
  const likely = residualCauses.filter((cause) => causes[cause].probability >= LIKELY)
  const [last, ...others] = likely.toReversed()
  return last === undefined || others.length === 0
    ? []
    : [
        `${others.toReversed().join(', ')} or ${last} would show alike: nothing in the span tells which it was`,
      ]
}

/** Said of a group whose calls all take longer than the baseline has them. */
function levelDoubts({ level }: Surroundings): string[] {
  const log = Math.max(level.first?.log ?? 0, level.rest?.log ?? 0)
  return log === 0
    ? []
    : [
        `all calls like it take about ${Math.exp(log).toFixed(1)} times what the baseline says: let the scenario run beside production, at its hours`,
      ]
}

interface Candidate extends CauseFound {
  probability: number
}

/** Lengths first, since tokens were counted; then what the trace timed; then what was inferred. All within the excess. */
function listCauses(
  observation: Observation,
  direct: readonly Direct[],
  inferred: Inferred | undefined,
  limit: number,
): CauseFound[] {
  const { excessMs, span } = observation
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
  for (const { cause, firstMs, restMs, evidence } of direct) add(cause, firstMs + restMs, 1, [evidence()])
  for (const cause of residualCauses) {
    if (inferred === undefined) break
    const { probability, ms, evidence } = inferred.causes[cause]
    add(cause, ms * (merged.has(cause) ? probability : 1), probability, evidence)
  }
  const surely = (candidate: Candidate): Candidate => {
    const isInferred = candidate.probability < 1
    // What is told holds as far as its size is known to be worth listing.
    return isInferred
      ? candidate
      : { ...candidate, probability: Math.max(NAMED, beyond(candidate.ms - limit, LAW_SD * span.durationMs)) }
  }
  const named = [...merged.values()]
    .map(surely)
    .filter(({ probability, ms }) => probability >= NAMED && ms > 0)
  const asked = named.reduce((sum, { ms }) => sum + ms, 0)
  const factor = asked > excessMs ? excessMs / asked : 1
  // The scatter about what a cause should cost is shared out with it, unless something unknown may have a part in it.
  const timed = new Set<Cause>(direct.map(({ cause }) => cause))
  const isOpen = ({ cause }: Candidate): boolean => !isCounted(cause) && !timed.has(cause)
  const open = named.filter(isOpen).reduce((sum, { ms }) => sum + ms, 0)
  // Nor is what its group or its crowd usually costs.
  const unusualMs = excessMs - asked - (inferred?.usualMs ?? 0)
  const scatterMs = Math.max(0, unusualMs) * (1 - (inferred?.unknown ?? 1))
  const share = (each: Candidate): number =>
    each.ms * factor + (open > 0 && isOpen(each) ? (scatterMs * each.ms) / open : 0)
  return named
    .map((each) => ({ ...each, ms: share(each) }))
    .filter(({ ms }) => ms >= limit)
    .sort((a, b) => b.ms - a.ms || causeNames.indexOf(a.cause) - causeNames.indexOf(b.cause))
}

/** Causes whose size the token counts tell. */
const isCounted = (cause: Cause): boolean =>
  cause === 'prefill-surge' || cause === 'cold-cache' || cause === 'long-output' || cause === 'reasoning'

function lengthCauses(
  observation: Observation,
): [keyof LengthExcess, { ms: number; probability: number; evidence: string[] }][] {
  const { lengths, warmTokens, assumed, reference } = observation
  const excess = lengthExcess(observation)
  const told = (what: keyof Observation['lengths']): boolean => !assumed.includes(what)
  const found: [keyof LengthExcess, { ms: number; probability: number; evidence: string[] }][] = []
  const add = (cause: keyof LengthExcess, isTold: boolean, sentence: () => string): void => {
    const ms = excess[cause]
    if (ms > 0 && isTold) found.push([cause, { ms, probability: 1, evidence: [sentence()] }])
  }
  const prompt = lengths.fresh + lengths.cached
  const usual = (tokens: number): string =>
    observation.isEarly
      ? `where the baseline sampled up to ${count(tokens)} (too few calls were seen to know what is ordinary)`
      : `where up to ${count(tokens)} are ordinary`
  add(
    'cold-cache',
    told('cached'),
    () =>
      `${count(lengths.cached)} of ${count(prompt)} prompt tokens were cached, where ${count(warmTokens)} had been warm`,
  )
  add(
    'prefill-surge',
    told('fresh'),
    () => `${count(prompt - warmTokens)} fresh prompt tokens, ${usual(reference.fresh)}`,
  )
  add(
    'long-output',
    told('visible'),
    () => `${count(lengths.visible)} output tokens, ${usual(reference.visible)}`,
  )
  add(
    'reasoning',
    told('visible'),
    () => `${count(lengths.reasoning)} reasoning tokens, ${usual(reference.reasoning)}`,
  )
  return found
}

function verdictOf(
  observation: Observation,
  found: readonly CauseFound[],
  inferred: Inferred | undefined,
  { unknownMs, limit }: { unknownMs: number; limit: number },
): { verdict: Verdict; probability: number } {
  const [largest] = found
  const { excessMs, whole, known, blind, span, referenceMs } = observation
  if (inferred === undefined) {
    // In the band of the curve, or of the group: sure as far as it is from the limit.
    const sdMs = blind
      ? BLIND_SD * referenceMs
      : Math.max(LEAST_SD, known.tpotNoise.sd / 2) * Math.min(whole.expectedMs, span.durationMs)
    const isNone = beyond(limit - (span.durationMs - referenceMs), sdMs)
    if (excessMs < limit) return { verdict: 'none', probability: Math.max(NAMED, isNone) }
    if (largest !== undefined && largest.ms >= unknownMs)
      return { verdict: largest.cause, probability: largest.probability }
    return { verdict: 'unknown', probability: Math.max(NAMED, 1 - isNone) }
  }
  // What is not explained counts as scatter as far as scatter explains it; a group that is slow as a whole is not.
  const sound = inferred.none - (inferred.usualMs >= limit ? inferred.atLevel : 0)
  const isUnknown = unknownMs >= limit && sound < NAMED
  if (largest !== undefined && !(isUnknown && unknownMs > largest.ms)) {
    return { verdict: largest.cause, probability: largest.probability }
  }
  return isUnknown
    ? { verdict: 'unknown', probability: 1 - sound }
    : { verdict: 'none', probability: Math.min(MOST_NONE, inferred.none) }
}

const count = (tokens: number): string => String(Math.round(tokens)).replace(/\B(?=(?:\d{3})+$)/g, ',')
