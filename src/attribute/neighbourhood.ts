/** What the neighbours of a span say, in time and place: their pace, what they should have cost it, whom it waited for. */
import { median } from '../stats/quantile.js'
import { crowdAt, type Crowd } from './crowd.js'
import type { GroupState } from './group-state.js'
import type { Known } from './known.js'
import type { Level } from './level.js'
import { MOST_BESIDE, slotOf, type NeighbourStore, type Passage } from './neighbours.js'
import type { Observation, Stretch } from './observation.js'
import type { Pace } from './peers.js'
import type { Surroundings } from './surroundings.js'
import { hasWaited, type Wait } from './turns.js'

const NEAR_MS = 10_000
const NEAR_MOST = 20
const WIDE_MS = 300_000
const WIDE_MOST = 12

/** What is remembered of it, written into `into`. */
export function fillPassage(
  into: Passage,
  { span, known, first, rest, whole, expected, lengths, retryMs, blind }: Observation,
): void {
  const startMs = span.startedAtMs + retryMs
  const endMs = span.startedAtMs + span.durationMs
  const toFirstMs = expected.base + expected.prefillFresh + expected.prefillCached
  into.startMs = startMs
  into.firstMs = Math.min(endMs, startMs + (first === undefined ? toFirstMs : first.observedMs))
  into.endMs = endMs
  into.prefillMs = blind ? 0 : expected.prefillFresh + expected.prefillCached
  into.contextMs = blind
    ? 0
    : Math.max(0, known.tpot(lengths.fresh + lengths.cached + lengths.visible / 2) - known.tpot(0))
  into.logFirst = blind || first === undefined ? NaN : logRatio(first)
  if (blind) into.logRest = NaN
  else if (first === undefined) into.logRest = retryMs > 0 ? NaN : logRatio(whole)
  else into.logRest = rest === undefined ? NaN : logRatio(rest)
}

function logRatio({ observedMs, expectedMs }: Stretch): number {
  return Math.log(Math.max(0.05, observedMs) / Math.max(0.05, expectedMs))
}

/** A wait, with the service's own calls in flight at its start; undefined where there was none, or it is told. */
export function waitOf(
  neighbours: NeighbourStore,
  { span, first, known, retryMs }: Observation,
  passage: number,
): Wait | undefined {
  const { startedAtMs, queueMs } = span
  if (first === undefined || queueMs !== undefined || retryMs > 0) return undefined
  const { observedMs: firstMs, expectedMs } = first
  if (!hasWaited(firstMs, expectedMs, known.ttftNoise)) return undefined
  const count = neighbours.beside(passage, beside)
  const { starts, endsAt } = neighbours.columns
  const endsMs: number[] = []
  for (let i = 0; i < count; i++) {
    const other = beside[i]!
    if (starts[other]! <= startedAtMs) endsMs.push(endsAt[other]! - startedAtMs)
  }
  return { firstMs, expectedMs, noise: known.ttftNoise, endsMs }
}

/** Used again for each search. */
const beside = new Int32Array(MOST_BESIDE)

/** Own calls in flight at its start, and whether it waited for longer than their prefills foresee. */
export function overlapOf(
  neighbours: NeighbourStore,
  { span, first, known, retryMs }: Observation,
  passage: number,
): { inFlight: number; waited: boolean } | undefined {
  const { startedAtMs, queueMs } = span
  if (first === undefined || queueMs !== undefined || retryMs > 0) return undefined
  const count = neighbours.beside(passage, beside)
  const { starts, endsAt } = neighbours.columns
  let inFlight = 0
  for (let i = 0; i < count; i++) {
    const other = beside[i]!
    if (starts[other]! <= startedAtMs && endsAt[other]! > startedAtMs) inFlight++
  }
  const { observedMs, expectedMs } = first
  if (!hasWaited(observedMs, expectedMs, known.ttftNoise)) return { inFlight, waited: false }
  const { firstMs } = crowdAt(neighbours, passage, known.tpot(0))
  return { inFlight, waited: hasWaited(observedMs, expectedMs + firstMs, known.ttftNoise) }
}

/** `level`: log ratio at which its group usually is. */
export function paceOf(
  { neighbours, crowdWeight }: { neighbours: NeighbourStore; crowdWeight: number },
  passage: number,
  known: Known,
  level: number,
  crowd: Crowd = crowdAt(neighbours, passage, known.tpot(0)),
): Pace {
  const slot = slotOf(passage)
  const { ends, firsts, logFirsts, logRests } = neighbours.columns
  const isWhole = Number.isNaN(logFirsts[slot]!)
  const restMs = isWhole ? ends[slot]! : ends[slot]! - firsts[slot]!
  const crowdMs = isWhole ? crowd.firstMs + crowd.restMs : crowd.restMs
  const expectedMs = Math.max(1, restMs / Math.exp(logRests[slot]!))
  return {
    log: logRests[slot]! - level,
    crowd: Math.log1p(crowdMs / expectedMs),
    crowdWeight,
  }
}

/** `isElsewhere`: it came over another route than is usual, and the group's level says nothing of it. */
export function lookAround(
  { neighbours, state, isElsewhere }: { neighbours: NeighbourStore; state: GroupState; isElsewhere: boolean },
  { known }: Observation,
  passage: number,
): Pick<Surroundings, 'near' | 'peers' | 'elsewhere' | 'own' | 'crowd' | 'crowdWeight' | 'level'> {
  const level = isElsewhere ? NO_LEVEL : levelsOf(state.levels, known)
  const crowdWeight = state.crowds.weight()
  const ownCrowd = crowdAt(neighbours, passage, known.tpot(0))
  const own = paceOf({ neighbours, crowdWeight }, passage, known, level.rest?.log ?? 0, ownCrowd)
  const seen = new Map<number, Pace>()
  const paceAt = (each: number): Pace => {
    const pace = seen.get(each) ?? paceOf({ neighbours, crowdWeight }, each, known, level.rest?.log ?? 0)
    seen.set(each, pace)
    return pace
  }
  const paces = (of: readonly number[]): Pace[] => of.map(paceAt).filter(({ log }) => !Number.isNaN(log))
  const near = neighbours.near(passage, NEAR_MS, NEAR_MOST)
  const less = ({ log, crowd }: Pace): number => log - crowd * crowdWeight
  const rests = paces(near).map(less)
  const others = paces(neighbours.elsewhere(passage, WIDE_MS, WIDE_MOST)).map(less)
  const firsts = near
    .map((each) => neighbours.columns.logFirsts[slotOf(each)]! - (level.first?.log ?? 0))
    .filter((x) => !Number.isNaN(x))
  return {
    near: { count: rests.length, rest: middle(rests), first: middle(firsts) },
    peers: paces(neighbours.near(passage, WIDE_MS, WIDE_MOST)),
    elsewhere: { count: others.length, rest: middle(others) },
    own,
    crowd: ownCrowd,
    crowdWeight,
    level,
  }
}

const NO_LEVEL = { first: undefined, rest: undefined }

/** A machine that is slower as a whole is late with its first output by that factor; what makes it later is a wait. */
function levelsOf(
  { first, rest }: GroupState['levels'],
  { ttftNoise, tpotNoise }: Known,
): { first: Level | undefined; rest: Level | undefined } {
  const ofRest = rest.value(tpotNoise)
  const ofFirst = first.value(ttftNoise)
  if (ofFirst === undefined || ofRest === undefined) return { first: undefined, rest: ofRest }
  const log = Math.min(ofFirst.log, ofRest.log)
  return { first: { log, sd: Math.min(ofFirst.sd, 2 * ttftNoise.sd) }, rest: ofRest }
}

function middle(values: readonly number[]): number {
  return values.length === 0 ? 0 : median(values)
}
