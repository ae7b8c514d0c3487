/** When the requests of an open loop are due: arithmetic, no clock. */
import type { Random } from '../random/random.js'
import type { ArrivalProcess } from './probe.js'

const NS_PER_S = 1e9

/** What an open loop is asked for. */
export interface Arrivals {
  arrivals: ArrivalProcess
  /** Arrivals per second; of a ramp or steps the first rate, of a trace its mean. */
  rate: number
  /** `gamma`: shape of the gaps. 1 is Poisson, below it bursts, above it ever more even. */
  burstiness?: number | undefined
  /** `ramp` and `step`: the last rate, arrivals per second. */
  rateTo?: number | undefined
  /** `step`: how many rates, each for an equal time. */
  steps?: number | undefined
  /** `trace`: offsets of recorded arrivals from the first, milliseconds, ascending. */
  offsetsMs?: readonly number[] | undefined
}

export const DEFAULT_STEPS = 4

/**
 * Offsets of `count` arrivals from the start of the visit, nanoseconds, ascending.
 * `constant`: equal gaps, first at 0. `poisson`: exponential gaps of mean 1/rate (a Poisson process of that rate),
 * the first gap included, so that the visit's start is no arrival by construction. `gamma`: gaps of gamma distribution
 * with that mean and CV 1/√burstiness. `ramp` and `step` are as even as `constant`: chance on top would hide where the
 * target bends. `trace`: as recorded; a trace that is too short begins again behind its last mean gap.
 */
export function arrivalOffsetsNs(load: Arrivals, count: number, random: Random): number[] {
  const { arrivals, rate } = load
  const meanGapNs = NS_PER_S / rate
  switch (arrivals) {
    case 'constant':
      return Array.from({ length: count }, (_, i) => Math.round(i * meanGapNs))
    case 'poisson':
      return summed(count, () => random.exponential() * meanGapNs)
    case 'gamma': {
      const shape = load.burstiness ?? 1
      return summed(count, () => (gamma(shape, random) / shape) * meanGapNs)
    }
    case 'ramp':
      return rampNs(rate, load.rateTo ?? rate, count)
    case 'step':
      return stepsNs(rate, load.rateTo ?? rate, load.steps ?? DEFAULT_STEPS, count)
    case 'trace':
      return replayedNs(load.offsetsMs ?? [], count)
  }
}

/** Mean rate of the whole visit, arrivals per second. */
export function meanRate({ arrivals, rate, rateTo = rate }: Arrivals): number {
  return arrivals === 'ramp' || arrivals === 'step' ? (rate + rateTo) / 2 : rate
}

function summed(count: number, gapNs: () => number): number[] {
  let at = 0
  return Array.from({ length: count }, () => Math.round((at += gapNs())))
}

/**
 * Gamma with mean and variance `shape` (Marsaglia & Tsang 2000, ACM TOMS 26; below 1 raised by one and brought back by
 * the power of a uniform, as they say in section 6).
 */
function gamma(shape: number, random: Random): number {
  if (shape < 1) return gamma(shape + 1, random) * (1 - random.next()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = random.normal()
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/**
 * The rate goes from a to b in a straight line over T = 2·count ÷ (a + b): arrival i is where the integral
 * a·t + (b − a)·t² ÷ 2T reaches i, in the form of the quadratic's root that also holds for a = b.
 */
function rampNs(a: number, b: number, count: number): number[] {
  const seconds = (2 * count) / (a + b)
  const bend = (b - a) / seconds
  return Array.from({ length: count }, (_, i) =>
    i === 0 ? 0 : Math.round(((2 * i) / (a + Math.sqrt(a * a + 2 * bend * i))) * NS_PER_S),
  )
}

/** `steps` rates from a to b, each kept for the same time; within one the gaps are equal. */
function stepsNs(a: number, b: number, steps: number, count: number): number[] {
  const rates = Array.from({ length: steps }, (_, j) => (steps === 1 ? a : a + ((b - a) * j) / (steps - 1)))
  const levelS = count / rates.reduce((sum, rate) => sum + rate, 0)
  const offsets: number[] = []
  let level = 0
  let before = 0 // arrivals due before this level
  for (let i = 0; i < count; i++) {
    while (level < steps - 1 && i >= before + rates[level]! * levelS) before += rates[level++]! * levelS
    offsets.push(Math.round((level * levelS + (i - before) / rates[level]!) * NS_PER_S))
  }
  return offsets
}

function replayedNs(offsetsMs: readonly number[], count: number): number[] {
  const { length } = offsetsMs
  const lastMs = offsetsMs.at(-1) ?? 0
  const roundMs = length > 1 ? (lastMs * length) / (length - 1) : 1000
  return Array.from({ length: count }, (_, i) => {
    const offsetMs = length === 0 ? 0 : offsetsMs[i % length]!
    return Math.round((Math.floor(i / Math.max(1, length)) * roundMs + offsetMs) * 1e6)
  })
}
