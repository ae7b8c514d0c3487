/** What the instrument knows of its own error; stands in every snapshot. */

export interface Spread {
  p50: number
  p99: number
  max: number
}

/** Delivered against asked, for one open-loop cell. */
export interface ArrivalReport {
  target: string
  cell: string
  process: string
  /** Arrivals per second. */
  asked: number
  delivered: number
  /** Coefficient of variation of the gaps between actual starts; null below 3 arrivals. */
  gapCv: number | null
  /** Index of dispersion of counts; null where there are too few windows. */
  dispersion: number | null
  /** Milliseconds. */
  startDelay: Spread
}

export interface InstrumentReport {
  /** Smallest step of the clock, nanoseconds. */
  timerNs: number
  /** Event loops that the load was spread over; absent: one, the main thread's own. */
  workers?: number | undefined
  /**
   * Timing error, milliseconds: stamped here minus sent by a bare paced server in a process of its own, at
   * `streams` concurrent streams over `n` events. Null: not calibrated, and `warnings` says why.
   */
  error: { p50: number; p99: number; streams: number; n: number } | null
  /** Event-loop delay during the run, milliseconds. */
  loopDelay: Spread
  arrivals: readonly ArrivalReport[]
  /** The client was the bottleneck: intervals are widened, and compare answers "not comparable". */
  overloaded: boolean
  warnings: readonly string[]
}
