/** Whether a call waited for its turn behind other calls of its own service: then it is served from the end of one of them. */
import { wildDensity, type Noise } from './noise.js'

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
/** An engine at work takes longer over a prompt than the idle one of a baseline; by how much is learned, from this many calls' worth of doubt. */
const SERVED_AT_FIRST = 4
const SERVED_SD = 0.3
/** About a hundred waits are remembered. */
const KEEP = 0.99
const MOST = 6

/**
 * An engine with s slots serves a call from when all but s − 1 of those before it have ended. Which of their ends that
 * is, counted from the last, how many waits are of that kind, and how long the prompt then takes, is learned call by call: the
 * recursive form of the EM algorithm for a mixture (Titterington 1984, JRSS B 46).
 */
export function createTurns(): Turns {
  let others = OTHERS_AT_FIRST
  /** Waits for the last of those before to end, for the last but one, … */
  const turns: number[] = []
  /** Log ratios of what came behind the turn to what was expected: weight, sum and sum of squares. */
  let [calls, sum, squares] = [0, 0, 0]
  const servedOf = (noise: Noise): Served => {
    const weight = calls + SERVED_AT_FIRST
    const centre = (sum + SERVED_AT_FIRST * noise.centre) / weight
    const spread = SERVED_AT_FIRST * (noise.sd ** 2 + SERVED_SD ** 2 + noise.centre ** 2)
    return { centre, sd: Math.sqrt(Math.max(1e-4, (squares + spread) / weight - centre ** 2)) }
  }
  /** Likelihood ratios of each kind of wait, weighted: of its turn by rank, and of another kind. */
  const mixture = ({ firstMs, expectedMs, noise, endsMs }: Wait): Mixture => {
    const scale = (firstMs - expectedMs) * LOG_RANGE
    const count = endsMs.length
    const served = servedOf(noise)
    const turn = new Float64Array(endsMs).sort().reverse()
    const logs = turn.map((endMs) => Math.log((firstMs - endMs) / expectedMs))
    // Turns that nobody in flight could be waited for count too: an empty engine has no queue.
    let total = 0
    for (const weight of turns) total += weight
    total += others + TURNS_AT_FIRST
    const other = others / total
    let all = other
    for (let rank = 0; rank < count; rank++) {
      const ratio = !Number.isFinite(logs[rank]!)
        ? 0
        : (density(logs[rank]!, served) * scale) / (firstMs - turn[rank]!)
      turn[rank] = (((turns[rank] ?? 0) + TURNS_AT_FIRST / count) / total) * ratio
      all += turn[rank]!
    }
    return { other, turn, logs, all }
  }
  const weightOf = ({ all }: Mixture): number => Math.min(MOST, Math.max(-MOST, Math.log(all)))
  return {
    weigh: (wait) => (hasWaited(wait.firstMs, wait.expectedMs, wait.noise) ? weightOf(mixture(wait)) : 0),
    learn(wait) {
      if (!hasWaited(wait.firstMs, wait.expectedMs, wait.noise)) return 0
      const mixed = mixture(wait)
      const { other, turn, logs, all } = mixed
      others = others * KEEP + other / all
      for (let rank = 0; rank < turns.length; rank++) turns[rank] = (turns[rank] ?? 0) * KEEP
      ;[calls, sum, squares] = [calls * KEEP, sum * KEEP, squares * KEEP]
      for (let rank = 0; rank < turn.length; rank++) {
        const share = turn[rank]! / all
        turns[rank] = (turns[rank] ?? 0) + share
        if (share === 0) continue
        calls += share
        sum += share * logs[rank]!
        squares += share * logs[rank]! ** 2
      }
      return weightOf(mixed)
    },
  }
}

interface Mixture {
  other: number
  turn: Float64Array
  logs: Float64Array
  /** Their sum. */
  all: number
}

/** What the first output takes from the turn on, as a log ratio to what it should. */
interface Served {
  centre: number
  sd: number
}

const WILD_SHARE = 0.1

/** Of a log ratio: normal, with a share of Student's t for what stood still meanwhile. */
function density(log: number, { centre, sd }: Served): number {
  const z = (log - centre) / sd
  return (
    ((1 - WILD_SHARE) * Math.exp(-0.5 * z * z)) / (sd * Math.sqrt(2 * Math.PI)) +
    WILD_SHARE * wildDensity(log - centre, 2 * sd)
  )
}
