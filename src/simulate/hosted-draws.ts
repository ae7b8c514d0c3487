/** What chance has in store for one request at a hosted service, drawn whole and at once. */
import type { Random } from '../random/random.js'
import type { FleetConstants, Region } from './fleet-constants.js'

export interface HostedDraws {
  readonly gatewayMs: number
  readonly queueMs: number
  readonly missesCache: boolean
  /** A pause before this token (from 0); −1 for none. */
  readonly stallAt: number
  readonly stallMs: number
  /** Standard normal: how slow the network is just now. */
  readonly network: number
  /** Uniform: which replica serves where the prefix does not choose, and which takes what overflows. */
  readonly replica: number
  readonly overflow: number
}

/** Always the same number of draws in the same order, whatever the constants. */
export function drawHosted(constants: FleetConstants, outputTokens: number, draws: Random): HostedDraws {
  const missesCache = draws.next() < constants.cacheMissShare
  const stalls = draws.next() < constants.stallShare
  const stallPlace = draws.next()
  const stallMs = constants.stallMinMs + draws.next() * (constants.stallMaxMs - constants.stallMinMs)
  return {
    missesCache,
    stallAt: stalls ? Math.floor(stallPlace * outputTokens) : -1,
    stallMs,
    gatewayMs: constants.gatewayMs * positiveWithCv(constants.gatewayCv, draws),
    queueMs: constants.queueMedianMs * Math.exp(constants.queueSigma * draws.normal()),
    network: draws.normal(),
    replica: draws.next(),
    overflow: draws.next(),
  }
}

/** Gamma with mean 1 by the Wilson-Hilferty cube (1931): close for the CVs here (≤ .5), and never negative. */
function positiveWithCv(cv: number, draws: Random): number {
  const spread = (cv * cv) / 9
  return Math.max(0, 1 - spread + Math.sqrt(spread) * draws.normal()) ** 3
}

const NORMAL_95 = 1.645

/** Lognormal through the region's median and 95th percentile; a kept-alive connection pays one trip of three. */
export function networkMs({ rttMs, rttP95Ms }: Region, isNew: boolean, normal: number): number {
  if (rttMs === 0) return 0
  const sigma = Math.max(0, Math.log(rttP95Ms / rttMs)) / NORMAL_95
  return rttMs * Math.exp(sigma * normal) * (isNew ? 1 : 1 / 3)
}
