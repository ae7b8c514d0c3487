/** From the readings of a run to what a snapshot holds of them, and to each sample the one of its moment. */
import type { Sample } from '../sample/sample.js'
import type { EngineReading, Total } from './engines.js'
import type { Gauge, Reading, ServerMetrics } from './server-metrics.js'

export interface TimedReading extends EngineReading {
  /** Milliseconds since the run began. */
  atMs: number
}

export interface Scraped {
  target: string
  url: string
  intervalS: number
  failed: number
  readings: readonly TimedReading[]
}

/** Null where nothing was read. */
export function overRun({ readings, failed, ...rest }: Scraped): ServerMetrics | null {
  const first = readings[0]
  if (first === undefined) return null
  const perUnit = (of: (reading: EngineReading) => Total | undefined, factor: number): number | undefined => {
    const { sum, count } = increase(readings.map(of))
    return count > 0 ? (sum / count) * factor : undefined
  }
  const counts = readings.map(({ requests }) =>
    requests === undefined ? undefined : { sum: requests, count: 0 },
  )
  return {
    ...rest,
    engine: first.engine,
    scrapes: readings.length,
    failed,
    running: gauge(readings.map((each) => each.running)),
    waiting: gauge(readings.map((each) => each.waiting)),
    kvUse: gauge(readings.map((each) => each.kvUse)),
    cacheHitShare: perUnit((each) => each.cache, 1),
    requests: counts.some((each) => each !== undefined) ? increase(counts).sum : undefined,
    queueMs: perUnit((each) => each.queue, 1000),
    prefillMs: perUnit((each) => each.prefill, 1000),
    decodeMs: perUnit((each) => each.decode, 1000),
    ttftMs: perUnit((each) => each.ttft, 1000),
    prefillUsPerToken: perUnit((each) => each.prefillTokens, 1e6),
    decodeMsPerToken: perUnit((each) => each.decodeTokens, 1000),
    readings: readings.map(({ atMs, running, waiting, kvUse }) => ({ atMs, running, waiting, kvUse })),
  }
}

/** What was added from reading to reading. A counter that fell was begun anew by a server that restarted. */
function increase(totals: readonly (Total | undefined)[]): Total {
  const added = { sum: 0, count: 0 }
  let before: Total | undefined
  for (const total of totals) {
    if (total === undefined) continue
    if (before !== undefined && total.sum >= before.sum && total.count >= before.count) {
      added.sum += total.sum - before.sum
      added.count += total.count - before.count
    }
    before = total
  }
  return added
}

function gauge(values: readonly (number | undefined)[]): Gauge | undefined {
  const known = values.filter((value) => value !== undefined)
  if (known.length === 0) return undefined
  const sum = known.reduce((total, value) => total + value, 0)
  return { mean: sum / known.length, max: known.reduce((a, b) => Math.max(a, b)) }
}

/** A reading says something of a sample whose start lies no further from it than the readings from each other. */
export function joinByTime(samples: readonly Sample[], metrics: readonly ServerMetrics[]): Sample[] {
  const byTarget = new Map(metrics.map((each) => [each.target, each]))
  return samples.map((sample) => {
    const of = byTarget.get(sample.target)
    const reading = of && nearest(of.readings, sample.atMs)
    if (of === undefined || reading === undefined) return sample
    if (Math.abs(reading.atMs - sample.atMs) > of.intervalS * 1000) return sample
    const { atMs: _, ...server } = reading
    return { ...sample, server }
  })
}

/** By bisection: a long run has thousands of both. */
function nearest(readings: readonly Reading[], atMs: number): Reading | undefined {
  let low = 0
  let high = readings.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (readings[middle]!.atMs < atMs) low = middle + 1
    else high = middle
  }
  const [before, after] = [readings[low - 1], readings[low]]
  if (before === undefined || after === undefined) return before ?? after
  return atMs - before.atMs <= after.atMs - atMs ? before : after
}
