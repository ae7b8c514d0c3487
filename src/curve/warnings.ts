/** Sentences on when not to trust a curve. */
import type { Curve, Parameter } from './curve.js'

const LEAST_BLOCKS = 6
const LEAST_RATIO = 4
// exp(.5): a third of the requests more than 1.6 times off the law.
const LARGE_SD = 0.5

export interface Doubts {
  parameters: Readonly<Record<string, Parameter>>
  residual: Curve['residual']
  blocks: number
  /** Longest ÷ shortest of the input that the slope rests on; absent where there is no slope. */
  ratio?: { of: string; value: number } | undefined
}

/** What holds for every law; a law adds its own. */
export function warningsOf({ parameters, residual, blocks, ratio }: Doubts): string[] {
  const warnings: string[] = []
  if (blocks < LEAST_BLOCKS) {
    warnings.push(
      `only ${blocks} blocks: intervals are rough and nothing can be compared below ${LEAST_BLOCKS}`,
    )
  }
  if (ratio !== undefined && ratio.value < LEAST_RATIO) {
    warnings.push(
      `${ratio.of} spread by a factor of ${ratio.value.toFixed(1)} only: slope and level are poorly told apart below ${LEAST_RATIO}`,
    )
  }
  if (residual.sd > LARGE_SD) {
    warnings.push(
      `noisy: single requests scatter about the law by a factor of ${Math.exp(residual.sd).toFixed(2)} (1 sd)`,
    )
  }
  for (const [name, { bounded }] of Object.entries(parameters)) {
    if (bounded === true)
      warnings.push(`${name} came out negative and was held at 0: nothing of it shows within the noise`)
  }
  return warnings
}
