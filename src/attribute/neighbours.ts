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
}

export interface NeighbourStore {
  /** Where an object for each passage would cost too much. */
  readonly columns: PassageColumns
  /** Routes are numbered: of a replica, backend or region. Gives the number of the passage. */
  add(route: number, passage: Passage): number
  at(passage: number): Passage
  /** Up to `most` others on the route of a passage whose starts lie within `withinMs` of its own; the nearest first. */
  near(passage: number, withinMs: number, most: number): number[]
  /** Others on its route that were served at the same time, as far as they are there already. */
  beside(passage: number): number[]
}

const SLOTS = 1 << 16
export const slotOf = (passage: number): number => passage % SLOTS
/** Spans come about in the order of their ends or of their starts: so many that lie too far away end the search. */
const MOST_STRANGERS = 12
const MOST_BESIDE = 64

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
  let next = 0

  const isKept = (passage: number): boolean => passage >= 0 && passage >= next - SLOTS
  const start = (passage: number): number => starts[passage % SLOTS]!
  const end = (passage: number): number => starts[passage % SLOTS]! + ends[passage % SLOTS]!

  /** Goes along a route both ways and takes those whose starts lie within `withinMs`, or who were served at the same time. */
  function walk(from: number, withinMs: number | undefined, most: number): number[] {
    const found: number[] = []
    if (!isKept(from)) return found
    const [fromMs, toMs] = [start(from), end(from)]
    for (const links of [before, after]) {
      let [strangers, here] = [0, 0]
      for (let at = links[from % SLOTS]!; isKept(at); at = links[at % SLOTS]!) {
        const isNear =
          withinMs === undefined
            ? start(at) < toMs && end(at) > fromMs
            : Math.abs(start(at) - fromMs) <= withinMs
        if (isNear) {
          found.push(at)
          if (++here >= most) break
        } else if (++strangers >= MOST_STRANGERS) break
      }
    }
    return found
  }

  return {
    columns: { starts, firsts, ends, prefills, contexts },
    add(route, { startMs, firstMs, endMs, prefillMs, contextMs, logFirst, logRest }) {
      const slot = next % SLOTS
      starts[slot] = startMs
      firsts[slot] = firstMs - startMs
      ends[slot] = endMs - startMs
      prefills[slot] = prefillMs
      contexts[slot] = contextMs
      logFirsts[slot] = logFirst
      logRests[slot] = logRest
      const last = latest.get(route) ?? -1
      before[slot] = last
      after[slot] = -1
      if (isKept(last)) after[last % SLOTS] = next
      latest.delete(route)
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
      const startMs = start(passage)
      const distance = (other: number): number => Math.abs(start(other) - startMs)
      return walk(passage, withinMs, 2 * most)
        .sort((a, b) => distance(a) - distance(b))
        .slice(0, most)
    },
    beside: (passage) => walk(passage, undefined, MOST_BESIDE),
  }
}
