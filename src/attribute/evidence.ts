/** What speaks for and against each cause beside the clock: facts of the trace, of its neighbours and of its route. */
import type { Cause } from '../span/causes.js'
import { neighbour, route, slowReplica, something } from './evidence-machines.js'
import { clientStall, network, queueing, retry } from './evidence-waits.js'
import { stallShare } from './gaps.js'
import type { Observation } from './observation.js'
import { weighPeers, type PeerEvidence } from './peers.js'
import type { Surroundings } from './surroundings.js'
import type { Weight } from './weight.js'

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
