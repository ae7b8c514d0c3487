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
  /** As `weigh`; then learns from it what waits there are. */
  learn(wait: Wait): number
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
  /** Likelihood ratios of each kind of wait, weighted: of its turn by rank, and of another kind. */
  const mixture = ({ firstMs, expectedMs, noise, endsMs }: Wait): Mixture => {
    const scale = (firstMs - expectedMs) * LOG_RANGE
    const count = endsMs.length
    const turn = new Float64Array(endsMs).sort().reverse()
    // Turns that nobody in flight could be waited for count too: an empty engine has no queue.
    let total = 0
    for (const weight of turns) total += weight
    total += others + TURNS_AT_FIRST
    const other = others / total
    let all = other
    for (let rank = 0; rank < count; rank++) {
      const ratio = density(firstMs - turn[rank]!, expectedMs, noise) * scale
      turn[rank] = (((turns[rank] ?? 0) + TURNS_AT_FIRST / count) / total) * ratio
      all += turn[rank]!
    }
    return { other, turn, all }
  }
  const weightOf = ({ all }: Mixture): number => Math.min(MOST, Math.max(-MOST, Math.log(all)))
  return {
    weigh: (wait) => (hasWaited(wait.firstMs, wait.expectedMs, wait.noise) ? weightOf(mixture(wait)) : 0),
    learn(wait) {
      if (!hasWaited(wait.firstMs, wait.expectedMs, wait.noise)) return 0
      const mixed = mixture(wait)
      const { other, turn, all } = mixed
      others = others * KEEP + other / all
      for (let rank = 0; rank < turns.length; rank++) turns[rank] = (turns[rank] ?? 0) * KEEP
      for (let rank = 0; rank < turn.length; rank++) turns[rank] = (turns[rank] ?? 0) + turn[rank]! / all
      return weightOf(mixed)
    },
  }
}

interface Mixture {
  other: number
  turn: Float64Array
  /** Their sum. */
  all: number
}

/** Of a first output so long after the call before it had ended. */
function density(servedMs: number, expectedMs: number, noise: Noise): number {
  return servedMs <= 0 ? 0 : noise.density(Math.log(servedMs / expectedMs)) / servedMs
}
