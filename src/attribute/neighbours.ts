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
  /** Moments: its prefill from when at the earliest, its first output, its end. They are asked for most. */
  prefillsFrom: Float64Array
  firstsAt: Float64Array
  endsAt: Float64Array
}

/** Where a span was served, by numbers. */
export interface Where {
  /** Of its service's spans: a replica, backend or region. */
  route: number
  /** The machines that serve a model, whoever calls them, and which of them it was; 0 where that is not told. */
  fleet: number
  machine: number
}

export interface NeighbourStore {
  /** Where an object for each passage would cost too much. */
  readonly columns: PassageColumns
  /** Gives the number of the passage. */
  add(where: Where, passage: Passage): number
  /** What is remembered of a passage. */
  at(passage: number): Passage
  /** Up to `most` others on the route of a passage whose starts lie within `withinMs` of its own; the nearest first. */
  near(passage: number, withinMs: number, most: number): readonly number[]
  /** Likewise those that another machine of the fleet served. */
  elsewhere(passage: number, withinMs: number, most: number): readonly number[]
  /**
   * Slots of others that its machine may have served at the same time, as far as they are there already: those before it,
   * the latest first, then those after it. Gives their number, at most `MOST_BESIDE`.
   */
  beside(passage: number, into: Int32Array): number
}

const SLOTS = 1 << 16
const LAST_SLOT = SLOTS - 1
const moments = (): Float64Array => new Float64Array(SLOTS)
export const slotOf = (passage: number): number => passage & LAST_SLOT
/** Spans come about in the order of their ends or of their starts: so many that lie too far away end the search. */
const MOST_STRANGERS = 12
const MOST_EACH_WAY = 64
export const MOST_BESIDE = 2 * MOST_EACH_WAY
/** Of a search, before the nearest are taken. */
const MOST_FOUND = 128
/** So many are looked at each way, be they of other machines. */
const MOST_LOOKED_AT = 256

/** Keeps the last 65,536 spans of all routes together. */
export function createNeighbours(): NeighbourStore {
  const starts = new Float64Array(SLOTS)
  /** Durations, from the start. */
  const [firsts, ends] = [new Float32Array(SLOTS), new Float32Array(SLOTS)]
  const [prefills, contexts] = [new Float32Array(SLOTS), new Float32Array(SLOTS)]
  const [logFirsts, logRests] = [new Float32Array(SLOTS), new Float32Array(SLOTS)]
  const [prefillsFrom, firstsAt, endsAt] = [moments(), moments(), moments()]
  const machines = new Int32Array(SLOTS)
  const [routes, fleets] = [createChain(), createChain()]
  let next = 0

  const isKept = (passage: number): boolean => passage >= 0 && passage >= next - SLOTS
  /** Of a search, the nearest first: passages, and how far their starts are. */
  const found = new Int32Array(MOST_FOUND)
  const distances = new Float64Array(MOST_FOUND)

  /** Of a chain, the nearest first; `than`: of other machines that are told. */
  function nearest(
    { before, after }: Chain,
    passage: number,
    withinMs: number,
    most: number,
    than?: number,
  ): readonly number[] {
    if (!isKept(passage)) return []
    const fromMs = starts[slotOf(passage)]!
    const eachWay = Math.min(2 * most, MOST_FOUND / 2)
    let count = 0
    for (let way = 0; way < 2; way++) {
      const links = way === 0 ? before : after
      let [strangers, here, looked] = [0, 0, 0]
      for (let at = links[slotOf(passage)]!; isKept(at); at = links[slotOf(at)]!) {
        if (++looked > MOST_LOOKED_AT) break
        const distance = Math.abs(starts[slotOf(at)]! - fromMs)
        if (distance > withinMs) {
          if (++strangers >= MOST_STRANGERS) break
          continue
        }
        const machine = machines[slotOf(at)]!
        if (than !== undefined && (machine === 0 || machine === than)) continue
        // In its place among those found: of equally near ones the first found stays first.
        let place = count++
        for (; place > 0 && distances[place - 1]! > distance; place--) {
          distances[place] = distances[place - 1]!
          found[place] = found[place - 1]!
        }
        distances[place] = distance
        found[place] = at
        if (++here >= eachWay) break
      }
    }
    const near: number[] = []
    for (let i = 0; i < Math.min(count, most); i++) near.push(found[i]!)
    return near
  }

  return {
    columns: {
      starts,
      firsts,
      ends,
      prefills,
      contexts,
      logFirsts,
      logRests,
      prefillsFrom,
      firstsAt,
      endsAt,
    },
    add({ route, fleet, machine }, { startMs, firstMs, endMs, prefillMs, contextMs, logFirst, logRest }) {
      const slot = slotOf(next)
      starts[slot] = startMs
      firsts[slot] = firstMs - startMs
      ends[slot] = endMs - startMs
      prefills[slot] = prefillMs
      contexts[slot] = contextMs
      logFirsts[slot] = logFirst
      logRests[slot] = logRest
      firstsAt[slot] = startMs + firsts[slot]
      endsAt[slot] = startMs + ends[slot]
      prefillsFrom[slot] = Math.max(startMs, firstsAt[slot] - prefills[slot])
      machines[slot] = machine
      routes.link(route, next)
      fleets.link(fleet, next)
      return next++
    },
    at(passage) {
      const slot = slotOf(passage)
      const startMs = starts[slot]!
      return {
        startMs,
        firstMs: firstsAt[slot]!,
        endMs: endsAt[slot]!,
        prefillMs: prefills[slot]!,
        contextMs: contexts[slot]!,
        logFirst: logFirsts[slot]!,
        logRest: logRests[slot]!,
      }
    },
    near: (passage, withinMs, most) => nearest(routes, passage, withinMs, most),
    elsewhere: (passage, withinMs, most) =>
      machines[slotOf(passage)] === 0
        ? []
        : nearest(fleets, passage, withinMs, most, machines[slotOf(passage)]),
    beside(passage, into) {
      if (!isKept(passage)) return 0
      const own = slotOf(passage)
      const fromMs = starts[own]!
      const toMs = endsAt[own]!
      const oldest = Math.max(0, next - SLOTS)
      const machine = machines[own]!
      let count = 0
      for (let way = 0; way < 2; way++) {
        const links = way === 0 ? fleets.before : fleets.after
        const most = count + MOST_EACH_WAY
        let strangers = 0
        let left = MOST_LOOKED_AT
        for (let at = links[own]!; at >= oldest && left > 0; left--) {
          const slot = slotOf(at)
          at = links[slot]!
          if (starts[slot]! >= toMs || endsAt[slot]! <= fromMs) {
            if (++strangers >= MOST_STRANGERS) break
          } else if (machine === 0 || machines[slot] === 0 || machines[slot] === machine) {
            into[count++] = slot
            if (count >= most) break
          }
        }
      }
      return count
    },
  }
}

/** Passages of the same key, each linked to the one before and after it; −1 is none. By slot. */
interface Chain {
  readonly before: Int32Array
  readonly after: Int32Array
  link(key: number, passage: number): void
}

function createChain(): Chain {
  const [before, after] = [new Int32Array(SLOTS), new Int32Array(SLOTS)]
  const latest = new Map<number, number>()
  let latestKey = NaN
  return {
    before,
    after,
    link(key, passage) {
      const last = key === latestKey ? passage - 1 : (latest.get(key) ?? -1)
      before[slotOf(passage)] = last
      after[slotOf(passage)] = -1
      if (last >= 0 && last > passage - SLOTS) after[slotOf(last)] = passage
      if (key !== latestKey) latest.delete(key)
      latestKey = key
      latest.set(key, passage)
      // The oldest key lies behind what is kept.
      if (latest.size > SLOTS) latest.delete(latest.keys().next().value ?? key)
    },
  }
}
