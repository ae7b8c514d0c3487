/** Time: monotonic nanoseconds inside, milliseconds at the edge. */

/** Where the time comes from; real in the shell, virtual in tests and in the simulator. */
export interface Clock {
  /** Monotonic time, nanoseconds since an arbitrary origin. Integers stay exact for 104 days. */
  nowNs(): number
  /** Wall-clock time, milliseconds since 1970-01-01 UTC. Never subtracted to get a duration. */
  utcMs(): number
}

const NS_PER_MS = 1e6

export function nsToMs(ns: number): number {
  return ns / NS_PER_MS
}

/**
 * The process's own clock. `performance.now()` reads the same monotonic base as
 * `process.hrtime.bigint()` (CLOCK_MONOTONIC on Linux) without allocating a BigInt.
 */
export const systemClock: Clock = {
  nowNs: () => Math.round(performance.now() * NS_PER_MS),
  utcMs: () => Date.now(),
}

const MINUTE_MS = 60_000
const SECONDS = Array.from({ length: 60 }, (_, s) => String(s).padStart(2, '0'))
const MILLISECONDS = Array.from({ length: 1000 }, (_, ms) => `.${String(ms).padStart(3, '0')}Z`)
let lastMinute = NaN
let minuteText = ''

/**
 * As `new Date(utcMs).toISOString()`, also in what it throws; many moments of the same minute cost a tenth of that.
 */
export function isoTime(utcMs: number): string {
  const minute = Math.floor(utcMs / MINUTE_MS)
  if (minute !== lastMinute) {
    minuteText = new Date(minute * MINUTE_MS).toISOString().slice(0, -'00.000Z'.length)
    lastMinute = minute
  }
  const ms = Math.floor(utcMs - minute * MINUTE_MS)
  const second = Math.floor(ms / 1000)
  return `${minuteText}${SECONDS[second]}${MILLISECONDS[ms - second * 1000]}`
}
