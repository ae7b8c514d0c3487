/** What a plan will cost, by probe: as expected, and at worst. */
import type { Price } from '../provider/provider.js'
import type { Scenario } from '../scenario/scenario.js'
import { dearestInputPerM } from './prepare.js'

/** Requests of one cell summed up. */
export interface PlannedTokens {
  target: string
  probe: string
  promptTokens: number
  /** Of these, expected to be read from the cache, and to be written into it for that. */
  cachedTokens: number
  primedTokens: number
  outputTokens: number
}

/** Money, without retries. */
export interface Forecast {
  currency: string
  /** By the cache states that are asked for, and answers of the length that is asked for. */
  expected: number
  /** Nothing read from the cache, every prompt token at the dearest price of input. */
  worst: number
}

/** One a currency; null where the price of a target is not known. Simulated targets are free. */
export function forecast(cells: readonly PlannedTokens[], targets: Scenario['targets']): Forecast[] | null {
  const byName = new Map(targets.map((target) => [target.name, target]))
  const sums = new Map<string, Forecast>()
  for (const cell of cells) {
    const target = byName.get(cell.target)
    if (target === undefined || target.simulate !== null) continue
    const { price } = target
    if (price === null) return null
    const { currency } = price
    const sum = sums.get(currency) ?? { currency, expected: 0, worst: 0 }
    sums.set(currency, {
      currency,
      expected: sum.expected + expectedOf(cell, price),
      worst: sum.worst + worstOf(cell, price),
    })
  }
  return [...sums.values()]
}

function expectedOf(
  { promptTokens, cachedTokens, primedTokens, outputTokens }: PlannedTokens,
  price: Price,
): number {
  const { inputPerM, cachedPerM = inputPerM, cacheWritePerM = inputPerM, outputPerM } = price
  const plain = promptTokens - cachedTokens - primedTokens
  const perM = plain * inputPerM + cachedTokens * cachedPerM + primedTokens * cacheWritePerM
  return (perM + outputTokens * outputPerM) / 1e6
}

function worstOf({ promptTokens, outputTokens }: PlannedTokens, price: Price): number {
  return (promptTokens * dearestInputPerM(price) + outputTokens * price.outputPerM) / 1e6
}
