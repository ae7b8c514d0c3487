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
  /** Spans on other machines of the fleet within minutes: number, and median log ratio of the rest, less crowd. */
  elsewhere: { count: number; rest: number }
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
  /** Own calls in flight at its start, where it waited longer than they foresee, and what such waits usually follow. */
  overlap: { inFlight: number; logOdds: number; share: number } | undefined
  /** The route itself is told (a replica), not only guessed from a backend or a region. */
  replicaKnown: boolean
  /** Which route fact is another one than before, in words; null where none is, undefined where none is told. */
  routeChanged: string | null | undefined
  /** A persistent step in the log ratio of the group: its size, or 0. */
  step: number
  /** Share of the group's calls, in the long run, whose stream was slow. */
  slowShare: number
  /** The group was seen at the pace of its baseline before: only then can it have changed. */
  wasWell: boolean
  /** Share of the group's last hundred spans, about, with a rate-limit status. */
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
  queueing: 0.013,
  'noisy-neighbour': 0.02,
  'route-change': 0.01,
  'slow-replica': 0.01,
  retry: 0.01,
  'client-stall': 0.01,
  network: 0.011,
  unknown: 0.015,
}

/** Below it a log ratio is no slowdown worth a word. */
const SLOW = Math.log(1.15)
/** A group is as slow as one of its calls from this share of its log ratio up. */
const WHOLE = 0.85
/** Spans elsewhere are as slow as one from this share of its log ratio up. */
const ALIKE = 0.6
/** A server had a wait where it had most of it. */
const MOSTLY = 0.8
/** Log likelihood ratio of peers from which they show a crowd. */
const SEEN = 1
/** Log odds. */
const ALONE = -2.5
const NEVER_WELL = -1.5
const EVERYWHERE = -3
const ONLY_REPLICA = -1
const UNTOLD_REPLICA = -1.1
const UNTOLD_ROUTE = -0.5
const UNSEEN = -3
const ONLY_HERE = 1
const WAITED_TOO = 1.5

export function weigh(
  observation: Observation,
  around: Surroundings,
): Record<ResidualCause | 'unknown', Weight> {
  const { rest, known } = observation
  const peers =
    rest === undefined
      ? NO_PEERS
      : weighPeers(around.own, around.peers, {
          slowShare: around.slowShare,
          sd: around.level.rest?.sd ?? known.tpotNoise.sd,
          sure: around.replicaKnown,
        })
  return {
    queueing: queueing(observation, around),
    'noisy-neighbour': neighbour(observation, around, peers),
    'route-change': route(around, peers),
    'slow-replica': slowReplica(around, stallShare(observation), peers),
    retry: retry(observation),
    'client-stall': clientStall(observation),
    network: network(observation, around),
    unknown: something(around, peers),
  }
}

function queueing(observation: Observation, around: Surroundings): Weight {
  const { near, limited, turn, overlap, own } = around
  const { span } = observation
  const weight = none()
  add(weight, turn, turn > 1 ? 'its wait ended as another call of the service did' : undefined)
  // What the server says that it queued was taken off before: what is left is something else.
  if (span.queueMs !== undefined) add(weight, -3)
  else if (isWithinServer(observation)) add(weight, 1.8, 'the wait was within the server')
  if (overlap !== undefined && turn <= 1 && overlap.logOdds > 0 && isWait(observation, own)) {
    const { inFlight, share, logOdds } = overlap
    const others = inFlight === 1 ? 'another call' : `${inFlight} other calls`
    add(
      weight,
      logOdds,
      logOdds > 1
        ? `${others} of its own were in flight: ${percent(share)} of such calls wait, and few else`
        : undefined,
    )
  }
  if (limited > 0.02) add(weight, 1, `${percent(limited)} of calls around it were rate limited`)
  if (waitedToo(around) && !thinksUnseen(observation)) {
    add(weight, WAITED_TOO, `${near.count} calls near it waited too, and decoded at their usual pace`)
  }
  if (span.remainingRequests === 0) add(weight, 1, 'no request was left of the rate limit')
  return weight
}

/** What is left of the wait, when what came late to the client was taken off, the server had too. */
function isWithinServer(observation: Observation): boolean {
  const { span, first, expected } = observation
  const serverMs = serverFirstMs(span, first)
  if (serverMs === undefined || first === undefined || thinksUnseen(observation)) return false
  const excessMs = first.observedMs - first.expectedMs
  return serverMs - (first.expectedMs - expected.base) >= MOSTLY * excessMs
}

/** What took long before the first output may have been its thinking. */
function thinksUnseen({ hidden, expected, first }: Observation): boolean {
  return hidden && first !== undefined && expected.reasoning > first.expectedMs / 2
}

/** More than a machine that is slower as a whole would make of it. */
function isWait({ first }: Observation, { log }: Pace): boolean {
  if (first === undefined) return false
  const slowedMs = first.expectedMs * (log > 0 ? Math.exp(log) : 1)
  return first.observedMs - slowedMs >= (first.observedMs - first.expectedMs) / 2
}

/** A queue or a bad network delays all that pass at the time. */
function waitedToo({ near }: Surroundings): boolean {
  return near.count >= 3 && near.first > SLOW && near.rest < SLOW / 2
}

function neighbour(
  observation: Observation,
  { near, elsewhere, own, replicaKnown, wasWell }: Surroundings,
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
  // Somebody else's load meets others too, for seconds: one slow span alone shows none.
  if (peers.crowded < SEEN) add(weight, ALONE)
  if (!wasWell) add(weight, NEVER_WELL)
  if (isEverywhere({ elsewhere, own })) add(weight, EVERYWHERE)
  if (isOnlyHere({ elsewhere, own })) add(weight, ONLY_HERE)
  add(
    weight,
    0,
    isTold ? `${near.count} calls ${where} within seconds were slower too (${ratio(near.rest)})` : undefined,
  )
  return weight
}

type Beside = Pick<Surroundings, 'elsewhere' | 'own'>

/** Other machines of the fleet are as slow at the time. */
const isEverywhere = ({ elsewhere: { count, rest }, own }: Beside): boolean =>
  count >= 3 && rest > ALIKE * own.log

/** They are at their usual pace. */
const isOnlyHere = ({ elsewhere: { count, rest }, own }: Beside): boolean =>
  count >= 3 && own.log > SLOW / 2 && rest < own.log / 2

/** What slowed it and its peers may be something that nobody foresaw, unless others were told to be well. */
function something({ replicaKnown, routes }: Surroundings, { slow, crowded, all }: PeerEvidence): Weight {
  const weight = none()
  if (!replicaKnown || routes < 2) weight.peers = Math.max(0, slow, crowded, all)
  return weight
}

/** What the gaps say for a crowd, whoever is in it: log odds. */
export function crowdSigns(observation: Observation): number {
  const shaky = unevenness(observation)
  return shaky === null ? 0 : shaky > 3 ? 1.5 : -0.5
}

function slowReplica(
  { peers: around, routes, replicaKnown, elsewhere, own, wasWell }: Surroundings,
  oneGap: number | null,
  peers: PeerEvidence,
): Weight {
  const weight = none()
  // Slow is a replica beside others; one that serves all may be slow for a time, or be another one than before.
  if (routes < 2) add(weight, replicaKnown ? ONLY_REPLICA : UNTOLD_REPLICA)
  if (!wasWell) add(weight, NEVER_WELL)
  if (isEverywhere({ elsewhere, own })) add(weight, EVERYWHERE)
  if (oneGap !== null && oneGap > 0.7) {
    add(weight, -6)
    return weight
  }
  const isTold = peers.slow > 1 && peers.slow > peers.crowded
  weight.peers = replicaKnown ? peers.slow : Math.max(peers.slow, peers.all)
  if (isOnlyHere({ elsewhere, own })) add(weight, ONLY_HERE)
  add(
    weight,
    0,
    isTold ? `${around.length} calls there about that time were slower by much the same factor` : undefined,
  )
  return weight
}

function route(
  { routeChanged, step, wasWell, routes, replicaKnown, own, elsewhere }: Surroundings,
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
    if (!replicaKnown && routes < 2) add(weight, UNTOLD_ROUTE)
    if (!isOfAll) add(weight, -2)
    if (isOnlyHere({ elsewhere, own })) add(weight, EVERYWHERE)
  }
  // A service that tells of no machine may have but one.
  if (step > SLOW && isOfAll && (replicaKnown || typeof routeChanged === 'string'))
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

function clientStall(observation: Observation): Weight {
  const weight = none()
  const { serverMs, decodeMs, clientPauseMs: pauseMs } = observation.span
  const oneGap = stallShare(observation)
  // What the server's own times show of it was taken off before; where nothing shows it, it is as good as any.
  if ((serverMs ?? decodeMs ?? pauseMs ?? oneGap ?? undefined) === undefined) add(weight, UNSEEN)
  if (pauseMs !== undefined && pauseMs > 50) {
    add(weight, 4, `the calling process stood still for ${Math.round(pauseMs)} ms`)
  }
  if (oneGap !== null) {
    if (oneGap > 0.7) add(weight, 3, 'one gap between tokens holds the whole delay')
    else if (oneGap < 0.4) add(weight, -4)
  }
  return weight
}

function network({ span, first }: Observation, around: Surroundings): Weight {
  const weight = none()
  // Likewise what the client saw and the server did not.
  if (serverFirstMs(span, first) !== undefined) add(weight, -4)
  else if (waitedToo(around)) add(weight, WAITED_TOO)
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
