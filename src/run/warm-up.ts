/** Untimed requests before the first block: they warm code and connections, show a wrong key, and teach the token count. */
import type { Condition } from '../plan/cell.js'
import { cellId } from '../plan/cell.js'
import type { PlannedRequest } from '../plan/visit.js'
import type { TokenCorrection, TokenPair } from '../prompt/correction.js'
import { fitTokenCorrection } from '../prompt/correction.js'
import type { Sample } from '../sample/sample.js'

export const WARM_UP = 'warm-up'

// Too short to learn from, and long enough to reach the first token of any model.
const FALLBACK_TOKENS = 256
// Nearer lengths cannot tell a ratio from an overhead.
const LEAST_SPREAD_TOKENS = 128

/**
 * The warm-up requests of one target, fresh and one at a time. Where our tokenizer is not the model's, the shortest and
 * the longest length of the plan alternate, at least one each, so that ratio and overhead can be told apart; where the
 * plan has one length only, another is added.
 */
export function warmUpRequests(
  target: string,
  planned: readonly { target: string; condition: Condition }[],
  count: number,
  isExact: boolean,
): PlannedRequest[] {
  const conditions = planned.filter((each) => each.target === target).map(({ condition }) => condition)
  const lengths = conditions.map((condition) => condition.promptTokens).sort((a, b) => a - b)
  const shortest = lengths[0] ?? FALLBACK_TOKENS
  const last = lengths.at(-1) ?? FALLBACK_TOKENS * 4
  const longest = last - shortest >= LEAST_SPREAD_TOKENS ? last : shortest + FALLBACK_TOKENS
  const outputTokens = Math.min(16, ...conditions.map((condition) => condition.outputTokens))
  const needed = isExact ? count : Math.max(2, count)
  return Array.from({ length: needed }, (_, i) => {
    const condition: Condition = {
      promptTokens: !isExact && i % 2 === 1 ? longest : shortest,
      prefixTokens: 0,
      outputTokens,
      cache: 'fresh',
      connection: 'reused',
      load: { kind: 'closed', concurrency: 1 },
      requests: 1,
    }
    return { target, probe: WARM_UP, cell: cellId(WARM_UP, condition), block: 0, condition }
  })
}

/** What the warm-up taught of a target's token count; `localTokens` by sample id. */
export function learnCorrection(
  samples: readonly Sample[],
  localTokens: ReadonlyMap<string, number>,
): TokenCorrection {
  const pairs: TokenPair[] = samples.flatMap((sample) => {
    const sent = localTokens.get(sample.id)
    const isReported = sample.outcome === 'ok' && sample.tokenSource === 'usage' && !sample.promptAssumed
    if (!isReported || sent === undefined || sample.promptTokens === undefined) return []
    return [{ sent, reported: sample.promptTokens }]
  })
  return fitTokenCorrection(pairs)
}
