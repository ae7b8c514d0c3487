/** The exit code of a comparison. */
import type { Comparison, Shift } from './comparison.js'

/**
 * The first that applies of 5 (not comparable), 1 (a gated regression), 4 (a metric whose shift the scenario wants to
 * see could not be seen), 0.
 */
export function verdictOf(comparison: Comparison): 0 | 1 | 4 | 5 {
  if (comparison.refusals.length > 0) return 5
  if (comparison.shifts.some(({ gated, verdict }) => gated && verdict === 'worse')) return 1
  return undetected(comparison).length > 0 ? 4 : 0
}

/** Inconclusive although the scenario asks that a shift of `detect` be seen. */
export function undetected({ shifts }: Comparison): Shift[] {
  return shifts.filter(
    ({ verdict, detect, detectable }) =>
      detect !== null && verdict === 'inconclusive' && (detectable === null || detectable > detect),
  )
}
