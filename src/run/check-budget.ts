/** Whether a cap on money can be kept, asked again where the command line has set it. */
import type { Scenario } from '../scenario/scenario.js'

/** Why it cannot, or null: an unknown price would be a free one, and two currencies do not add up. */
export function faultOfBudget({ budget, targets }: Scenario): string | null {
  if (budget.cost === null) return null
  const paid = targets.filter((target) => target.simulate === null)
  const unknown = paid.find((target) => target.price === null)
  if (unknown !== undefined) {
    return `a budget of money cannot be kept: no price is known for ${unknown.model} (target ${unknown.name}); give the target a price, or set a budget of tokens`
  }
  const currencies = [...new Set(paid.map((target) => target.price?.currency))]
  if (currencies.length <= 1) return null
  return `a budget of money cannot be kept over prices in ${currencies.join(' and ')}: set a budget of tokens`
}
