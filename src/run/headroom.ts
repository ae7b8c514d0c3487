/** Whether an account has as much of its limits left as the scenario wants left for others. */
import type { RateLimits } from '../protocol/protocol.js'

export interface Shortage {
  of: 'requests' | 'tokens'
  /** Share left, 0 to 1. */
  left: number
  /** Seconds until the limit is whole again; undefined where the server does not say. */
  resetS: number | undefined
}

/** The scarcer of the limits, where less than `least` of it is left; null where enough is, or nothing is known. */
export function shortageOf(limits: RateLimits | undefined, least: number): Shortage | null {
  const { limitRequests, remainingRequests, resetRequestsS } = limits ?? {}
  const { limitTokens, remainingTokens, resetTokensS } = limits ?? {}
  const all = [
    { of: 'requests' as const, left: share(remainingRequests, limitRequests), resetS: resetRequestsS },
    { of: 'tokens' as const, left: share(remainingTokens, limitTokens), resetS: resetTokensS },
  ]
  const short = all.flatMap(({ left, ...each }) =>
    left === undefined || left >= least ? [] : [{ ...each, left }],
  )
  return short.sort((a, b) => a.left - b.left)[0] ?? null
}

/** Undefined where the headers do not tell both. */
function share(remaining: number | undefined, limit: number | undefined): number | undefined {
  return remaining === undefined || limit === undefined || limit <= 0 ? undefined : remaining / limit
}

/** Whether headers say anything by which `minHeadroom` can be kept. */
export function tellsHeadroom({
  limitRequests,
  remainingRequests,
  limitTokens,
  remainingTokens,
}: RateLimits): boolean {
  return (
    share(remainingRequests, limitRequests) !== undefined || share(remainingTokens, limitTokens) !== undefined
  )
}
