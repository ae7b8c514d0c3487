/** How long to leave a server alone that said no. */
import { readRetryAfter, type Refusal } from '../protocol/retry-after.js'

const FIRST_MS = 500
const LONGEST_MS = 8_000

/**
 * What the server asks for, or, where it asks for nothing, half a second doubled with each try. Null where it asks for
 * more than the scenario is willing to wait.
 */
export function backOffMs(
  refusal: Refusal,
  attempt: number,
  nowUtcMs: number,
  maxRetryAfterS: number,
): number | null {
  const asked = readRetryAfter(refusal, nowUtcMs, maxRetryAfterS * 1000)
  if (asked === undefined) return Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1))
  return asked.askedMs === undefined ? asked.waitMs : null
}
