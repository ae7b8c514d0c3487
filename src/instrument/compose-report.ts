/** Puts together what the instrument knows of its own error, and judges whether the client was the bottleneck. */
import type { Sample } from '../sample/sample.js'
import { quantile } from '../stats/quantile.js'
import { checkArrivals, type ArrivalCheck } from './arrivals.js'
import type { Calibration } from './calibrate.js'
import { latenessInFlight, type Lateness } from './lateness.js'
import { judgeCalibration, judgeLateness, type Judgement } from './limits.js'
import type { InstrumentReport } from './report.js'
import type { LoopReading } from './watch-loop.js'

/** A stall as long as this, with requests in flight, is an overload by itself. */
const STALL_MS = 500
/** A start is late from here on: milliseconds, or share of the mean gap where that is more. */
const START_DELAY_MS = 10
const START_DELAY_SHARE = 0.1
/** One hiccup is none: this share of the starts, and this many, must have been late by the client's own fault. */
const LATE_STARTS_SHARE = 0.05
const LATE_STARTS = 3

export function composeReport(
  calibration: Calibration,
  loop: LoopReading,
  samples: readonly Sample[],
  workers?: number,
): InstrumentReport {
  const arrivals = checkArrivals(samples)
  const judgements = [
    judgeCalibration(calibration),
    judgeLoop(latenessInFlight(loop, samples), calibration.streams),
    judgeClocks(loop),
    ...arrivals.map(judgeArrivals),
  ]
  const overloaded = judgements.flatMap((each) => each.overloaded)
  return {
    timerNs: calibration.timerNs,
    ...(workers !== undefined && { workers }),
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

function judgeLoop(lateness: Lateness, streams: number): Judgement {
  const { p50, p99, longestMs } = lateness
  const figures = `${p50.toFixed(1)} ms (p50) and ${p99.toFixed(1)} ms (p99) late while requests were in flight`
  const judgement = judgeLateness(lateness, streams, {
    overloaded: `its event loop came ${figures}`,
    warning: `the client's event loop came ${p99.toFixed(0)} ms late at p99 while requests were in flight: tails are uncertain by as much`,
  })
  if (longestMs >= STALL_MS)
    judgement.overloaded.push(
      `its event loop stood still for ${(longestMs / 1000).toFixed(1)} s while requests were in flight`,
    )
  return judgement
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

function judgeArrivals({ target, cell, asked, ownDelays, warnings }: ArrivalCheck): Judgement {
  if (ownDelays.length === 0) return { overloaded: [], warnings }
  const limitMs = Math.max(START_DELAY_MS, (START_DELAY_SHARE * 1000) / asked)
  const late = ownDelays.filter((ms) => ms > limitMs).length
  const p99 = quantile(ownDelays, 0.99)
  if (p99 <= limitMs) return { overloaded: [], warnings }
  const where = `${target}, ${cell}`
  const what = `${where}: ${late} of ${ownDelays.length} starts came more than ${limitMs.toFixed(0)} ms late (p99 ${p99.toFixed(0)} ms)`
  const isOverloaded = late >= LATE_STARTS && late / ownDelays.length > LATE_STARTS_SHARE
  return isOverloaded ? { overloaded: [what], warnings } : { overloaded: [], warnings: [...warnings, what] }
}
