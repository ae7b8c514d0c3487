/** Open-loop samples and readings for the tests of this room. */
import type { Calibration } from '../../src/instrument/calibrate.js'
import type { LoopReading } from '../../src/instrument/watch-loop.js'
import type { ArrivalProcess } from '../../src/plan/probe.js'
import type { Sample } from '../../src/sample/sample.js'

export const RUN_START_UTC_MS = Date.UTC(2026, 10, 23, 9, 0, 0)

export const CALM: Calibration = {
  streams: 8,
  timerNs: 41,
  error: { p50: 0.04, p99: 0.9, streams: 8, n: 224 },
  warnings: [],
}

export const IDLE: LoopReading = {
  delay: { p50: 0.1, p99: 1.3, max: 6 },
  longestStallMs: 4,
  late: [],
  floorMs: 2,
  sinceUtcMs: RUN_START_UTC_MS,
  suspendedMs: 0,
  clockJumpMs: 0,
}

interface Shape {
  rate: number | null
  process?: ArrivalProcess
  maxInFlight?: number
  block?: number
  /** How long each request takes, milliseconds. */
  e2e?: number
}

/** One visit: requests that started at `startsMs` on the run's clock, each `delaysMs[i]` after it was due. */
export function visitOf(
  startsMs: readonly number[],
  { rate, process = 'poisson', maxInFlight = 256, block = 0, e2e = 50 }: Shape,
  delaysMs: readonly number[] = [],
): Sample[] {
  const load = rate === null ? 'c1' : `${process}${rate}-max${maxInFlight}`
  return startsMs.map((atMs, i) => ({
    id: `s-${block}-${i}`,
    target: 'gpt',
    probe: 'arrival-rate',
    cell: `arrival-rate/128/16/fresh/${load}/reused`,
    block,
    attempt: 1,
    warmup: false,
    outcome: 'ok',
    status: 200,
    asked: {
      promptTokens: 128,
      prefixTokens: 0,
      outputTokens: 16,
      cache: 'fresh',
      concurrency: rate === null ? 1 : null,
      rate,
      ...(rate !== null && { arrivals: process, maxInFlight }),
      connection: 'reused',
    },
    startedAt: new Date(RUN_START_UTC_MS + atMs).toISOString(),
    atMs,
    startDelay: delaysMs[i] ?? 0.05,
    reused: true,
    dns: 0,
    connect: 0,
    tls: 0,
    ttfb: 20,
    ttfe: 20,
    ttft: 20,
    ttfvt: 20,
    ttftIntended: 20,
    tpot: 2,
    decodeRate: 500,
    e2e,
    e2eIntended: e2e,
    itl: null,
    coalesced: 0,
    tokenSource: null,
    cacheState: 'unverified',
    bytes: 2000,
  }))
}

/** Starts `gapMs` apart. */
export function evenly(count: number, gapMs: number, fromMs = 0): number[] {
  return Array.from({ length: count }, (_, i) => fromMs + i * gapMs)
}
