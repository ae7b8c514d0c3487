/** Many snapshots of one scenario as series: what is kept of each, so that a long history needs little memory. */
import { counts, isUnproven } from '../sample/counts.js'
import type { Sample } from '../sample/sample.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { Point } from '../stats/daily-series.js'
import { blockMeans, serialCorrelation } from '../stats/serial-correlation.js'
import { mad, winsorise } from '../stats/mad.js'
import { median } from '../stats/quantile.js'
import { sampleVariance } from 'simple-statistics'

/** Metrics that a history follows, and the parameters that say where a change of theirs comes from. */
export const FOLLOWED = { ttft: 'ms', tpot: 'ms/token' } as const
export type Followed = keyof typeof FOLLOWED
const EXPLAINING = ['base', 'fresh', 'hit', 'step', 'perContext'] as const

const isFollowed = (name: string): name is Followed => Object.hasOwn(FOLLOWED, name)

/** One target in one snapshot. */
export interface HistoryPoint {
  id: string
  atMs: number
  target: string
  /** ln of the median of each cell, and the relative standard error of the level, where blocks tell it. */
  metrics: Readonly<Record<Followed, { cells: ReadonlyMap<string, number>; se: number | null }>>
  /** Parameters of its curves: value, relative standard error, unit. */
  parameters: ReadonlyMap<string, { value: number; se: number; unit: string }>
  /** What most requests came by: model, fingerprint, region and so on, as far as the server said. */
  routes: ReadonlyMap<string, string>
}

export function toHistory(snapshot: Snapshot): HistoryPoint[] {
  const atMs = Date.parse(snapshot.startedAt)
  return snapshot.targets.map(({ name: target, model, region, baseUrl }) => {
    const samples = snapshot.samples.filter((sample) => sample.target === target && !sample.warmup)
    const metric = (of: Followed): HistoryPoint['metrics'][Followed] =>
      samples.length > 0 ? ofSamples(samples, of) : { cells: ofSummary(snapshot, target, of), se: null }
    return {
      id: snapshot.id,
      atMs,
      target,
      metrics: { ttft: metric('ttft'), tpot: metric('tpot') },
      parameters: parametersOf(snapshot, target),
      routes: routesOf(samples, { 'asked model': model, 'asked region': region, endpoint: baseUrl }),
    }
  })
}

function ofSamples(samples: readonly Sample[], metric: Followed): HistoryPoint['metrics'][Followed] {
  const timed = samples.flatMap((sample) => {
    const value = sample[metric]
    const isUsable = counts(sample) && !isUnproven(sample) && value !== null && value > 0
    return isUsable ? [{ cell: sample.cell, block: sample.block, log: Math.log(value) }] : []
  })
  const cells = new Map<string, number>()
  const off: number[] = []
  const blocks: number[] = []
  for (const cell of new Set(timed.map((each) => each.cell))) {
    const own = timed.filter((each) => each.cell === cell)
    const logs = own.map(({ log }) => log)
    const centre = median(logs)
    const spread = mad(logs, centre)
    cells.set(cell, centre)
    off.push(...winsorise(logs, centre, spread > 0 ? 3 * spread : Infinity).map((log) => log - centre))
    blocks.push(...own.map(({ block }) => block))
  }
  return { cells, se: standardError(off, blocks) }
}

/** Of the mean of blocks in order of time. */
function standardError(off: readonly number[], blocks: readonly number[]): number | null {
  const order = off.map((_, i) => i).sort((i, j) => blocks[i]! - blocks[j]!)
  const means = blockMeans(
    order.map((i) => off[i]!),
    order.map((i) => blocks[i]!),
  )
  if (means.length < 3) return null
  return Math.sqrt((sampleVariance(means) / means.length) * serialCorrelation(means).f)
}

function ofSummary({ summary }: Snapshot, target: string, metric: Followed): Map<string, number> {
  const rows = summary.filter((row) => row.target === target)
  return new Map(
    rows.flatMap((row) => {
      const p50 = row[metric]?.p50 ?? 0
      return p50 > 0 ? [[row.cell, Math.log(p50)] as const] : []
    }),
  )
}

function parametersOf({ curves }: Snapshot, target: string): HistoryPoint['parameters'] {
  const own = curves.filter(
    (curve) => curve.target === target && (curve.law === 'prefill' || curve.law === 'decode'),
  )
  return new Map(
    own.flatMap(({ parameters }) =>
      EXPLAINING.flatMap((name) => {
        const parameter = parameters[name]
        if (parameter === undefined || !(parameter.value > 0) || parameter.bounded || parameter.unverified)
          return []
        const { value, se, unit } = parameter
        return [[name, { value, se: se / value, unit }] as const]
      }),
    ),
  )
}

function routesOf(
  samples: readonly Sample[],
  asked: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of Object.entries(asked)) if (value !== undefined) found.set(name, value)
  for (const field of ['model', 'fingerprint', 'region', 'serviceTier', 'upstream'] as const) {
    const value = mostFrequent(samples.flatMap(({ route }) => route?.[field] ?? []))
    if (value !== null) found.set(field, value)
  }
  return found
}

/** Null of none; of several as frequent the first. */
export function mostFrequent(values: readonly string[]): string | null {
  const tally = new Map<string, number>()
  for (const value of values) tally.set(value, (tally.get(value) ?? 0) + 1)
  return (
    [...tally].reduce<[string, number] | null>((a, b) => (a !== null && a[1] >= b[1] ? a : b), null)?.[0] ??
    null
  )
}

export interface HistorySeries {
  name: string
  unit: string
  points: readonly (Point & { se: number | null })[]
}

/**
 * The series of one target. Cells come and go over months: a metric's level is the mean over its cells of ln(median)
 * less the cell's own level over time, so that a cell more or less is no change.
 */
export function seriesOf(history: readonly HistoryPoint[]): HistorySeries[] {
  const names = [...Object.keys(FOLLOWED), ...EXPLAINING]
  return names.flatMap((name) => {
    const series = isFollowed(name) ? metricSeries(history, name) : parameterSeries(history, name)
    return series.points.length > 0 ? [series] : []
  })
}

function metricSeries(history: readonly HistoryPoint[], name: Followed): HistorySeries {
  const known = new Map<string, number[]>()
  for (const { metrics } of history) {
    for (const [cell, log] of metrics[name].cells) known.set(cell, [...(known.get(cell) ?? []), log])
  }
  const own = new Map([...known].map(([cell, logs]) => [cell, median(logs)]))
  const overall = averageOf([...own.values()])
  const points = history.flatMap(({ atMs, metrics }) => {
    const { cells, se } = metrics[name]
    if (cells.size === 0) return []
    const off = averageOf([...cells].map(([cell, log]) => log - own.get(cell)!))
    return [{ atMs, value: Math.exp(overall + off), se }]
  })
  return { name, unit: FOLLOWED[name], points }
}

function parameterSeries(history: readonly HistoryPoint[], name: string): HistorySeries {
  const found = history.flatMap(({ atMs, parameters }) => {
    const parameter = parameters.get(name)
    return parameter === undefined ? [] : [{ atMs, ...parameter }]
  })
  return {
    name,
    unit: found[0]?.unit ?? '',
    points: found.map(({ atMs, value, se }) => ({ atMs, value, se })),
  }
}

const averageOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
