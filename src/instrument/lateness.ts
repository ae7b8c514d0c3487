/** How late the event loop was while requests were in flight: what that does to a stamp. */
import type { Sample } from '../sample/sample.js'
import { TICK_MS, type LoopReading } from './watch-loop.js'

export interface Lateness {
  /** Turns that were due while requests were in flight. */
  turns: number
  /** Quantiles of their lateness, milliseconds; below what an idle loop needs they are 0. */
  p50: number
  p99: number
  /** Longest stall that touched a request in flight. */
  longestMs: number
}

type Window = readonly [fromUtcMs: number, toUtcMs: number]

/**
 * The turns of the loop are due at moments that know nothing of the events, so their lateness is a fair sample of how
 * late events were stamped. One late turn stands in for all that were due and missed meanwhile (the correction for
 * coordinated omission, as in HdrHistogram). Quiet moments, in which streams are parsed, do not count.
 */
export function latenessInFlight(loop: LoopReading, samples: readonly Sample[]): Lateness {
  const windows = inFlight(samples, loop.sinceUtcMs)
  const turns = windows.reduce((sum, [from, to]) => sum + to - from, 0) / TICK_MS
  const lates: number[] = []
  let longestMs = 0
  for (const { atUtcMs, lateMs } of loop.late) {
    if (touches(windows, atUtcMs - lateMs, atUtcMs)) longestMs = Math.max(longestMs, lateMs)
    for (let ms = lateMs; ms > loop.floorMs; ms -= TICK_MS) {
      const dueMs = atUtcMs - ms
      if (touches(windows, dueMs, dueMs)) lates.push(ms)
    }
  }
  lates.sort((a, b) => b - a)
  const quantile = (p: number): number => lates[Math.floor((1 - p) * turns)] ?? 0
  return { turns, p50: quantile(0.5), p99: quantile(0.99), longestMs }
}

/** When at least one request that counts was in flight: ascending, disjoint. A resumed run holds older samples. */
function inFlight(samples: readonly Sample[], sinceUtcMs: number): Window[] {
  const spans = samples
    .filter((sample) => !sample.warmup && sample.e2e !== null)
    .map((sample): Window => {
      const from = Date.parse(sample.startedAt)
      return [from, from + (sample.e2e ?? 0)]
    })
    .filter(([from]) => from >= sinceUtcMs)
    .sort(([a], [b]) => a - b)
  const merged: Window[] = []
  for (const [from, to] of spans) {
    const last = merged.at(-1)
    if (last === undefined || from > last[1]) merged.push([from, to])
    else merged[merged.length - 1] = [last[0], Math.max(last[1], to)]
  }
  return merged
}

function touches(windows: readonly Window[], from: number, to: number): boolean {
  let low = 0
  let high = windows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (windows[middle]![1] < from) low = middle + 1
    else high = middle
  }
  const window = windows[low]
  return window !== undefined && window[0] <= to
}
