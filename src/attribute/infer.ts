/** From an observation and its surroundings to probabilities of causes and their milliseconds (STATISTICS: sets of causes). */
import type { ResidualCause, Surroundings, Weight } from './evidence.js'
import { PRIOR, residualCauses, weigh } from './evidence.js'
import { blendNodes, judgeShapes, noiseOfNodes, type Judged, type Shape } from './likelihood.js'
import type { Noise } from './noise.js'
import type { Observation } from './observation.js'

export interface Inferred {
  /** Probability that what lengths do not explain is scatter and nothing else. */
  none: number
  /** That something slowed it that none of the causes is. */
  unknown: number
  causes: Record<
    ResidualCause,
    { probability: number; ms: number; firstMs: number; restMs: number; evidence: string[] }
  >
}

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
  unknown: [
    ['first', 0.5],
    ['rest', 0.5],
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

export function infer(observation: Observation, around: Surroundings): Inferred {
  const { first, rest, whole, expected, known } = observation
  const scatter =
    first === undefined ? wholeScatter(observation) : { noise: known.ttftNoise, nodes: known.ttftNodes }
  const judged = judgeShapes({
    first,
    rest,
    whole,
    baseMs: expected.base,
    firstNoise: scatter.noise,
    restNoise: known.tpotNoise,
    firstNodes: scatter.nodes,
    restNodes: known.tpotNodes,
  })
  const weights = weigh(observation, around)
  const odds = (hypothesis: Hypothesis): number => {
    const prior = PRIOR[hypothesis]
    const extra = hypothesis === 'unknown' ? 0 : weights[hypothesis].logOdds
    return (prior / (1 - prior)) * Math.exp(extra)
  }
  const byPeers = (hypothesis: Hypothesis): number =>
    hypothesis === 'unknown' ? 0 : weights[hypothesis].peers
  let total = judged.none.likelihood
  const tally = new Map<Hypothesis, Tally>(
    hypotheses.map((each) => [each, { mass: 0, firstMs: 0, restMs: 0 }]),
  )

  hypotheses.forEach((a, i) => {
    const oddsA = odds(a)
    for (const [shape, share] of SHAPES[a]) {
      const { likelihood, firstMs, restMs } = judged[shape]
      const mass = oddsA * Math.exp(byPeers(a)) * share * likelihood
      total += mass
      book(tally.get(a)!, mass, firstMs, restMs)
    }
    for (const b of hypotheses.slice(i + 1)) {
      const oddsB = odds(b) * PAIR * Math.exp(better(byPeers(a), byPeers(b)))
      for (const [shapeA, shareA] of SHAPES[a]) {
        for (const [shapeB, shareB] of SHAPES[b]) {
          const shape = together(shapeA, shapeB)
          const { likelihood, firstMs, restMs } = judged[shape]
          const mass = oddsA * oddsB * shareA * shareB * likelihood
          total += mass
          const [partA, partB] = split(shapeA, shapeB, { firstMs, restMs })
          book(tally.get(a)!, mass, partA.firstMs, partA.restMs)
          book(tally.get(b)!, mass, partB.firstMs, partB.restMs)
        }
      }
    }
  })

  const of = (cause: ResidualCause) => concluded(tally.get(cause)!, total, weights[cause])
  const causes: Inferred['causes'] = {
    queueing: of('queueing'),
    'noisy-neighbour': of('noisy-neighbour'),
    'route-change': of('route-change'),
    'slow-replica': of('slow-replica'),
    retry: of('retry'),
    'client-stall': of('client-stall'),
    network: of('network'),
  }
  return { none: judged.none.likelihood / total, unknown: tally.get('unknown')!.mass / total, causes }
}

function wholeScatter({ expected, known }: Observation): { noise: Noise; nodes: Float64Array } {
  const firstMs = expected.base + expected.prefillFresh + expected.prefillCached
  const nodes = blendNodes(known.ttftNodes, firstMs, known.tpotNodes, expected.decode + expected.reasoning)
  return { noise: noiseOfNodes(nodes), nodes }
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

/** Who of two has which milliseconds: each what its shape can have, and half of what both can. */
function split(
  a: Shape,
  b: Shape,
  { firstMs, restMs }: Pick<Judged, 'firstMs' | 'restMs'>,
): [Pick<Judged, 'firstMs' | 'restMs'>, Pick<Judged, 'firstMs' | 'restMs'>] {
  const has = (shape: Shape): { first: number; rest: number } => ({
    first: shape === 'rest' ? 0 : 1,
    rest: shape === 'first' ? 0 : 1,
  })
  const inA = has(a)
  const inB = has(b)
  const shareOf = (mine: number, other: number): number => (mine === 0 ? 0 : mine / (mine + other))
  return [
    { firstMs: firstMs * shareOf(inA.first, inB.first), restMs: restMs * shareOf(inA.rest, inB.rest) },
    { firstMs: firstMs * shareOf(inB.first, inA.first), restMs: restMs * shareOf(inB.rest, inA.rest) },
  ]
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
