/** What speaks for machines and against them: a neighbour on one, a slow one, another one than before, something unforeseen. */
import { stallShare, unevenness } from './gaps.js'
import type { Observation } from './observation.js'
import type { PeerEvidence } from './peers.js'
import type { Surroundings } from './surroundings.js'
import { add, none, ratio, SLOW, type Weight } from './weight.js'

/** A group is as slow as one of its calls from this share of its log ratio up. */
const WHOLE = 0.85
/** Spans elsewhere are as slow as one from this share of its log ratio up. */
const ALIKE = 0.6
/** Log likelihood ratio of peers from which they show a crowd. */
const SEEN = 1
/** Log odds. */
const ALONE = -2.5
const NEVER_WELL = -1.5
const EVERYWHERE = -3
const ONLY_REPLICA = -1
const UNTOLD_REPLICA = -1.1
const UNTOLD_ROUTE = -0.5
const ONLY_HERE = 1

export function neighbour(
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
export function something(
  { replicaKnown, routes }: Surroundings,
  { slow, crowded, all }: PeerEvidence,
): Weight {
  const weight = none()
  if (!replicaKnown || routes < 2) weight.peers = Math.max(0, slow, crowded, all)
  return weight
}

/** What the gaps say for a crowd, whoever is in it: log odds. */
export function crowdSigns(observation: Observation): number {
  const shaky = unevenness(observation)
  return shaky === null ? 0 : shaky > 3 ? 1.5 : -0.5
}

export function slowReplica(
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

export function route(
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
