/** Puts together what the instrument knows of its own error, and judges whether the client was the bottleneck. */
import type { Sample } from '../sample/sample.js'
import { quantile } from '../stats/quantile.js'
import { checkArrivals, type ArrivalCheck } from './arrivals.js'
import type { Calibration } from './calibrate.js'
import { latenessInFlight, type Lateness } from './lateness.js'
import type { InstrumentReport } from './report.js'
import type { LoopReading } from './watch-loop.js'

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
  stallMs: 500,
} as const
const MANY_STREAMS = 100
/** From here on the tails are said to be uncertain. */
const WARN_P99_MS = 20
/** A start is late from here on: milliseconds, or share of the mean gap where that is more. */
const START_DELAY_MS = 10
const START_DELAY_SHARE = 0.1
/** One hiccup is none: this share of the starts, and this many, must have been late by the client's own fault. */
const LATE_STARTS_SHARE = 0.05
const LATE_STARTS = 3

interface Judgement {
  overloaded: string[]
  warnings: string[]
}

export function composeReport(
  calibration: Calibration,
  loop: LoopReading,
  samples: readonly Sample[],
): InstrumentReport {
  const arrivals = checkArrivals(samples)
  const many = calibration.streams >= MANY_STREAMS
  const judgements = [
    judgeCalibration(calibration, many),
    judgeLoop(latenessInFlight(loop, samples), many),
    judgeClocks(loop),
    ...arrivals.map(judgeArrivals),
  ]
  const overloaded = judgements.flatMap((each) => each.overloaded)
  return {
    timerNs: calibration.timerNs,
    error: calibration.error,
    loopDelay: loop.delay,
    arrivals: arrivals.flatMap(({ report }) => report ?? []),
    overloaded: overloaded.length > 0,
    warnings: [
      ...overloaded.map((why) => `the instrument was overloaded: ${why}`),
      ...calibration.warnings,
      ...judgements.flatMap((each) => each.warnings),
    ],
  }
}

function judgeCalibration({ error }: Calibration, many: boolean): Judgement {
  if (error === null) return { overloaded: [], warnings: [] }
  const figures = `${error.p50.toFixed(2)} ms (p50) and ${error.p99.toFixed(1)} ms (p99) with ${error.streams} streams`
  return judge(error, many, {
    overloaded: `its timing error is ${figures}`,
    warning: `the timing error is ${figures}: tails are uncertain by as much; is the machine busy with something else?`,
  })
}

function judgeLoop(lateness: Lateness, many: boolean): Judgement {
  const { p50, p99, longestMs } = lateness
  const figures = `${p50.toFixed(1)} ms (p50) and ${p99.toFixed(1)} ms (p99) late while requests were in flight`
  const judgement = judge(lateness, many, {
    overloaded: `its event loop came ${figures}`,
    warning: `the client's event loop came ${figures}: tails are uncertain by as much`,
  })
  if (longestMs >= LIMITS.stallMs)
    judgement.overloaded.push(
      `its event loop stood still for ${(longestMs / 1000).toFixed(1)} s while requests were in flight`,
    )
  return judgement
}

function judge(
  { p50, p99 }: { p50: number; p99: number },
  many: boolean,
  say: { overloaded: string; warning: string },
): Judgement {
  const limit = many ? LIMITS.p99ManyMs : LIMITS.p99Ms
  if (p50 > LIMITS.p50Ms || p99 > limit) return { overloaded: [say.overloaded], warnings: [] }
  return { overloaded: [], warnings: p99 > WARN_P99_MS ? [say.warning] : [] }
}

function judgeClocks({ suspendedMs, clockJumpMs }: LoopReading): Judgement {
  const warnings: string[] = []
  const seconds = (ms: number): string => `${Math.abs(ms / 1000).toFixed(1)} s`
  if (clockJumpMs !== 0)
    warnings.push(
      `the wall clock was set ${clockJumpMs > 0 ? 'forward' : 'back'} by ${seconds(clockJumpMs)} during the run: ` +
        'dates are off, durations are not',
    )
  const overloaded =
    suspendedMs > 0 ? [`the machine slept for ${seconds(suspendedMs)}, which no duration shows`] : []
  return { overloaded, warnings }
}

function judgeArrivals({ report, ownDelays, warnings }: ArrivalCheck): Judgement {
  if (report === null || ownDelays.length === 0) return { overloaded: [], warnings }
  const limitMs = Math.max(START_DELAY_MS, (START_DELAY_SHARE * 1000) / report.asked)
  const late = ownDelays.filter((ms) => ms > limitMs).length
  const p99 = quantile(ownDelays, 0.99)
  if (p99 <= limitMs) return { overloaded: [], warnings }
  const where = `${report.target}, ${report.cell}`
  const what = `${where}: ${late} of ${ownDelays.length} starts came more than ${limitMs.toFixed(0)} ms late (p99 ${p99.toFixed(0)} ms)`
  const isOverloaded = late >= LATE_STARTS && late / ownDelays.length > LATE_STARTS_SHARE
  return isOverloaded ? { overloaded: [what], warnings } : { overloaded: [], warnings: [...warnings, what] }
}
