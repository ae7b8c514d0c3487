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
