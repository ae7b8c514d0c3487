/** From an observation and its surroundings to probabilities of causes and their milliseconds (STATISTICS: sets of causes). */
import { crowdSigns, oddsOfWay } from './evidence-machines.js'
import { PRIOR, residualCauses, weigh, type ResidualCause } from './evidence.js'
import { judgeSound } from './health.js'
import { shapes, type Shape } from './likelihood.js'
import type { Observation } from './observation.js'
import { SAME_REPLICA } from './peers.js'
import type { Surroundings } from './surroundings.js'
import type { Weight } from './weight.js'

export interface Inferred {
  /** Probability that what lengths do not explain is scatter and nothing else. */
  none: number
  /** Of `none`, that it is the level of its group, above the curve. */
  atLevel: number
  /** What it took beyond the curve as its group usually does, or for calls of its own service beside it, ms. */
  usualMs: number
  /** That something slowed it that none of the causes is. */
  unknown: number
  causes: Record<
    ResidualCause,
    { probability: number; ms: number; firstMs: number; restMs: number; evidence: string[] }
  >
}

/** Log odds from which a wait was one for calls of its own service. */
const TURN = 1

type Hypothesis = ResidualCause | 'unknown'
const hypotheses: readonly Hypothesis[] = [...residualCauses, 'unknown']

/** Two independent troubles at once are rarer than the product of their priors would leave room for in practice. */
const PAIR = 1

/** How each cause delays, as shares of shapes. */
const SHAPES: Readonly<Record<Hypothesis, readonly (readonly [Shape, number])[]>> = {
  queueing: [['first', 1]],
  network: [['first', 1]],
  retry: [['first', 1]],
  'client-stall': [
    ['first', 0.2],
    ['rest', 0.8],
  ],
  'noisy-neighbour': [
    ['both', 0.5],
    ['rest', 0.3],
    ['scale', 0.2],
  ],
  // A front end stands before the machine, or on it.
  'slow-replica': [
    ['scale', 0.4],
    ['scaleHalf', 0.3],
    ['scaleAll', 0.3],
  ],
  'route-change': [
    ['scaleAll', 0.2],
    ['scale', 0.2],
    ['firstScale', 0.4],
    ['first', 0.2],
  ],
  // Of what nobody foresaw, anything may come.
  unknown: [
    ['first', 0.35],
    ['rest', 0.25],
    ['both', 0.2],
    ['scale', 0.2],
  ],
}

/** One that explains what befell the peers is enough; one that speaks against them is not helped by one that is silent. */
const better = (a: number, b: number): number => (Math.max(a, b) > 0 ? Math.max(a, b) : Math.min(a, b))

/** The shape of two shapes at once. */
function together(a: Shape, b: Shape): Shape {
  if (a === b) return a
  const has = (shape: Shape): boolean => a === shape || b === shape
  const scales = has('scale') || has('scaleHalf') || has('scaleAll') || has('firstScale')
  if (scales) return has('rest') ? 'both' : 'firstScale'
  return 'both'
}

const shapeAt = (shape: Shape): number => shapes.indexOf(shape)

/** One hypothesis delaying in one of its ways; shapes by their numbers. */
interface Alone {
  shape: number
  share: number
  /** A changed route delays in it. */
  isWay: boolean
}

/** Two hypotheses at once, each delaying in one of its ways: the shape of both, and whose the milliseconds are. */
interface Pair extends Alone {
  /** The first one's part of the delay before the first output, of slower work there, and of what is behind it; the rest is the second one's. */
  delay: number
  work: number
  rest: number
}

const alone: readonly (readonly Alone[])[] = hypotheses.map((hypothesis) =>
  SHAPES[hypothesis].map(([shape, share]) => ({
    shape: shapeAt(shape),
    share,
    isWay: isWay(hypothesis, shape),
  })),
)

const pairs: readonly (readonly (readonly Pair[])[])[] = hypotheses.map((a, i) =>
  hypotheses.map((b, j) =>
    j <= i
      ? []
      : SHAPES[a].flatMap(([shapeA, shareA]) =>
          SHAPES[b].map(([shapeB, shareB]) => ({
            shape: shapeAt(together(shapeA, shapeB)),
            share: shareA * shareB,
            delay: partOfFirst(shapeA, shapeB, isDelay),
            work: partOfFirst(shapeA, shapeB, isWork),
            rest: partOf(shapeA !== 'first', shapeB !== 'first'),
            isWay: isWay(a, shapeA) || isWay(b, shapeB),
          })),
        ),
  ),
)

function isDelay(shape: Shape): boolean {
  return shape === 'first' || shape === 'both' || shape === 'firstScale'
}

function isWork(shape: Shape): boolean {
  return shape !== 'first' && shape !== 'both' && shape !== 'rest'
}

function isWay(hypothesis: Hypothesis, shape: Shape): boolean {
  return hypothesis === 'route-change' && isDelay(shape)
}

/** Who delays has the delay, and who works more slowly the slower work; where neither does, who is there at all. */
function partOfFirst(mine: Shape, others: Shape, is: (shape: Shape) => boolean): number {
  return is(mine) || is(others) ? partOf(is(mine), is(others)) : partOf(mine !== 'rest', others !== 'rest')
}

/** Each has what its shape can have, and half of what both can. */
function partOf(mine: boolean, others: boolean): number {
  return mine ? (others ? 0.5 : 1) : 0
}

export function infer(observation: Observation, around: Surroundings): Inferred {
  const weights = weigh(observation, around)
  const way = oddsOfWay(observation, around)
  const { crowdWeight, level, replicaKnown } = around
  // Who waited for its turn was not slowed by those that were served meanwhile.
  const crowd = around.turn > TURN ? { ...around.crowd, firstMs: 0 } : around.crowd
  // Odds of a crowd rise with what speaks for any crowd; calls at the same time need not share a machine.
  const sharing = crowdWeight * (replicaKnown ? 1 : SAME_REPLICA)
  const crowdOdds = (sharing / (1 - sharing)) * Math.exp(Math.max(0, crowdSigns(observation)))
  const sound = judgeSound(observation, { crowd, crowdOdds, level })
  const { judged } = sound
  const odds = (hypothesis: Hypothesis): number => {
    const prior = PRIOR[hypothesis]
    return (prior / (1 - prior)) * Math.exp(weights[hypothesis].logOdds)
  }
  const byPeers = (hypothesis: Hypothesis): number => weights[hypothesis].peers
  let total = judged.none.likelihood
  const tallies = hypotheses.map((): Tally => ({ mass: 0, firstMs: 0, restMs: 0 }))
  const allOdds = hypotheses.map(odds)
  const allPeers = hypotheses.map(byPeers)
  const byShape = shapes.map((shape) => judged[shape])
  for (let i = 0; i < hypotheses.length; i++) {
    const oddsA = allOdds[i]!
    const peersA = allPeers[i]!
    const tallyA = tallies[i]!
    for (const one of alone[i]!) {
      const { likelihood, firstMs, restMs } = byShape[one.shape]!
      const odd = one.isWay ? way : 1
      const mass = oddsA * Math.exp(peersA) * one.share * likelihood * odd
      total += mass
      book(tallyA, mass, firstMs, restMs)
    }
    for (let j = i + 1; j < hypotheses.length; j++) {
      const both = oddsA * allOdds[j]! * PAIR * Math.exp(better(peersA, allPeers[j]!))
      const tallyB = tallies[j]!
      for (const pair of pairs[i]![j]!) {
        const { likelihood, firstMs, restMs, delayMs } = byShape[pair.shape]!
        const mass = both * pair.share * likelihood * (pair.isWay ? way : 1)
        total += mass
        const mine = delayMs * pair.delay + (firstMs - delayMs) * pair.work
        book(tallyA, mass, mine, restMs * pair.rest)
        book(tallyB, mass, firstMs - mine, restMs * (1 - pair.rest))
      }
    }
  }

  const of = (cause: ResidualCause) => concluded(tallies[hypotheses.indexOf(cause)]!, total, weights[cause])
  const causes: Inferred['causes'] = {
    queueing: of('queueing'),
    'noisy-neighbour': of('noisy-neighbour'),
    'route-change': of('route-change'),
    'slow-replica': of('slow-replica'),
    retry: of('retry'),
    'client-stall': of('client-stall'),
    network: of('network'),
  }
  const none = judged.none.likelihood / total
  return {
    none,
    atLevel: none * sound.ofLevel,
    usualMs: sound.moreMs,
    unknown: tallies[hypotheses.indexOf('unknown')]!.mass / total,
    causes,
  }
}

interface Tally {
  mass: number
  firstMs: number
  restMs: number
}

function book(tally: Tally, mass: number, firstMs: number, restMs: number): void {
  tally.mass += mass
  tally.firstMs += mass * firstMs
  tally.restMs += mass * restMs
}

function concluded({ mass, firstMs, restMs }: Tally, total: number, { evidence }: Weight) {
  const scale = mass > 0 ? 1 / mass : 0
  return {
    probability: total > 0 ? mass / total : 0,
    ms: (firstMs + restMs) * scale,
    firstMs: firstMs * scale,
    restMs: restMs * scale,
    evidence,
  }
}
