/** Whether a call waited for its turn behind other calls of its own service: then it is served from the end of one of them. */
import type { Noise } from './noise.js'

export interface Wait {
  /** Start of the call to its first output, and what that should have taken. Milliseconds. */
  firstMs: number
  expectedMs: number
  /** How far first outputs scatter about what they should take. */
  noise: Noise
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
/** What is believed at first, in calls: of waits of another kind, and of those for a turn. */
const OTHERS_AT_FIRST = 7
const TURNS_AT_FIRST = 3
/** Calls that are remembered, about. */
const MEMORY = 100
const MOST = 4

/**
 * An engine with s slots serves a call from when all but s − 1 of those before it have ended. Which of their ends that
 * is, counted from the last, and how many waits are of that kind, is learned call by call: the recursive form of the EM
 * algorithm for a mixture (Titterington 1984, JRSS B 46).
 */
export function createTurns(): Turns {
  let others = OTHERS_AT_FIRST
  /** Waits for the last of those before to end, for the last but one, … */
  const turns: number[] = []
  return {
    weigh({ firstMs, expectedMs, noise, endsMs }) {
      const waitMs = firstMs - expectedMs
      if (waitMs < Math.max(LEAST_MS, noise.sd * expectedMs)) return 0
      const ratios = endsMs
        .toSorted((a, b) => b - a)
        .map((endMs) => density(firstMs - endMs, expectedMs, noise) * waitMs * LOG_RANGE)
      const weights = ratios.map((_, rank) => (turns[rank] ?? 0) + TURNS_AT_FIRST / ratios.length)
      // Turns that nobody in flight could be waited for count too: an empty engine has no queue.
      const total = others + TURNS_AT_FIRST + turns.reduce((sum, weight) => sum + weight, 0)
      const shares = ratios.map((ratio, rank) => ((weights[rank] ?? 0) / total) * ratio)
      const mixed = others / total + shares.reduce((sum, share) => sum + share, 0)
      const keep = 1 - 1 / MEMORY
      others = others * keep + others / total / mixed
      shares.forEach((share, rank) => (turns[rank] = (turns[rank] ?? 0) * keep + share / mixed))
      return Math.min(MOST, Math.max(-MOST, Math.log(mixed)))
    },
  }
}

/** Of a first output so long after the call before it had ended. */
function density(servedMs: number, expectedMs: number, noise: Noise): number {
  return servedMs <= 0 ? 0 : noise.density(Math.log(servedMs / expectedMs)) / servedMs
}
