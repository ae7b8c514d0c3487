/** Whether every prompt of a plan can be built, asked before anything is sent. */
import type { Condition } from '../plan/cell.js'
import type { PromptBuilder } from '../prompt/builder.js'
import { explainTooShort } from '../prompt/builder.js'
import { nonceFor } from '../prompt/nonce.js'

/** The first condition whose prompt is too short for what stands in it, as a sentence; null where all can be built. */
export function checkLengths(
  conditions: readonly { target: string; condition: Condition }[],
  builderOf: (target: string) => PromptBuilder,
): string | null {
  for (const [i, { target, condition }] of conditions.entries()) {
    const { promptTokens: tokens, prefixTokens, cache } = condition
    const nonce = nonceFor('check', 'lengths', i)
    const builder = builderOf(target)
    const result =
      cache === 'warm'
        ? builder.warmPrompt({ tokens, prefixTokens, nonce, prefixNonce: nonce })
        : builder.freshPrompt({ tokens, nonce })
    if (!result.ok) return `${target}: ${explainTooShort(result.error)}`
  }
  return null
}
