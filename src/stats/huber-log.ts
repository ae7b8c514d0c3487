/** Huber's estimator on log residuals: narrower than LAD where noise is nearly symmetric, as for `tpot`. */
import { logFit, type FitOptions, type FitRows, type LogFit, type LogMethod } from './log-fit.js'

/** Weights are equal up to 1.345 scales and fall as 1 ÷ |residual| beyond: 95 % efficient on normal noise (Huber 1981, Robust Statistics). */
export const HUBER: LogMethod = { phases: [{ rounds: Infinity, floor: 1.345 }] }

/** As `lad`, pulled a little towards the mean of skewed noise. Null when the columns do not determine it. */
export function huberLog(rows: FitRows, options: FitOptions = {}): LogFit | null {
  return logFit(rows, HUBER, options)
}
