/** Background tenants: other customers whose requests arrive in bursts and fill the same batches. */
import type { Random } from '../random/random.js'
import type { Tenant } from './fleet-constants.js'

/** What an incident brings where it names no tenant: the bursts of a chat product with long prompts. */
export const NEIGHBOUR: Tenant = {
  name: 'neighbour',
  ratePerS: 0,
  cv: 2.5,
  family: 'gamma',
  promptTokens: 1500,
  outputTokens: 200,
}

/** The mean of a lognormal with σ 1 over its median. */
export const MEAN_OVER_MEDIAN = Math.exp(0.5)

/** Gaps between arrivals with mean 1. */
export type Gaps = () => number

export function gapsOf({ family, cv }: Pick<Tenant, 'family' | 'cv'>, random: Random): Gaps {
  if (family === 'gamma') {
    const shape = 1 / (cv * cv)
    return () => gamma(shape, random) / shape
  }
  const shape = weibullShape(cv)
  const scale = 1 / Math.exp(lnGamma(1 + 1 / shape))
  return () => scale * random.exponential() ** (1 / shape)
}

/** Marsaglia & Tsang 2000 (ACM TOMS 26), boosted below shape 1; scale 1. */
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

/** The shape whose Weibull has this coefficient of variation: by bisection, the CV falls with the shape. */
function weibullShape(cv: number): number {
  let low = 0.1
  let high = 20
  for (let i = 0; i < 60; i++) {
    const shape = Math.sqrt(low * high)
    const square = Math.exp(lnGamma(1 + 2 / shape) - 2 * lnGamma(1 + 1 / shape)) - 1
    if (square > cv * cv) low = shape
    else high = shape
  }
  return Math.sqrt(low * high)
}

/** Stirling's series with three terms, shifted to x ≥ 8: about 9 digits. */
function lnGamma(x: number): number {
  let shift = 0
  for (; x < 8; x++) shift -= Math.log(x)
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5)
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series
}

/** A length with this median, lognormal with σ 1, between 1 and `most`. */
export function lengthOf(median: number, most: number, random: Random): number {
  return Math.max(1, Math.min(most, Math.round(median * Math.exp(random.normal()))))
}
