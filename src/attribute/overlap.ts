/** Whether calls wait when others of their own are being served, and hardly else: then they queue behind them. */

export interface Overlaps {
  /** `inFlight`: own calls being served at its start. `waited`: it came later than its lengths and theirs foresee. */
  add(inFlight: number, waited: boolean): void
  /**
   * Log ratio of how often calls with so many in flight wait, against those with fewer. Where most of those with so many do not
   * wait, the log odds that one does: who waits for a turn is not passed by such calls.
   */
  weigh(inFlight: number): number
  /** Share of calls with so many in flight that waited, for the reader. */
  share(inFlight: number): number
}

/** From so many in flight on they are counted together. */
const MOST_IN_FLIGHT = 64
const LEAST_CALLS = 12
const MOST = 3
const LEAST = -3
const DOUBT = 4
/** Most of those with so many in flight must have waited. */
const MOSTLY = 0.5
/** About so many calls of each kind are remembered. */
const KEEP = 0.99

export function createOverlaps(): Overlaps {
  const calls = new Float64Array(MOST_IN_FLIGHT + 1)
  const waits = new Float64Array(MOST_IN_FLIGHT + 1)
  let seen = 0
  const kindOf = (inFlight: number): number => Math.min(MOST_IN_FLIGHT, inFlight)
  /** Laplace's rule of succession. */
  const usual = (): number => (sumOf(waits, 0, MOST_IN_FLIGHT) + 1) / (sumOf(calls, 0, MOST_IN_FLIGHT) + 2)
  const sumOf = (of: Float64Array, from: number, to: number): number => {
    let all = 0
    for (let kind = from; kind <= to; kind++) all += of[kind]!
    return all
  }
  /** Drawn to what is usual, as if so many calls had been seen beforehand. */
  const rate = (from: number, to: number): number =>
    (sumOf(waits, from, to) + DOUBT * usual()) / (sumOf(calls, from, to) + DOUBT)
  /** With more in flight a call waits the more: those with a few less tell of it too. */
  const leastLike = (kind: number): number => Math.floor(kind / 2) + 1
  const rateAt = (kind: number): number => rate(leastLike(kind), kind)
  return {
    add(inFlight, waited) {
      const kind = kindOf(inFlight)
      seen++
      calls[kind] = calls[kind]! * KEEP + 1
      waits[kind] = waits[kind]! * KEEP + (waited ? 1 : 0)
    },
    weigh(inFlight) {
      const kind = kindOf(inFlight)
      if (kind === 0 || seen < LEAST_CALLS) return 0
      const waiting = rateAt(kind)
      if (waiting < MOSTLY) {
        const known = sumOf(calls, leastLike(kind), kind)
        return known < DOUBT ? 0 : Math.max(LEAST, Math.log(waiting / (1 - waiting)))
      }
      // Those with fewer in flight: a machine of several slots has room for some.
      return Math.max(0, Math.min(MOST, Math.log(waiting / rate(0, Math.floor((kind - 1) / 2)))))
    },
    share: (inFlight) => rateAt(kindOf(inFlight)),
  }
}
