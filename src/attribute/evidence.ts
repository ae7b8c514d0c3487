/** What speaks for and against each cause beside the clock: facts of the trace, of its neighbours and of its route. */
import type { Cause } from '../span/causes.js'
import { serverFirstMs } from './direct.js'
import type { Observation } from './observation.js'
import type { Crowd } from './crowd.js'
import type { Level } from './level.js'
import { weighPeers, type Pace, type PeerEvidence } from './peers.js'

/** Causes that show in what lengths do not explain. */
export const residualCauses = [
  'queueing',
  'noisy-neighbour',
  'route-change',
  'slow-replica',
  'retry',
  'client-stall',
  'network',
] as const satisfies readonly Cause[]
export type ResidualCause = (typeof residualCauses)[number]

const NO_PEERS: PeerEvidence = { slow: 0, crowded: 0, all: 0 }

/** What is known of the surroundings of a span. Log ratios are of observed to expected. */
export interface Surroundings {
  /** Spans on the same route within seconds: number, and median log ratio of the rest of the stream and of the first output, less level and crowd. */
  near: { count: number; rest: number; first: number }
  /** Pace of the spans nearest in time on the route, within minutes, behind their first output. */
  peers: readonly Pace[]
  /** Its own pace. */
  own: Pace
  /** What calls beside it should have cost it, and the probability that calls of its group cost each other that. */
  crowd: Crowd
  crowdWeight: number
  level: { first: Level | undefined; rest: Level | undefined }
  /** Routes that served its group so far. */
  routes: number
  /** Log odds that the wait before the first output was one for calls of its own service (`turns.ts`). */
  turn: number
  /** The route itself is told (a replica), not only guessed from a backend or a region. */
  replicaKnown: boolean
  /** Which route fact is another one than before, in words; null where none is, undefined where none is told. */
  routeChanged: string | null | undefined
  /** A persistent step in the log ratio of the group: its size, or 0. */
  step: number
  /** The group was seen at the pace of its baseline before: only then can it have changed. */
  wasWell: boolean
  /** Share of the group's last hundred spans, about, with a rate-limit status or a retry. */
  limited: number
}

export interface Weight {
  /** Added to the log prior odds. */
  logOdds: number
  /** Likewise, by the pace of peers: of two causes that explain it only the better one counts. */
  peers: number
  /** Sentences for the reader. */
  evidence: string[]
}

/** Prior probability that a span of unknown history has this cause in a size worth listing. */
export const PRIOR: Readonly<Record<ResidualCause | 'unknown', number>> = {
  queueing: 0.02,
  'noisy-neighbour': 0.02,
  'route-change': 0.01,
  'slow-replica': 0.01,
  retry: 0.01,
  'client-stall': 0.01,
  network: 0.01,
  unknown: 0.01,
}

/** Below it a log ratio is no slowdown worth a word. */
const SLOW = Math.log(1.15)
/** A group is as slow as one of its calls from this share of its log ratio up. */
const WHOLE = 0.85

export function weigh(observation: Observation, around: Surroundings): Record<ResidualCause, Weight> {
  const { span, rest, known } = observation
  const peers =
    rest === undefined
      ? NO_PEERS
      : weighPeers(around.own, around.peers, {
          sd: around.level.rest?.sd ?? known.tpotNoise.sd,
          sure: around.replicaKnown,
        })
  return {
    queueing: queueing(observation, around),
    'noisy-neighbour': neighbour(observation, around, peers),
    'route-change': route(around, peers),
    'slow-replica': slowReplica(around, stallShare(observation), peers),
    retry: retry(observation),
    'client-stall': clientStall(span.clientPauseMs, stallShare(observation)),
    network: network(observation),
  }
}

function queueing({ span, first }: Observation, { near, limited, turn }: Surroundings): Weight {
  const weight = none()
  add(weight, turn, turn > 1 ? 'its wait ended as another call of the service did' : undefined)
  // What the server says that it queued was taken off before: what is left is something else.
  if (span.queueMs !== undefined) add(weight, -3)
  else if (serverFirstMs(span, first) !== undefined) add(weight, 1.8, 'the wait was within the server')
  if (limited > 0.02) add(weight, 1, `${percent(limited)} of calls around it were rate limited`)
  if (near.count >= 3 && near.first > SLOW && near.rest < SLOW / 2) {
    add(weight, 1.5, `${near.count} calls near it waited too, and decoded at their usual pace`)
  }
  if (span.remainingRequests === 0) add(weight, 1, 'no request was left of the rate limit')
  return weight
}

function neighbour(
  observation: Observation,
  { near, replicaKnown }: Surroundings,
  peers: PeerEvidence,
): Weight {
  const weight = none()
  const oneGap = stallShare(observation)
  // A crowd slows many tokens; peers that were slow have no part in one gap.
  if (oneGap !== null && oneGap > 0.7) {
    add(weight, -6)
    return weight
  }
  const signs = crowdSigns(observation)
  add(weight, signs, signs > 0 ? 'gaps between tokens are uneven' : undefined)
  const where = replicaKnown ? 'on the same replica' : 'on the same route'
  const isTold = near.count >= 3 && near.rest > SLOW
  weight.peers = peers.crowded
  add(
    weight,
    0,
    isTold ? `${near.count} calls ${where} within seconds were slower too (${ratio(near.rest)})` : undefined,
  )
  return weight
}

/** What the gaps say for a crowd, whoever is in it: log odds. */
export function crowdSigns(observation: Observation): number {
  const shaky = unevenness(observation)
  return shaky === null ? 0 : shaky > 3 ? 1.5 : -0.5
}

function slowReplica(
  { peers: around, routes }: Surroundings,
  oneGap: number | null,
  peers: PeerEvidence,
): Weight {
  const weight = none()
  // Slow is a replica beside others.
  if (routes < 2) add(weight, -8)
  if (oneGap !== null && oneGap > 0.7) {
    add(weight, -6)
    return weight
  }
  const isTold = peers.slow > 1 && peers.slow > peers.crowded
  weight.peers = peers.slow
  add(
    weight,
    0,
    isTold ? `${around.length} calls there about that time were slower by much the same factor` : undefined,
  )
  return weight
}

function route(
  { routeChanged, step, wasWell, routes, replicaKnown, own }: Surroundings,
  peers: PeerEvidence,
): Weight {
  const weight = none()
  // A change of route meets all replicas; of one that is slow the mean of the group shows a part.
  const isOfAll = !replicaKnown || routes < 2 || step > WHOLE * own.log
  if (typeof routeChanged === 'string') {
    add(weight, 5, routeChanged)
    weight.peers = Math.max(0, peers.all)
  } else if (routeChanged === null) add(weight, -4)
  else {
    weight.peers = wasWell ? peers.all : Math.min(0, peers.all)
    if (!isOfAll) add(weight, -2)
  }
  if (step > SLOW && isOfAll)
    add(weight, 1.5, `the whole group has been slower by ${ratio(step)} since a step`)
  return weight
}

/** Odds that a way, if no route is told to have changed, takes so long: none takes a multiple of a whole call. */
export function oddsOfWay({ first, whole }: Observation, { routeChanged }: Surroundings): number {
  if (first === undefined || typeof routeChanged === 'string') return 1
  return Math.min(1, (whole.expectedMs / Math.max(1, first.observedMs - first.expectedMs)) ** 2)
}

function retry({ span, retryMs }: Observation): Weight {
  const weight = none()
  const { attempts } = span
  if (attempts === undefined) return weight
  // What the trace times is taken off before; what it only counts must be in the residual.
  if (attempts > 1 && retryMs === 0) add(weight, 5, `${attempts} attempts were made`)
  else add(weight, -6)
  return weight
}

function clientStall(pauseMs: number | undefined, oneGap: number | null): Weight {
  const weight = none()
  if (pauseMs !== undefined && pauseMs > 50) {
    add(weight, 4, `the calling process stood still for ${Math.round(pauseMs)} ms`)
  }
  if (oneGap !== null) {
    if (oneGap > 0.7) add(weight, 3, 'one gap between tokens holds the whole delay')
    else if (oneGap < 0.4) add(weight, -4)
  }
  return weight
}

function network({ span, first }: Observation): Weight {
  const weight = none()
  // Likewise what the client saw and the server did not.
  if (serverFirstMs(span, first) !== undefined) add(weight, -4)
  if (span.attempts !== undefined && span.attempts > 1) add(weight, -1)
  return weight
}

/** Longest gap as a share of the delay behind the first output; null where gaps are not told. */
function stallShare({ span, rest }: Observation): number | null {
  const max = span.gaps?.maxMs
  if (max === undefined || rest === undefined) return null
  const excess = rest.observedMs - rest.expectedMs
  return excess < 20 ? null : (max - (span.gaps?.meanMs ?? 0)) / excess
}

/** Longest gap ÷ median one; null where gaps are not told. */
function unevenness({ span }: Observation): number | null {
  const { maxMs, p50Ms, meanMs } = span.gaps ?? {}
  const usual = p50Ms ?? meanMs
  return maxMs === undefined || usual === undefined || usual <= 0 ? null : maxMs / usual
}

const none = (): Weight => ({ logOdds: 0, peers: 0, evidence: [] })

function add(weight: Weight, logOdds: number, sentence?: string): void {
  weight.logOdds += logOdds
  if (sentence !== undefined) weight.evidence.push(sentence)
}

const percent = (share: number): string => `${Math.round(100 * share)} %`
const ratio = (log: number): string => `× ${Math.exp(log).toFixed(2)}`
