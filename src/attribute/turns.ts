/** Whether a call waited for its turn behind other calls of its own service: then its wait ends as one of theirs does. */

export interface Wait {
  /** From the start of the call, beyond what its first output should have taken. Milliseconds. */
  waitMs: number
  /** How well that is known: standard deviation of what the first output takes. */
  sdMs: number
  /** Ends of the calls that were in flight at its start, milliseconds after it. */
  endsMs: readonly number[]
}

export interface Turns {
  /** Log likelihood ratio of queueing, against a wait that has nothing to do with the calls in flight. */
  weigh(wait: Wait): number
}

/** Shorter waits tell nothing. */
const LEAST_MS = 20
/** A wait of another kind is log-uniform over this range of ratios (`likelihood.ts`). */
const LOG_RANGE = Math.log(1500)
/** Share of waits that are for a turn: at first, and how many calls that counts for; then as it is learned. */
const SHARE_AT_FIRST = 0.3
const CALLS_AT_FIRST = 10
const MOST_CALLS = 100
const LEAST_SHARE = 0.02
const MOST = 4

/**
 * Of an engine with s slots the call that waits is served when all but s − 1 of those before it have ended, whatever
 * s is: the end of its wait is one of their ends, so its density is the mean of normal ones about them. The share of
 * waits of that kind is learned by the recursive form of the EM algorithm for a mixture (Titterington 1984, JRSS B 46).
 */
export function createTurns(): Turns {
  let share = SHARE_AT_FIRST
  let calls = CALLS_AT_FIRST
  return {
    weigh({ waitMs, sdMs, endsMs }) {
      if (waitMs < Math.max(LEAST_MS, sdMs)) return 0
      const density =
        endsMs.reduce((sum, end) => sum + gauss(waitMs - end, sdMs), 0) / Math.max(1, endsMs.length)
      const ratio = density * waitMs * LOG_RANGE
      const mixed = 1 - share + share * ratio
      calls = Math.min(MOST_CALLS, calls + 1)
      share += ((share * ratio) / mixed - share) / calls
      share = Math.min(1 - LEAST_SHARE, Math.max(LEAST_SHARE, share))
      return Math.min(MOST, Math.max(-MOST, Math.log(mixed)))
    },
  }
}

function gauss(x: number, sd: number): number {
  return Math.exp(-0.5 * (x / sd) ** 2) / (sd * Math.sqrt(2 * Math.PI))
}
