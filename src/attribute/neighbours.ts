/** Who was served near a span in time and place: the latest spans, in fixed memory. */

/** What is remembered of a span. Times since 1970, milliseconds. */
export interface Passage {
  startMs: number
  /** First output, and the end. */
  firstMs: number
  endMs: number
  /** What its prompt should take to compute, and how much its context should add to each step that it shares. */
  prefillMs: number
  contextMs: number
  /** ln(observed ÷ expected) of the stretch to the first output and of the rest; NaN where not known. */
  logFirst: number
  logRest: number
}

/** By slot (`slotOf`), as a passage holds them; firsts and ends as durations from the start. */
export interface PassageColumns {
  starts: Float64Array
  firsts: Float32Array
  ends: Float32Array
  prefills: Float32Array
  contexts: Float32Array
  logFirsts: Float32Array
  logRests: Float32Array
}

export interface NeighbourStore {
  /** Where an object for each passage would cost too much. */
  readonly columns: PassageColumns
  /** Routes are numbered: of a replica, backend or region. Gives the number of the passage. */
  add(route: number, passage: Passage): number
  /** What is remembered of a passage. */
  at(passage: number): Passage
  /** Up to `most` others on the route of a passage whose starts lie within `withinMs` of its own; the nearest first. */
  near(passage: number, withinMs: number, most: number): readonly number[]
  /**
   * Slots of others on its route that were served at the same time, as far as they are there already: those before it,
   * the latest first, then those after it. Gives their number, at most `MOST_BESIDE`.
   */
  beside(passage: number, into: Int32Array): number
}

const SLOTS = 1 << 16
export const slotOf = (passage: number): number => passage % SLOTS
/** Spans come about in the order of their ends or of their starts: so many that lie too far away end the search. */
const MOST_STRANGERS = 12
const MOST_EACH_WAY = 64
export const MOST_BESIDE = 2 * MOST_EACH_WAY
/** Of a search, before the nearest are taken. */
const MOST_FOUND = 128

/** Keeps the last 65,536 spans of all routes together. */
export function createNeighbours(): NeighbourStore {
  const starts = new Float64Array(SLOTS)
  /** Durations, from the start. */
  const [firsts, ends] = [new Float32Array(SLOTS), new Float32Array(SLOTS)]
  const [prefills, contexts] = [new Float32Array(SLOTS), new Float32Array(SLOTS)]
  const [logFirsts, logRests] = [new Float32Array(SLOTS), new Float32Array(SLOTS)]
  /** The passages before and after it on the same route, or −1. */
  const [before, after] = [new Int32Array(SLOTS), new Int32Array(SLOTS)]
  const latest = new Map<number, number>()
  let latestRoute = NaN
  let next = 0

  const isKept = (passage: number): boolean => passage >= 0 && passage >= next - SLOTS
  /** Of a search, the nearest first: passages, and how far their starts are. */
  const found = new Int32Array(MOST_FOUND)
  const distances = new Float64Array(MOST_FOUND)

  return {
    columns: { starts, firsts, ends, prefills, contexts, logFirsts, logRests },
    add(route, { startMs, firstMs, endMs, prefillMs, contextMs, logFirst, logRest }) {
      const slot = next % SLOTS
      starts[slot] = startMs
      firsts[slot] = firstMs - startMs
      ends[slot] = endMs - startMs
      prefills[slot] = prefillMs
      contexts[slot] = contextMs
      logFirsts[slot] = logFirst
      logRests[slot] = logRest
      const last = route === latestRoute ? next - 1 : (latest.get(route) ?? -1)
      before[slot] = last
      after[slot] = -1
      if (isKept(last)) after[last % SLOTS] = next
      if (route !== latestRoute) latest.delete(route)
      latestRoute = route
      latest.set(route, next)
      // The oldest route lies behind what is kept.
      if (latest.size > SLOTS) latest.delete(latest.keys().next().value ?? route)
      return next++
    },
    at(passage) {
      const slot = slotOf(passage)
      const startMs = starts[slot]!
      return {
        startMs,
        firstMs: startMs + firsts[slot]!,
        endMs: startMs + ends[slot]!,
        prefillMs: prefills[slot]!,
        contextMs: contexts[slot]!,
        logFirst: logFirsts[slot]!,
        logRest: logRests[slot]!,
      }
    },
    near(passage, withinMs, most) {
      if (!isKept(passage)) return []
      const fromMs = starts[passage % SLOTS]!
      const eachWay = Math.min(2 * most, MOST_FOUND / 2)
      let count = 0
      for (let way = 0; way < 2; way++) {
        const links = way === 0 ? before : after
        let [strangers, here] = [0, 0]
        for (let at = links[passage % SLOTS]!; isKept(at); at = links[at % SLOTS]!) {
          const distance = Math.abs(starts[at % SLOTS]! - fromMs)
          if (distance <= withinMs) {
            // In its place among those found: of equally near ones the first found stays first.
            let place = count++
            for (; place > 0 && distances[place - 1]! > distance; place--) {
              distances[place] = distances[place - 1]!
              found[place] = found[place - 1]!
            }
            distances[place] = distance
            found[place] = at
            if (++here >= eachWay) break
          } else if (++strangers >= MOST_STRANGERS) break
        }
      }
      return Array.from(found.subarray(0, Math.min(count, most)))
    },
    beside(passage, into) {
      if (!isKept(passage)) return 0
      const own = passage % SLOTS
      const fromMs = starts[own]!
      const toMs = fromMs + ends[own]!
      let count = 0
      for (let way = 0; way < 2; way++) {
        const links = way === 0 ? before : after
        const most = count + MOST_EACH_WAY
        let strangers = 0
        for (let at = links[own]!; isKept(at); at = links[at % SLOTS]!) {
          const slot = at % SLOTS
          const startMs = starts[slot]!
          if (startMs < toMs && startMs + ends[slot]! > fromMs) {
            into[count++] = slot
            if (count >= most) break
          } else if (++strangers >= MOST_STRANGERS) break
        }
      }
      return count
    },
  }
}
