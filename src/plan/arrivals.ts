/** When the requests of an open loop are due: arithmetic, no clock. */
import type { Random } from '../random/random.js'
import type { ArrivalProcess } from './probe.js'

const NS_PER_S = 1e9

/**
 * Offsets of `count` arrivals from the start of the visit, nanoseconds, ascending.
 * `constant`: equal gaps, first at 0. `poisson`: exponential gaps of mean 1/rate (a Poisson process of that rate),
 * the first gap included, so that the visit's start is no arrival by construction.
 */
export function arrivalOffsetsNs(
  process: ArrivalProcess,
  ratePerS: number,
  count: number,
  random: Random,
): number[] {
  const meanGapNs = NS_PER_S / ratePerS
  if (process === 'constant') return Array.from({ length: count }, (_, i) => Math.round(i * meanGapNs))
  let at = 0
  return Array.from({ length: count }, () => {
    at += random.exponential() * meanGapNs
    return Math.round(at)
  })
}
