/** What befell other spans near a span in time and place: the latest of them, in fixed memory. */

/** A span as its neighbours see it. */
export interface Neighbour {
  startMs: number
  /** ln(observed ÷ expected) of the stretch to the first output and of the rest; NaN where not known. */
  logFirst: number
  logRest: number
}

export interface NeighbourStore {
  /** Routes are numbered: of a replica, backend or region. */
  add(route: number, startMs: number, endMs: number, logFirst: number, logRest: number): void
  /** Up to `most` spans on the route, the span at `startMs` itself left out, whose starts lie within `withinMs` of it; the nearest in time first. */
  near(route: number, startMs: number, withinMs: number, most: number): Neighbour[]
  /** Ends of the spans on the route that ran at `startMs`, begun before; undefined where they are too many to look at. */
  endsOf(route: number, startMs: number): number[] | undefined
}

const SLOTS = 1 << 16
/** Spans of a route that are looked at for those in flight. */
const MOST_LOOKED_AT = 1000

/** Keeps the last 65,536 spans of all routes together. */
export function createNeighbours(): NeighbourStore {
  const starts = new Float64Array(SLOTS)
  const ends = new Float64Array(SLOTS)
  const routes = new Int32Array(SLOTS).fill(-1)
  const firsts = new Float32Array(SLOTS)
  const rests = new Float32Array(SLOTS)
  /** Slot of the span before it on the same route, or −1. */
  const before = new Int32Array(SLOTS)
  const latest = new Map<number, number>()
  let next = 0
  let filled = 0

  return {
    add(route, startMs, endMs, logFirst, logRest) {
      const slot = next % SLOTS
      starts[slot] = startMs
      ends[slot] = endMs
      routes[slot] = route
      firsts[slot] = logFirst
      rests[slot] = logRest
      before[slot] = latest.get(route) ?? -1
      latest.set(route, next)
      next++
      filled = Math.min(SLOTS, filled + 1)
    },
    near(route, startMs, withinMs, most) {
      const found: Neighbour[] = []
      let at = latest.get(route) ?? -1
      // Spans come in order of their ends, so starts are only nearly in order: look a little further than the first that is too old.
      let strangers = 0
      while (at >= 0 && at >= next - filled && found.length < 4 * most && strangers < 64) {
        const slot = at % SLOTS
        const distance = Math.abs(starts[slot]! - startMs)
        if (distance > 0 && distance <= withinMs) {
          found.push({ startMs: starts[slot]!, logFirst: firsts[slot]!, logRest: rests[slot]! })
        } else if (starts[slot]! < startMs - withinMs) strangers++
        at = before[slot]!
      }
      return found
        .sort((a, b) => Math.abs(a.startMs - startMs) - Math.abs(b.startMs - startMs))
        .slice(0, most)
    },
    endsOf(route, startMs) {
      const found: number[] = []
      let at = latest.get(route) ?? -1
      let strangers = 0
      for (let looked = 0; at >= 0 && at >= next - filled; looked++) {
        if (looked >= MOST_LOOKED_AT) return undefined
        const slot = at % SLOTS
        // Spans come in about the order of their ends.
        if (ends[slot]! <= startMs && ++strangers >= 16) break
        if (ends[slot]! > startMs && starts[slot]! < startMs) found.push(ends[slot]!)
        at = before[slot]!
      }
      return found
    },
  }
}
