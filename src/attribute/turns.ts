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
  /** Learns what waits there are. */
  learn(wait: Wait): void
}

/** Whether it waited at all: shorter waits tell nothing. */
export function hasWaited(firstMs: number, expectedMs: number, { sd }: Noise): boolean {
  return firstMs - expectedMs >= Math.max(LEAST_MS, LEAST_SD * sd * expectedMs)
}

const LEAST_MS = 20
const LEAST_SD = 1.5
/** A wait of another kind is log-uniform over this range of ratios (`likelihood.ts`). */
const LOG_RANGE = Math.log(1500)
/** What is believed at first, in calls: of waits of another kind, and of those for a turn. */
const OTHERS_AT_FIRST = 7
const TURNS_AT_FIRST = 3
/** About a hundred waits are remembered. */
const KEEP = 0.99
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
  /** Likelihood ratios of each kind of wait, weighted. */
  const mixture = ({ firstMs, expectedMs, noise, endsMs }: Wait): { other: number; turn: number[] } => {
    const scale = (firstMs - expectedMs) * LOG_RANGE
    const ratios = endsMs
      .toSorted((a, b) => b - a)
      .map((endMs) => density(firstMs - endMs, expectedMs, noise) * scale)
    // Turns that nobody in flight could be waited for count too: an empty engine has no queue.
    const total = others + TURNS_AT_FIRST + turns.reduce((sum, weight) => sum + weight, 0)
    const turn = ratios.map(
      (ratio, rank) => (((turns[rank] ?? 0) + TURNS_AT_FIRST / ratios.length) / total) * ratio,
    )
    return { other: others / total, turn }
  }
  const sumOf = ({ other, turn }: ReturnType<typeof mixture>): number =>
    turn.reduce((sum, share) => sum + share, other)
  return {
    weigh(wait) {
      if (!hasWaited(wait.firstMs, wait.expectedMs, wait.noise)) return 0
      return Math.min(MOST, Math.max(-MOST, Math.log(sumOf(mixture(wait)))))
    },
    learn(wait) {
      if (!hasWaited(wait.firstMs, wait.expectedMs, wait.noise)) return
      const mixed = mixture(wait)
      const all = sumOf(mixed)
      others = others * KEEP + mixed.other / all
      for (let rank = 0; rank < turns.length; rank++) turns[rank] = (turns[rank] ?? 0) * KEEP
      mixed.turn.forEach((share, rank) => (turns[rank] = (turns[rank] ?? 0) + share / all))
    },
  }
}

/** Of a first output so long after the call before it had ended. */
function density(servedMs: number, expectedMs: number, noise: Noise): number {
  return servedMs <= 0 ? 0 : noise.density(Math.log(servedMs / expectedMs)) / servedMs
}
