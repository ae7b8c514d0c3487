/** What one request cost, by the provider's price and the tokens counted. */
import type { Price } from '../provider/provider.js'
import type { Usage } from '../protocol/protocol.js'

const PER_MILLION = 1e6

/** Undefined without a price or without both counts. Cached tokens at the cached price, where there is one. */
export function costOf(
  usage: Usage,
  price: Price | undefined,
): { currency: string; amount: number } | undefined {
  const { promptTokens, outputTokens } = usage
  if (!price || promptTokens === undefined || outputTokens === undefined) return undefined
  const cached = Math.min(usage.cachedTokens ?? 0, promptTokens)
  const amount =
    ((promptTokens - cached) * price.inputPerM +
      cached * (price.cachedPerM ?? price.inputPerM) +
      outputTokens * price.outputPerM) /
    PER_MILLION
  return { currency: price.currency, amount }
}
