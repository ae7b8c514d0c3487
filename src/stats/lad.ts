/** Least absolute deviations on log residuals: the median law of times, whatever the shape of their noise. */
import type { FitRows } from './log-design.js'
import { logFit, type LogFit } from './log-fit.js'
import type { FitOptions, LogMethod } from './log-rounds.js'

/**
 * Koenker & Bassett 1978 (Econometrica 46) by reweighting: 1 ÷ |residual|, cut off at .3 scales in the first
 * ten rounds and at .05 afterwards.
 */
export const LAD: LogMethod = {
  phases: [
    { rounds: 10, floor: 0.3 },
    { rounds: Infinity, floor: 0.05 },
  ],
}

/** The law of the conditional median. Null when the columns do not determine it. */
export function lad(rows: FitRows, options: FitOptions = {}): LogFit | null {
  return logFit(rows, LAD, options)
}
