/** When an instrument is overloaded, and when its tails are uncertain. */
import type { Calibration } from './calibrate.js'

/**
 * From here on the instrument is the bottleneck. Other programs on the machine make single turns late, which touches
 * tails and no median: that is a warning. A load of our own that the loop cannot carry makes every turn late, and with
 * many streams already a p99 of some milliseconds means that.
 */
const LIMITS = {
  /** Half of all stamps this late, milliseconds: medians are wrong. */
  p50Ms: 5,
  /** One stamp in a hundred, with few streams. */
  p99Ms: 100,
  /** The same from `MANY_STREAMS` up. */
  p99ManyMs: 5,
} as const
const MANY_STREAMS = 100
/** From here on the tails are said to be uncertain. */
const WARN_P99_MS = 20

export interface Judgement {
  /** Why the instrument was overloaded; empty: it was not. */
  overloaded: string[]
  warnings: string[]
}

/** Judges quantiles of lateness, milliseconds, at that many streams. */
export function judgeLateness(
  { p50, p99 }: { p50: number; p99: number },
  streams: number,
  say: { overloaded: string; warning: string },
): Judgement {
  const limitMs = streams >= MANY_STREAMS ? LIMITS.p99ManyMs : LIMITS.p99Ms
  if (p50 > LIMITS.p50Ms || p99 > limitMs) return { overloaded: [say.overloaded], warnings: [] }
  return { overloaded: [], warnings: p99 > WARN_P99_MS ? [say.warning] : [] }
}

export function judgeCalibration({ error, streams }: Calibration): Judgement {
  if (error === null) return { overloaded: [], warnings: [] }
  const figures = `${error.p50.toFixed(2)} ms (p50) and ${error.p99.toFixed(1)} ms (p99) with ${error.streams} streams`
  return judgeLateness(error, streams, {
    overloaded: `its timing error is ${figures}`,
    warning: `the timing error is ${figures}: tails are uncertain by as much; is the machine busy with something else?`,
  })
}
