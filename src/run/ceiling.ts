/** The most that probes with a `precision` can take: they end when a curve is known, or when they give up. */
import type { Condition } from '../plan/cell.js'
import { chosenCount } from '../plan/choose.js'
import { FULL_BLOCKS, MOST_SPENT_BLOCKS } from '../plan/spend.js'
import type { PlannedTokens } from './forecast.js'

/** The cells that such a probe chooses from on one target, each once. */
export interface Grid {
  target: string
  probe: string
  conditions: readonly Condition[]
}

/** Priming included. */
export interface Ceiling extends PlannedTokens {
  requests: number
}

/**
 * Every block until the probe gives up, each chosen visit as dear as the dearest of the grid. `leastOutput`: shortest answer
 * that the target takes, tokens.
 */
export function ceilingOf({ target, probe, conditions }: Grid, leastOutput: number): Ceiling {
  const visits = conditions.map((condition) => visitOf(condition, leastOutput))
  const chosen = (MOST_SPENT_BLOCKS - FULL_BLOCKS) * chosenCount(conditions.length)
  const most = (of: (visit: Visit) => number): number => {
    const each = visits.map(of)
    return FULL_BLOCKS * each.reduce((sum, one) => sum + one, 0) + chosen * Math.max(0, ...each)
  }
  return {
    target,
    probe,
    requests: most(({ requests }) => requests),
    promptTokens: most(({ promptTokens }) => promptTokens),
    outputTokens: most(({ outputTokens }) => outputTokens),
    cachedTokens: 0,
    primedTokens: 0,
  }
}

interface Visit {
  requests: number
  promptTokens: number
  outputTokens: number
}

function visitOf(
  { requests, promptTokens, prefixTokens, outputTokens, cache }: Condition,
  leastOutput: number,
): Visit {
  const primes = cache === 'warm' ? 1 : 0
  return {
    requests: requests + primes,
    promptTokens: requests * promptTokens + primes * prefixTokens,
    outputTokens: requests * Math.max(leastOutput, outputTokens) + primes * leastOutput,
  }
}
