/** Contention: what each further request in flight adds, all of equal lengths. */
import { LAD } from '../stats/lad.js'
import { estimate, residualOf, type Column } from './estimate.js'
import type { Fitted, FitOptions } from './law.js'
import { rangeOf, timed, type Row } from './rows.js'
import { warningsOf } from './warnings.js'

const peers = ({ concurrency }: Row): number => concurrency - 1
const ALONE: Column = { name: 'alone', unit: 'ms', of: () => 1, level: true }
const TTFT_PER_PEER: Column = { name: 'ttftPerPeer', unit: 'ms', of: peers }
const TPOT_PER_PEER: Column = { name: 'tpotPerPeer', unit: 'ms/token', of: peers }

/**
 * ttft(k) = ttft(1) + ttftPerPeer·(k − 1) and tpot(k) likewise, up to a knee. The levels at k = 1 are fitted but not
 * kept: prefill and decode know them at any length. `rows` are those of the concurrency probe; null without any.
 */
export function fitContention(rows: readonly Row[], options: FitOptions): Fitted | null {
  const first = timed(rows, 'ttft')
  if (first.length === 0) return null
  if (new Set(first.map(({ concurrency }) => concurrency)).size < 2) {
    const message = 'one concurrency says nothing of contention: ask for 1 and more'
    return { note: { kind: 'one-concurrency', message } }
  }
  const ttft = estimate(first, [ALONE, TTFT_PER_PEER], LAD, options)
  if (ttft === null) {
    return { note: { kind: 'one-block', message: 'no interval can be given: it takes two blocks' } }
  }
  const tpot = estimate(timed(rows, 'tpot'), [ALONE, TPOT_PER_PEER], LAD, options)
  const parameters = {
    ttftPerPeer: ttft.parameters['ttftPerPeer']!,
    ...(tpot !== null && { tpotPerPeer: tpot.parameters['tpotPerPeer']! }),
  }
  const residual = residualOf(ttft.fit.residuals)
  return {
    parameters,
    residual,
    validity: {
      concurrency: rangeOf(first.map(({ concurrency }) => concurrency)),
      prompt: rangeOf(first.map(({ fresh, cached }) => fresh + cached)),
      output: rangeOf(first.map(({ outputTokens }) => outputTokens)),
    },
    samples: first.length,
    blocks: ttft.blocks,
    // Requests that start together are served one after another: their times differ by place, not by regime.
    regimes: 1,
    warnings: [
      ...warningsOf({ parameters, residual, blocks: ttft.blocks }),
      ...(tpot === null ? ['no decode times: outputs were too short'] : []),
    ],
  }
}
