/** What the gaps between the tokens of a span say. */
import type { Observation } from './observation.js'

/** Longest gap as a share of the delay behind the first output; null where gaps are not told. */
export function stallShare({ span, rest }: Observation): number | null {
  const max = span.gaps?.maxMs
  if (max === undefined || rest === undefined) return null
  const excess = rest.observedMs - rest.expectedMs
  return excess < 20 ? null : (max - (span.gaps?.meanMs ?? 0)) / excess
}

/** Longest gap ÷ median one; null where gaps are not told. */
export function unevenness({ span }: Observation): number | null {
  const { maxMs, p50Ms, meanMs } = span.gaps ?? {}
  const usual = p50Ms ?? meanMs
  return maxMs === undefined || usual === undefined || usual <= 0 ? null : maxMs / usual
}
