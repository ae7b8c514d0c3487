/** What one request cost, by the provider's price and the tokens counted. */
import type { Price } from '../provider/provider.js'
import type { Usage } from '../protocol/protocol.js'

const PER_MILLION = 1e6

/**
 * Undefined without a price or without both counts. Cached tokens at the cached price and cache writes at theirs, where
 * there is one; writes by lifetime at the lifetime's own price.
 */
export function costOf(
  usage: Usage,
  price: Price | undefined,
): { currency: string; amount: number } | undefined {
  const { promptTokens, outputTokens } = usage
  if (!price || promptTokens === undefined || outputTokens === undefined) return undefined
  const cached = Math.min(usage.cachedTokens ?? 0, promptTokens)
  const written = Math.min(usage.cacheWriteTokens ?? 0, promptTokens - cached)
  const amount =
    ((promptTokens - cached - written) * price.inputPerM +
      cached * (price.cachedPerM ?? price.inputPerM) +
      costOfWrites(written, usage, price) +
      outputTokens * price.outputPerM) /
    PER_MILLION
  return { currency: price.currency, amount }
}

/** Per million; writes whose lifetime is not told have the usual price. */
function costOfWrites(written: number, { cacheWritesByLifetime = {} }: Usage, price: Price): number {
  const usualPerM = price.cacheWritePerM ?? price.inputPerM
  let untold = written
  let cost = 0
  for (const [lifetime, tokens] of Object.entries(cacheWritesByLifetime)) {
    const told = Math.min(tokens, untold)
    untold -= told
    cost += told * (price.cacheWritePerMByLifetime?.[lifetime] ?? usualPerM)
  }
  return cost + untold * usualPerM
}
