/** Watches the client's own event loop during a run: late turns, a machine that slept, a wall clock that jumped. */
import { uptime } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { nsToMs, systemClock, type Clock } from '../units/time.js'
import type { Spread } from './report.js'

/** A turn of the loop that came late. */
export interface LateTurn {
  /** When it came at last: wall clock at the watch's start and monotonic time since, as in the samples' `startedAt`. */
  atUtcMs: number
  lateMs: number
}

export interface LoopReading {
  /** Beyond what a timer of an idle loop needs, milliseconds. */
  delay: Spread
  longestStallMs: number
  /** Turns that came more than `floorMs` late, of one due every `TICK_MS`. */
  late: readonly LateTurn[]
  floorMs: number
  /** Wall clock at the watch's start. */
  sinceUtcMs: number
  /** The machine slept: its monotonic clock stood still. */
  suspendedMs: number
  /** How far the wall clock was set forward (negative: back) while we ran. No duration rests on it. */
  clockJumpMs: number
}

export interface LoopWatch {
  read(): LoopReading
  stop(): void
}

export interface WatchOptions {
  clock?: Clock | undefined
  /** Time since boot, sleep included (CLOCK_BOOTTIME on Linux). */
  uptimeMs?: (() => number) | undefined
}

/** Of several loops that stamp side by side the one whose turns came latest in sum; what the clocks did is of `main`. */
export function latest(main: LoopReading, loops: readonly LoopReading[]): LoopReading {
  const sum = ({ late }: LoopReading): number => late.reduce((total, { lateMs }) => total + lateMs, 0)
  const worst = loops.reduce<LoopReading | null>(
    (found, each) => (found === null || sum(each) > sum(found) ? each : found),
    null,
  )
  const { suspendedMs, clockJumpMs } = main
  return worst === null ? main : { ...worst, suspendedMs, clockJumpMs }
}

export const TICK_MS = 25
const RESOLUTION_MS = 10
/** libuv counts in whole milliseconds: a timer of an idle loop is up to this late. */
const IDLE_MS = 2
const MOST_LATE = 50_000
/** NTP slews the wall clock by .5 ms a second; what is larger between two ticks was set. */
const JUMP_MS = 200

export function watchLoop(options: WatchOptions = {}): LoopWatch {
  const clock = options.clock ?? systemClock
  const uptimeMs = options.uptimeMs ?? (() => uptime() * 1000)
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()

  const startNs = clock.nowNs()
  const sinceUtcMs = clock.utcMs()
  let lastNs = startNs
  let lastUtcMs = sinceUtcMs
  let sleepMs = uptimeMs() - nsToMs(lastNs) // a constant that only sleep adds to
  let longestStallMs = 0
  let suspendedMs = 0
  let clockJumpMs = 0
  let floorMs = IDLE_MS
  let late: LateTurn[] = []

  function look(): void {
    const nowNs = clock.nowNs()
    const utcMs = clock.utcMs()
    const passedMs = nsToMs(nowNs - lastNs)
    noteLate(passedMs - TICK_MS, sinceUtcMs + nsToMs(nowNs - startNs))
    const aheadMs = utcMs - lastUtcMs - passedMs
    if (Math.abs(aheadMs) > JUMP_MS) noteJump(aheadMs, nsToMs(nowNs))
    lastNs = nowNs
    lastUtcMs = utcMs
  }

  function noteLate(lateMs: number, atUtcMs: number): void {
    longestStallMs = Math.max(longestStallMs, lateMs)
    if (lateMs <= floorMs) return
    late.push({ atUtcMs, lateMs })
    if (late.length <= MOST_LATE) return
    floorMs *= 2 // a long run forgets its least late turns
    late = late.filter((turn) => turn.lateMs > floorMs)
  }

  /** The wall clock went ahead of the monotonic one: the machine slept, or somebody set the clock, or both. */
  function noteJump(aheadMs: number, nowMs: number): void {
    const sleptMs = Math.max(0, uptimeMs() - nowMs - sleepMs)
    const slept = sleptMs > JUMP_MS ? sleptMs : 0
    sleepMs += slept
    suspendedMs += slept
    const setMs = aheadMs - slept
    if (Math.abs(setMs) > JUMP_MS) clockJumpMs += setMs
  }

  const timer = setInterval(look, TICK_MS)
  timer.unref()
  return {
    read() {
      look()
      return {
        delay: delayOf(histogram),
        longestStallMs: round(longestStallMs),
        late: [...late],
        floorMs,
        sinceUtcMs,
        suspendedMs: round(suspendedMs),
        clockJumpMs: round(clockJumpMs),
      }
    },
    stop() {
      clearInterval(timer)
      histogram.disable()
    },
  }
}

/** The histogram holds the time between two firings: the interval and the delay. */
function delayOf(histogram: ReturnType<typeof monitorEventLoopDelay>): Spread {
  if (histogram.max === 0) return { p50: 0, p99: 0, max: 0 } // nothing fired yet
  const beyond = (ns: number): number => Math.max(0, round(nsToMs(ns) - RESOLUTION_MS))
  return {
    p50: beyond(histogram.percentile(50)),
    p99: beyond(histogram.percentile(99)),
    max: beyond(histogram.max),
  }
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000
