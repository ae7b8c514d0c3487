/** The law of the faster of two regimes: what a target costs when it is not in its slow one. */
import type { LogFit } from '../stats/log-fit.js'
import type { LogMethod } from '../stats/log-rounds.js'
import { twoNormals } from '../stats/mixture.js'
import type { FastCurve } from './curve.js'
import { estimate, fitColumns, residualsOf, type Column, type Resamples } from './estimate.js'
import { describe, regimesOf } from './regimes.js'
import type { Timed } from './rows.js'

/** Sorted out anew from the residuals of the fast law itself, which the law of the whole median blurs. */
const REFITS = 2

/**
 * The same columns fitted to the samples that are more likely of the fast regime; the slow one's share, how much slower it
 * is and how long it lasts. Null where the residuals of `fit` show one regime. Its truth is the fast regime, so that
 * spells longer than a few blocks, which move the median of a run, leave it alone.
 */
export function fitFast(
  rows: readonly Timed[],
  columns: readonly Column[],
  method: LogMethod,
  fit: LogFit,
  options: Resamples,
): FastCurve | null {
  if (regimesOf(fit.residuals) === null) return null
  let residuals = fit.residuals
  let kept = rows
  for (let refit = 0; refit < REFITS; refit++) {
    const posterior = twoNormals(residuals)?.posterior
    if (posterior === undefined) return null
    kept = rows.filter((_, i) => posterior[i]! < 0.5)
    const fast = fitColumns(kept, columns, method)
    if (fast === null) return null
    residuals = residualsOf(rows, columns, fast.parameters)
  }
  const found = twoNormals(residuals)
  const law = estimate(kept, columns, method, options)
  return found === null || law === null ? null : { parameters: law.parameters, ...describe(found) }
}
