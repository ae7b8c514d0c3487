/** Prefill as a rate, tokens per second, free of network and gateway. */
import type { Curve } from './curve.js'

export interface Rate {
  /** Tokens per second. */
  value: number
  low: number
  /** Null: not bounded from above, since the slope's interval reaches 0. */
  high: number | null
}

/**
 * 10⁶ ÷ fresh (µs/token), with its 95 % interval; null for another law or a slope of 0. Where the law is curved
 * this is the rate at length 0.
 */
export function prefillRate({ law, parameters }: Pick<Curve, 'law' | 'parameters'>): Rate | null {
  const fresh = parameters['fresh']
  if (law !== 'prefill' || fresh === undefined || fresh.value <= 0) return null
  return { value: 1e6 / fresh.value, low: 1e6 / fresh.high, high: fresh.low > 0 ? 1e6 / fresh.low : null }
}
