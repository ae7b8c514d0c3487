/** What a clock can tell: its smallest step, and how far it stands from the machine's monotonic clock. */
import type { Clock } from '../units/time.js'

const STEPS = 1000
const MOST_READS = 200_000

/** Smallest step seen between two readings, nanoseconds; 0 where the clock never moved. */
export function timerStepNs(clock: Clock): number {
  let smallest = Infinity
  let last = clock.nowNs()
  for (let reads = 0, steps = 0; reads < MOST_READS && steps < STEPS; reads++) {
    const now = clock.nowNs()
    if (now > last) {
      smallest = Math.min(smallest, now - last)
      steps++
    }
    last = now
  }
  return Number.isFinite(smallest) ? smallest : 0
}

/**
 * `process.hrtime.bigint()` less `clock.nowNs()`. Every process reads the same monotonic clock through hrtime, while
 * `performance.timeOrigin` is wall-clock time and not exact enough. The reading least disturbed counts.
 */
export function hrtimeOffsetNs(clock: Clock): bigint {
  let offset = 0n
  let narrowest: bigint | undefined
  for (let i = 0; i < 200; i++) {
    const before = process.hrtime.bigint()
    const now = clock.nowNs()
    const width = process.hrtime.bigint() - before
    if (narrowest !== undefined && width >= narrowest) continue
    narrowest = width
    offset = before + width / 2n - BigInt(Math.round(now))
  }
  return offset
}
