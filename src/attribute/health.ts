/** How a span looks when nothing is wrong: on its curve, crowded by calls of its own service, or at the level of its group. */
import type { Crowd } from './crowd.js'
import { CROWD_SD } from './crowd.js'
import type { Level } from './level.js'
import {
  blendNodes,
  judgeShapes,
  noiseOfNodes,
  ratiosOf,
  shapes,
  type Judged,
  type Shape,
} from './likelihood.js'
import type { Noise } from './noise.js'
import type { Observation } from './observation.js'

/** What is known beside the curve. */
export interface Usually {
  crowd: Crowd
  /** Odds of the crowd against the curve alone, before the span is looked at. */
  crowdOdds: number
  /** Of the stretch to the first output and of the rest; undefined where the group is on its curve. */
  level: { first: Level | undefined; rest: Level | undefined }
}

/** Of one stretch: log residuals, evenly weighted, their ratios, and the density that they stand for. */
interface Scatter {
  nodes: Float64Array
  ratios: Float64Array
  noise: Noise
}

interface Health {
  weight: number
  first: Scatter
  rest: Scatter
  /** Beyond the curve, ms. */
  moreMs: number
  isLevel: boolean
}

export interface Sound {
  /** By shape of delay, over all ways to be sound. */
  judged: Record<Shape, Judged>
  /** Share of the `none` that is the level of the group and not the curve. */
  ofLevel: number
  /** What the sound part is beyond the curve at the mean, ms. */
  moreMs: number
}

/** A group off its curve: its calls are at its level rather than on the curve. */
const AT_LEVEL = 4
/** A crowd that costs less is lost in the scatter, as a share of the span. */
const LEAST_CROWD = 0.03

export function judgeSound(observation: Observation, usually: Usually): Sound {
  const healths = healthsOf(observation, usually)
  const { first, rest, whole, expected } = observation
  const total = healths.reduce((sum, { weight }) => sum + weight, 0)
  const each = healths.map((health) => ({
    share: health.weight / total,
    health,
    judged: judgeShapes({
      first,
      rest,
      whole,
      baseMs: expected.base,
      firstNoise: health.first.noise,
      restNoise: health.rest.noise,
      firstRatios: health.first.ratios,
      restRatios: health.rest.ratios,
    }),
  }))
  const [only] = each
  if (each.length === 1 && only !== undefined) return { judged: only.judged, ofLevel: 0, moreMs: 0 }
  const over = (shape: Shape): Judged => {
    const sum = { likelihood: 0, firstMs: 0, restMs: 0, delayMs: 0 }
    for (const { share, judged } of each) {
      const { likelihood, firstMs, restMs, delayMs } = judged[shape]
      sum.likelihood += share * likelihood
      sum.firstMs += share * likelihood * firstMs
      sum.restMs += share * likelihood * restMs
      sum.delayMs += share * likelihood * delayMs
    }
    const scale = sum.likelihood > 0 ? 1 / sum.likelihood : 0
    return {
      likelihood: sum.likelihood,
      firstMs: sum.firstMs * scale,
      restMs: sum.restMs * scale,
      delayMs: sum.delayMs * scale,
    }
  }
  const mass = ({ share, judged }: (typeof each)[number]): number =>
    share * shapes.reduce((sum, shape) => sum + judged[shape].likelihood, 0)
  const all = each.reduce((sum, one) => sum + mass(one), 0)
  const none = each.reduce((sum, { share, judged }) => sum + share * judged.none.likelihood, 0)
  const atLevel = each.reduce(
    (sum, { share, judged, health }) => sum + (health.isLevel ? share * judged.none.likelihood : 0),
    0,
  )
  return {
    judged: {
      none: over('none'),
      first: over('first'),
      rest: over('rest'),
      both: over('both'),
      scale: over('scale'),
      scaleHalf: over('scaleHalf'),
      scaleAll: over('scaleAll'),
      firstScale: over('firstScale'),
    },
    ofLevel: none > 0 ? atLevel / none : 0,
    moreMs: all > 0 ? each.reduce((sum, one) => sum + (mass(one) / all) * one.health.moreMs, 0) : 0,
  }
}

function healthsOf(observation: Observation, { crowd, crowdOdds, level }: Usually): Health[] {
  const { first, rest, whole, known } = observation
  const onCurve: Pick<Health, 'first' | 'rest'> = {
    first: first === undefined ? wholeScatter(observation) : onCurveOf(known.ttftNoise, known.ttftNodes),
    rest: onCurveOf(known.tpotNoise, known.tpotNodes),
  }
  const healths: Health[] = [{ ...onCurve, weight: 1, moreMs: 0, isLevel: false }]
  const crowdMs = crowd.firstMs + crowd.restMs
  if (crowdMs > LEAST_CROWD * whole.expectedMs && crowdOdds > 0.02) {
    const firstMs = first === undefined ? crowdMs : crowd.firstMs
    healths.push({
      first: crowded(onCurve.first, firstMs / Math.max(1, (first ?? whole).expectedMs)),
      rest:
        rest === undefined
          ? onCurve.rest
          : crowded(onCurve.rest, crowd.restMs / Math.max(1, rest.expectedMs)),
      weight: crowdOdds,
      moreMs: crowdMs,
      isLevel: false,
    })
  }
  if (level.first !== undefined || level.rest !== undefined) {
    const levelFirst = first === undefined ? level.rest : level.first
    const moreOf = (of: Level | undefined, ms: number): number =>
      of === undefined ? 0 : ms * (Math.exp(of.log) - 1)
    healths.push({
      first: levelled(onCurve.first, levelFirst),
      rest: levelled(onCurve.rest, level.rest),
      weight: AT_LEVEL,
      moreMs: moreOf(levelFirst, (first ?? whole).expectedMs) + moreOf(level.rest, rest?.expectedMs ?? 0),
      isLevel: true,
    })
  }
  return healths
}

const onCurveOf = (noise: Noise, nodes: Float64Array): Scatter => ({ noise, nodes, ratios: ratiosOf(nodes) })

function wholeScatter({ expected, known }: Observation): Scatter {
  const firstMs = expected.base + expected.prefillFresh + expected.prefillCached
  const nodes = blendNodes(known.ttftNodes, firstMs, known.tpotNodes, expected.decode + expected.reasoning)
  return scatterOf(nodes)
}

/** A delay of about `share` of what was expected, which is not well foreseen: each node meets a different part of it. */
function crowded(scatter: Scatter, share: number): Scatter {
  if (share < LEAST_CROWD / 2) return scatter
  const n = scatter.nodes.length
  const ratios = new Float64Array(n)
  const nodes = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const part = 0.9 + CROWD_SD * Math.sqrt(3) * ((2 * (((i * 7 + 3) % n) + 0.5)) / n - 1)
    const ratio = scatter.ratios[i]! + part * share
    ratios[i] = ratio
    nodes[i] = Math.log(ratio)
  }
  return { nodes, ratios, noise: noiseOfNodes(nodes) }
}

/** The scatter about the curve, moved to the level and as wide as the group's own. */
function levelled(scatter: Scatter, level: Level | undefined): Scatter {
  if (level === undefined) return scatter
  const { centre, sd } = scatter.noise
  const wider = Math.max(1, level.sd / Math.max(1e-3, sd))
  return scatterOf(scatter.nodes.map((node) => level.log + (node - centre) * wider))
}

function scatterOf(nodes: Float64Array): Scatter {
  return { nodes, ratios: nodes.map(Math.exp), noise: noiseOfNodes(nodes) }
}
