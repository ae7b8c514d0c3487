/** The budget of a run: the worst case of a request is reserved before it is sent and settled from what it used. */
export interface Limits {
  requests: number | null
  /** Prompt and output tokens together. */
  tokens: number | null
  cost: number | null
}

/** What one request can use at most. */
export interface WorstCase {
  promptTokens: number
  outputTokens: number
  /** In the price's currency; 0 where no price is known. */
  cost: number
}

export interface Used {
  requests: number
  promptTokens: number
  outputTokens: number
  cost: number
}

export type LimitName = 'requests' | 'tokens' | 'cost'

export interface Budget {
  /** A reservation to settle later, or which limit it would pass. Nothing is held where a limit would be passed. */
  reserve(worst: WorstCase): Reservation | { passed: LimitName }
  /** Settled use, without what is reserved. */
  used(): Used
}

/** What a server says that a request used. */
export interface Reported {
  promptTokens?: number | undefined
  outputTokens?: number | undefined
  cost?: number | undefined
}

export interface Reservation {
  /**
   * `actual` from the server's usage. A field it did not report, or reported as something that is no count, stays at
   * the worst case: a lying usage never frees money. Null: the request never left, everything is freed.
   */
  settle(actual: Reported | null): void
}

/** `before`: what a run that is taken up again had used. */
export function createBudget(
  limits: Limits,
  before: Used = { requests: 0, promptTokens: 0, outputTokens: 0, cost: 0 },
): Budget {
  const settled = { ...before }
  const held = { requests: 0, promptTokens: 0, outputTokens: 0, cost: 0 }
  const over = (limit: number | null, value: number): boolean => limit !== null && value > limit
  return {
    reserve(worst) {
      const tokens = sumTokens(settled) + sumTokens(held) + worst.promptTokens + worst.outputTokens
      if (over(limits.requests, settled.requests + held.requests + 1)) return { passed: 'requests' }
      if (over(limits.tokens, tokens)) return { passed: 'tokens' }
      if (over(limits.cost, settled.cost + held.cost + worst.cost)) return { passed: 'cost' }
      add(held, worst, 1)
      let open = true
      return {
        settle(actual) {
          if (!open) return
          open = false
          add(held, worst, -1)
          if (actual === null) return
          add(settled, { ...worst, ...reported(actual) }, 1)
        },
      }
    },
    used: () => ({ ...settled }),
  }
}

function add(to: Used, worst: WorstCase, sign: 1 | -1): void {
  to.requests += sign
  to.promptTokens += sign * worst.promptTokens
  to.outputTokens += sign * worst.outputTokens
  to.cost += sign * worst.cost
}

const sumTokens = (used: Used): number => used.promptTokens + used.outputTokens

/** A count that cannot be one (negative, fractional beyond reason, NaN, 1e308) counts as not reported. */
function reported(actual: Reported): Partial<WorstCase> {
  const result: Partial<WorstCase> = {}
  if (isCount(actual.promptTokens)) result.promptTokens = actual.promptTokens
  if (isCount(actual.outputTokens)) result.outputTokens = actual.outputTokens
  if (actual.cost !== undefined && actual.cost >= 0 && actual.cost < 1e9) result.cost = actual.cost
  return result
}

const MAX_TOKENS = 1e9

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS
}
