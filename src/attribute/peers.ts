/** What the pace of other spans on a route says of it: all as usual, all slower by the same factor, or some of them now and then. */
import { CROWD_SD } from './crowd.js'
import { wildDensity } from './noise.js'

export interface PeerEvidence {
  /** Log likelihood ratios against peers at their usual pace. */
  slow: number
  crowded: number
  /** All of the group slower by the same factor, whoever served it. */
  all: number
}

/** Log ratios of observed to expected behind the first output, above the level of the group. */
export interface Pace {
  log: number
  /** What calls beside it should have made of it, and the probability that they do. */
  crowd: number
  crowdWeight: number
}

/** Share of the nearest peers that share a spell with the span, and a replica where none is told. */
const IN_SPELL = 0.85
export const SAME_REPLICA = 0.3
/** Of peers in a crowd, those that met it; how far they are slowed (mean log ratio). */
const MET = 0.75
const SLOWED = 0.35
/** Peers are not independent: each further one counts for less (design effect, Kish 1965). */
const RHO = 0.1
const MOST = 8

/**
 * `sd` is that of health. `sure`: the peers were served by the same replica, and not only perhaps. What calls beside it
 * cost a peer is no sign of anything; nor are slow calls, `slowShare`, that come now and then whatever befalls others. `level` is where the group usually is.
 */
export function weighPeers(
  own: Pace,
  peers: readonly Pace[],
  { sd, sure, slowShare }: { sd: number; sure: boolean; slowShare: number },
): PeerEvidence {
  const inSpell = sure ? IN_SPELL : IN_SPELL * SAME_REPLICA
  const same = Math.hypot(Math.SQRT2 * sd, 0.03)
  const health = Math.hypot(sd, 0.02)
  let slow = 0
  let all = 0
  let crowded = 0
  for (const peer of peers) {
    const { log, crowd, crowdWeight } = peer
    const alone = gauss(log, health)
    const bell =
      crowd < health
        ? alone
        : (1 - crowdWeight) * alone + crowdWeight * gauss(log - crowd, Math.hypot(health, CROWD_SD * crowd))
    const beyond = log - crowdWeight * crowd
    const met = beyond > 0 ? Math.exp(-beyond / SLOWED) / SLOWED : 0
    const usual = (0.95 - slowShare) * bell + 0.05 * wildDensity(log, 3 * health) + slowShare * met
    // Both less what is foreseen of their crowds.
    const apart = log - own.log - crowdWeight * (crowd - own.crowd)
    const near = Math.hypot(same, crowdWeight * CROWD_SD * Math.hypot(crowd, own.crowd))
    const alike = 0.93 * gauss(apart, near) + 0.07 * wildDensity(apart, 4 * near)
    all += Math.log((IN_SPELL * alike + (1 - IN_SPELL) * usual) / usual)
    slow += Math.log((inSpell * alike + (1 - inSpell) * usual) / usual)
    const among = inSpell * MET
    crowded += Math.log((among * met + (1 - among) * usual) / usual)
  }
  const design = 1 + Math.max(0, peers.length - 1) * RHO
  // Held together, so that what tells the two apart is kept.
  const over = Math.max(0, Math.max(slow, crowded, all) / design - MOST)
  const held = (x: number): number => Math.max(-MOST, x / design - over)
  return { slow: held(slow), crowded: held(crowded), all: held(all) }
}

function gauss(x: number, sd: number): number {
  return Math.exp(-0.5 * (x / sd) ** 2) / (sd * Math.sqrt(2 * Math.PI))
}
