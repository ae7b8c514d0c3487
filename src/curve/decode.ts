/** Decode: time per output token over the context, one request at a time. */
import { LAD } from '../stats/lad.js'
import { spreadOf } from '../stats/spread.js'
import { estimate, residualOf, type Column } from './estimate.js'
import type { Fitted, FitOptions } from './law.js'
import { fitFast } from './fast-curve.js'
import { regimesOf, regimeWarning } from './regimes.js'
import { rangeOf, timed, type Row } from './rows.js'
import { warningsOf } from './warnings.js'

const STEP: Column = { name: 'step', unit: 'ms/token', of: () => 1, level: true }
const PER_CONTEXT: Column = {
  name: 'perContext',
  unit: 'us/token/token',
  of: ({ context }) => context / 1000,
}

const CONTEXT_RATIO = 4

/** tpot = step + perContext·context, least absolute deviations on log residuals. Null without any decode time. */
export function fitDecode(all: readonly Row[], options: FitOptions): Fitted | null {
  const rows = timed(all, 'tpot').filter(({ concurrency }) => concurrency === 1)
  if (rows.length === 0) return null
  const contexts = rows.map(({ context }) => context)
  const spread = spreadOf(contexts).ratio >= CONTEXT_RATIO
  const columns = spread ? [STEP, PER_CONTEXT] : [STEP]
  const found = estimate(rows, columns, LAD, options)
  if (found === null) {
    return { note: { kind: 'one-block', message: 'no interval can be given: it takes two blocks' } }
  }
  const residual = residualOf(found.fit.residuals)
  const regimes = regimesOf(found.fit.residuals)
  const fast = regimes === null ? null : fitFast(rows, columns, LAD, found.fit, options)
  return {
    parameters: found.parameters,
    residual,
    validity: { context: rangeOf(contexts) },
    samples: rows.length,
    blocks: found.blocks,
    regimes: regimes === null ? 1 : 2,
    ...(fast !== null && { fast }),
    warnings: [
      ...(regimes === null ? [] : [regimeWarning(regimes)]),
      ...warningsOf({ parameters: found.parameters, residual, blocks: found.blocks }),
      ...(spread
        ? []
        : [`the cost of context is in step: contexts spread by less than a factor of ${CONTEXT_RATIO}`]),
    ],
  }
}
