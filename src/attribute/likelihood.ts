/** How likely two stretches of a span are under each shape of delay, and how much delay each shape then means. */
import { wildDensity, type Noise } from './noise.js'
import type { Stretch } from './observation.js'

/**
 * `none`: noise alone. `first`: time added before the first output. `rest`: time added behind it. `both`: to both,
 * one not knowing of the other. `scale`: prefill and decode take f times as long. `scaleHalf`, `scaleAll`: half of base, or
 * all of it, too.
 * `firstScale`: `first` and `scale` at once.
 */
export const shapes = [
  'none',
  'first',
  'rest',
  'both',
  'scale',
  'scaleHalf',
  'scaleAll',
  'firstScale',
] as const
export type Shape = (typeof shapes)[number]

export interface Judged {
  likelihood: number
  /** Posterior means, ms: what was added before the first output and behind it. */
  firstMs: number
  restMs: number
  /** Of `firstMs`, what is a delay and no slower work. */
  delayMs: number
}

export interface Stretches {
  first: Stretch | undefined
  rest: Stretch | undefined
  /** Where the first-token time is not known. */
  whole: Stretch
  /** Part of the expected time to first output that does not scale with the replica, ms. */
  baseMs: number
  firstNoise: Noise
  restNoise: Noise
  /** Observed ÷ expected that stand for health, evenly weighted. */
  firstRatios: Float64Array
  restRatios: Float64Array
}

/**
 * Delays are taken to be log-uniform over this range, as a share of what the whole span should take; longer ones thin
 * out as 1/x², since a queue behind a burst may be of any length.
 */
const LEAST_SHARE = 0.02
const MOST_SHARE = 30
/** Factors are taken to be log-uniform over this range. */
const LEAST_FACTOR = 1.05
const MOST_FACTOR = 6
const FACTOR_RANGE = Math.log(MOST_FACTOR / LEAST_FACTOR)
const DELAY_RANGE = Math.log(MOST_SHARE / LEAST_SHARE)

/**
 * y = predicted·e^r + x, so p(y) = E over r of w(y − predicted·e^r): the delay x is integrated over the scatter of
 * health, never over a grid of delays, which a narrow scatter would fall through.
 */
export function judgeShapes(stretches: Stretches): Record<Shape, Judged> {
  const { first, rest, whole, firstNoise, restNoise, firstRatios, restRatios, baseMs } = stretches
  const scaleMs = Math.max(1, whole.expectedMs)
  const one = first ?? whole
  const clean = cleanOf(one, firstNoise)
  const late = addedTo(one, firstRatios, scaleMs)
  const cleanRest = rest === undefined ? 1 : cleanOf(rest, restNoise)
  const lateRest = rest === undefined ? { likelihood: 0, ms: 0 } : addedTo(rest, restRatios, scaleMs)
  const scaled = (base: number, withDelay: boolean): Judged =>
    scaledBoth(one, rest, { baseMs: base, firstNoise, firstRatios, restRatios, scaleMs, withDelay })
  return {
    none: { likelihood: clean * cleanRest, firstMs: 0, restMs: 0, delayMs: 0 },
    first: { likelihood: late.likelihood * cleanRest, firstMs: late.ms, restMs: 0, delayMs: late.ms },
    rest: { likelihood: clean * lateRest.likelihood, firstMs: 0, restMs: lateRest.ms, delayMs: 0 },
    both: {
      likelihood: late.likelihood * lateRest.likelihood,
      firstMs: late.ms,
      restMs: lateRest.ms,
      delayMs: late.ms,
    },
    scale: scaled(baseMs, false),
    scaleHalf: scaled(baseMs / 2, false),
    scaleAll: scaled(0, false),
    firstScale: scaled(baseMs, true),
  }
}

function cleanOf({ observedMs, expectedMs }: Stretch, noise: Noise): number {
  return noise.density(Math.log(positive(observedMs) / positive(expectedMs))) / positive(observedMs)
}

/** Observed ÷ expected at each node of a curve, which is asked for with every span. */
export function ratiosOf(nodes: Float64Array): Float64Array {
  let ratios = knownRatios.get(nodes)
  if (ratios === undefined) {
    ratios = nodes.map(Math.exp)
    knownRatios.set(nodes, ratios)
  }
  return ratios
}
const knownRatios = new WeakMap<Float64Array, Float64Array>()

function addedTo(
  { observedMs, expectedMs }: Stretch,
  ratios: Float64Array,
  scaleMs: number,
): { likelihood: number; ms: number } {
  const expected = positive(expectedMs)
  const least = LEAST_SHARE * scaleMs
  const most = MOST_SHARE * scaleMs
  let sum = 0
  let weighted = 0
  for (let i = 0; i < ratios.length; i++) {
    const x = observedMs - expected * ratios[i]!
    if (x < least) continue
    const w = (x > most ? most / x : 1) / (x * DELAY_RANGE)
    sum += w
    weighted += w * x
  }
  return { likelihood: sum / ratios.length, ms: sum > 0 ? weighted / sum : 0 }
}

interface ScaleOptions {
  baseMs: number
  firstNoise: Noise
  firstRatios: Float64Array
  restRatios: Float64Array
  scaleMs: number
  /** A delay before the first output beside the factor. */
  withDelay: boolean
}

/** One factor on prefill and decode: the rest of the stream tells it, node by node, and the first output must agree. */
function scaledBoth(first: Stretch, rest: Stretch | undefined, options: ScaleOptions): Judged {
  const { baseMs, firstNoise, firstRatios, restRatios, scaleMs, withDelay } = options
  const known = rest ?? first
  const fixed = rest === undefined ? Math.min(baseMs, first.expectedMs) : 0
  const scalable = positive(known.expectedMs - fixed)
  const work = Math.max(0, first.expectedMs - baseMs)
  const ratios = rest === undefined ? firstRatios : restRatios
  let sum = 0
  let firstMs = 0
  let restMs = 0
  let delayMs = 0
  for (let i = 0; i < ratios.length; i++) {
    const factor = (known.observedMs / ratios[i]! - fixed) / scalable
    if (factor < LEAST_FACTOR || factor > MOST_FACTOR) continue
    let likelihood = 1 / (positive(known.observedMs) * FACTOR_RANGE)
    let delay = 0
    if (rest !== undefined) {
      const stretched = { observedMs: first.observedMs, expectedMs: baseMs + factor * work }
      if (withDelay) {
        const added = addedTo(stretched, firstRatios, scaleMs)
        likelihood *= added.likelihood
        delay = added.ms
      } else likelihood *= cleanOf(stretched, firstNoise)
    } else if (withDelay) likelihood = 0
    sum += likelihood
    firstMs += likelihood * ((factor - 1) * (rest === undefined ? scalable : work) + delay)
    restMs += likelihood * (rest === undefined ? 0 : (factor - 1) * rest.expectedMs)
    delayMs += likelihood * delay
  }
  return {
    likelihood: sum / ratios.length,
    firstMs: sum > 0 ? firstMs / sum : 0,
    restMs: sum > 0 ? restMs / sum : 0,
    delayMs: sum > 0 ? delayMs / sum : 0,
  }
}

/** Evenly weighted nodes of the residuals for integrals over them. */
export function nodesOf(quantiles: readonly number[], doubt: number, count = 25): Float64Array {
  const n = quantiles.length
  return Float64Array.from({ length: count }, (_, i) => {
    const p = (i + 0.5) / count
    const q = quantiles[Math.min(n - 1, Math.max(0, Math.round(p * (n - 1))))] ?? 0
    // Doubt about the law spreads the nodes as it spreads the density: symmetrically, by its own quantile.
    return q + doubt * Math.log(p / (1 - p)) * 0.6
  })
}

function positive(ms: number): number {
  return Math.max(0.05, ms)
}

/** Where only the whole is known it scatters less than its first part: the nodes of a sum of two stretches. */
export function blendNodes(
  first: Float64Array,
  firstMs: number,
  rest: Float64Array,
  restMs: number,
): Float64Array {
  const n = first.length
  const total = positive(firstMs + restMs)
  return first.map((node, i) =>
    // Each node of the one meets a distant node of the other, as if they were drawn independently.
    Math.log((positive(firstMs) * Math.exp(node) + restMs * Math.exp(rest[(i * 7 + 3) % n]!)) / total),
  )
}

/** Squared distance, in kernels, from which a node has no part in a density. */
const FAR = 100

/** The density that a few evenly weighted nodes stand for: a Gaussian at each, and the wild share about all. */
export function noiseOfNodes(nodes: Float64Array): Noise {
  const n = nodes.length
  const mean = nodes.reduce((a, b) => a + b, 0) / n
  const sd = Math.max(0.01, Math.sqrt(nodes.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n))
  const kernel = Math.max(0.01, 0.9 * sd * n ** -0.2)
  const norm = 1 / (n * kernel * Math.sqrt(2 * Math.PI))
  return {
    centre: mean,
    sd,
    density(x) {
      let sum = 0
      for (let i = 0; i < n; i++) {
        const z = (x - nodes[i]!) / kernel
        // Farther away it is less than the last bit of the wild share.
        if (z * z < FAR) sum += Math.exp(-0.5 * z * z)
      }
      return 0.98 * sum * norm + 0.02 * wildDensity(x, 3 * sd)
    },
  }
}
