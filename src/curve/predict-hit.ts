/** What the cache law of a target says of one prompt: how likely a hit is, and how much of the prefix it serves. */
import type { Curve } from './curve.js'

export interface PredictedHit {
  /** Probability that the prefix is served, 0 to 1. */
  probability: number
  /** Tokens that are served then. */
  cachedTokens: number
}

/** Doubt stays whatever was measured: services route, evict and restart as they please. */
const SURELY = 0.98

/**
 * `ageS`: how long the prefix was left alone. Below the minimum nothing is served; inside the interval of the lifetime
 * the probability falls evenly with the logarithm of the age. Never extrapolated: `outside` says what is not known.
 */
export function predictHit(
  curves: readonly Curve[],
  prefixTokens: number,
  ageS: number,
): PredictedHit | { outside: string } {
  const curve = curves.find(({ law }) => law === 'cache')
  if (curve === undefined) return { outside: 'there is no cache curve' }
  const { minimum, step, lifetimeS } = curve.parameters
  const stepTokens = step?.value ?? 1
  const served = Math.floor(prefixTokens / stepTokens) * stepTokens
  if (minimum !== undefined && served < minimum.low) return { probability: 1 - SURELY, cachedTokens: 0 }
  const oldest = curve.validity['ageS']?.[1] ?? 0
  if (lifetimeS === undefined) {
    if (ageS > oldest) return { outside: `an age above ${oldest} s, and no lifetime was found` }
    return { probability: SURELY, cachedTokens: served }
  }
  const { low, high } = lifetimeS
  const along = ageS <= low ? 0 : ageS >= high ? 1 : Math.log(ageS / low) / Math.log(high / low)
  return { probability: SURELY + along * (1 - 2 * SURELY), cachedTokens: served }
}
