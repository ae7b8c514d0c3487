/** Delivered arrivals against asked ones, for each open-loop cell. */
import type { Sample } from '../sample/sample.js'
import { gapCv, indexOfDispersion, poissonDispersionRange, poissonGapCvRange } from '../stats/arrivals.js'
import { ascending, quantiles } from '../stats/quantile.js'
import type { ArrivalReport } from './report.js'

export interface ArrivalCheck {
  target: string
  cell: string
  /** Arrivals per second. */
  asked: number
  /** Null where no visit had two arrivals: then nothing is known of the gaps. */
  report: ArrivalReport | null
  /** Start delays that the client alone has to answer for, milliseconds: those at the bound of requests in flight left out. */
  ownDelays: number[]
  /** A sentence each where arrivals were not as asked. */
  warnings: string[]
}

/** One request of the open loop, milliseconds on the run's clock. */
interface Arrival {
  dueMs: number
  /** When the client acted: opening a connection is not its delay. */
  atMs: number
  endMs: number
}

interface OpenCell {
  target: string
  cell: string
  asked: number
  process: string
  maxInFlight: number
  /** By visit: the pause between two visits is no gap. */
  visits: Map<number, Arrival[]>
}

/** An index of dispersion wants windows of 10 arrivals, and enough windows that its range says something. */
const ARRIVALS_A_WINDOW = 10
const LEAST_WINDOWS = 10
const LEAST_GAPS = 20
const HELD_BACK_MS = 1

/** STATISTICS: constant gaps have a CV below .02 up to 20/s; above that their standard deviation stays below 1 ms. */
const CONSTANT_CV = 0.02
const CONSTANT_SD_MS = 1

export function checkArrivals(samples: readonly Sample[]): ArrivalCheck[] {
  return [...openCells(samples).values()].map(checkCell)
}

function openCells(samples: readonly Sample[]): Map<string, OpenCell> {
  const cells = new Map<string, OpenCell>()
  for (const sample of samples) {
    const { rate } = sample.asked
    if (rate === null || sample.warmup || sample.attempt > 1) continue
    const visit = visitCell(sample.cell)
    if (visit === null) continue
    const key = `${sample.target} ${visit}`
    const { arrivals: process = 'unknown', maxInFlight = Infinity } = sample.asked
    const cell = cells.get(key) ?? {
      target: sample.target,
      cell: visit,
      asked: rateOf(sample.asked) ?? rate,
      process,
      maxInFlight,
      visits: new Map(),
    }
    cells.set(key, cell)
    const arrivals = cell.visits.get(sample.block) ?? []
    cell.visits.set(sample.block, arrivals)
    const setUpMs = sample.reused ? 0 : sample.dns + sample.connect + sample.tls
    arrivals.push({
      dueMs: sample.atMs - sample.startDelay,
      atMs: sample.atMs - setUpMs,
      endMs: sample.atMs + (sample.e2e ?? Infinity), // a failed one held its place for we don't know how long
    })
  }
  return cells
}

/** A user's own conversations share one visit, and only their first turn is an arrival: `prompts/<conversation>.<turn>/…`. */
function visitCell(cell: string): string | null {
  const [probe, own] = cell.split('/')
  const turn = /^\d+\.(\d+)$/.exec(own ?? '')?.[1]
  if (turn === undefined) return cell
  return turn === '1' ? `${probe}/*` : null
}

/** A ramp's or steps' mean over the visit. */
function rateOf({ rate, rateTo }: Sample['asked']): number | null {
  return rate === null || rateTo === undefined ? rate : (rate + rateTo) / 2
}

function checkCell({ target, cell, asked, process, maxInFlight, visits }: OpenCell): ArrivalCheck {
  const gaps: number[] = []
  const delays: number[] = []
  const ownDelays: number[] = []
  let heldBack = 0
  for (const arrivals of visits.values()) {
    const starts = ascending(arrivals.map(({ atMs }) => atMs))
    for (let i = 1; i < starts.length; i++) gaps.push(starts[i]! - starts[i - 1]!)
    for (const arrival of arrivals) {
      const delayMs = Math.max(0, arrival.atMs - arrival.dueMs)
      delays.push(delayMs)
      const atBound = delayMs > HELD_BACK_MS && isFull(arrivals, arrival, maxInFlight)
      if (atBound) heldBack++
      else ownDelays.push(delayMs)
    }
  }
  const report = gaps.length === 0 ? null : reportOf({ target, cell, asked, process }, gaps, delays)
  const warnings = [...heldBackWarning(target, cell, heldBack, delays.length, maxInFlight)]
  if (report !== null && heldBack === 0) warnings.push(...shapeWarnings(report, gaps))
  return { target, cell, asked, report, ownDelays, warnings }
}

/** Whether, when it was due, as many were in flight or ahead of it in the queue as may be in flight. */
function isFull(arrivals: readonly Arrival[], arrival: Arrival, maxInFlight: number): boolean {
  const ahead = arrivals.filter(
    (other) => other !== arrival && other.dueMs <= arrival.dueMs && other.endMs > arrival.dueMs,
  )
  return ahead.length >= maxInFlight
}

function reportOf(
  names: Pick<ArrivalReport, 'target' | 'cell' | 'asked' | 'process'>,
  gaps: readonly number[],
  delays: readonly number[],
): ArrivalReport {
  const totalMs = gaps.reduce((sum, gap) => sum + gap, 0)
  const [p50, p99, max] = quantiles(delays, [0.5, 0.99, 1])
  return {
    ...names,
    delivered: totalMs > 0 ? round((gaps.length / totalMs) * 1000) : 0,
    gapCv: gaps.length < 2 || totalMs === 0 ? null : round(gapCv(gaps)),
    dispersion: dispersionOf(gaps),
    startDelay: { p50: round(p50!), p99: round(p99!), max: round(max!) },
  }
}

/**
 * The gaps of all visits laid end to end are one process without the pauses; given its length and count, the arrivals
 * of a Poisson process lie on it uniformly, which is what the index's range rests on.
 */
function dispersionOf(gaps: readonly number[]): number | null {
  const windows = windowsOf(gaps)
  if (windows < LEAST_WINDOWS) return null
  let end = 0
  const times = gaps.map((gap) => (end += gap))
  const index = indexOfDispersion(times, windows, { start: 0, end })
  return index === null ? null : round(index)
}

const windowsOf = (gaps: readonly number[]): number => Math.floor(gaps.length / ARRIVALS_A_WINDOW)

function shapeWarnings(report: ArrivalReport, gaps: readonly number[]): string[] {
  const { target, cell, process, asked, gapCv: cv, dispersion } = report
  const say = (what: string): string => `${target}, ${cell}: arrivals not as asked: ${what}`
  if (cv === null || gaps.length < LEAST_GAPS) return []
  if (process === 'constant') {
    const limit = Math.max(CONSTANT_CV, (CONSTANT_SD_MS * asked) / 1000)
    return cv <= limit
      ? []
      : [say(`the gaps vary by ${percent(cv)}, equal ones by at most ${percent(limit)}`)]
  }
  if (process !== 'poisson') return []
  const warnings: string[] = []
  const cvRange = poissonGapCvRange(gaps.length)
  if (outside(cv, cvRange))
    warnings.push(say(`gap CV ${cv.toFixed(2)}, of a Poisson process ${span(cvRange)} in 99 % of cases`))
  if (dispersion === null) return warnings
  const range = poissonDispersionRange(windowsOf(gaps))
  if (outside(dispersion, range))
    warnings.push(
      say(
        `index of dispersion ${dispersion.toFixed(2)}, of a Poisson process ${span(range)} in 99 % of cases`,
      ),
    )
  return warnings
}

function heldBackWarning(
  target: string,
  cell: string,
  heldBack: number,
  all: number,
  maxInFlight: number,
): string[] {
  if (heldBack === 0) return []
  return [
    `${target}, ${cell}: ${heldBack} of ${all} starts waited for one of ${maxInFlight} in flight to end: ` +
      'the target is slower than the rate asked for (or raise the maximum in flight)',
  ]
}

interface Range {
  low: number
  high: number
}

const outside = (value: number, { low, high }: Range): boolean => value < low || value > high
const span = ({ low, high }: Range): string => `${low.toFixed(2)}-${high.toFixed(2)}`
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const round = (value: number): number => Math.round(value * 10_000) / 10_000
