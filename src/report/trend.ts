/** The model of a trend: plain words first, then the levels they stand on. */
import type { HistoryEvent, HistoryTrend, TrendVerdict } from '../compare/history-trend.js'
import type { Trend } from '../compare/trend.js'
import { figure, percent } from './numbers.js'
import { left, right, type Cell, type Table } from './table.js'

export interface TrendModel {
  headline: string
  /** One a target: what happened, then the table of its series. */
  targets: readonly { name: string; sentences: readonly string[]; series: Table }[]
  notes: readonly string[]
}

export interface TrendResult {
  scenario: string
  trends: readonly HistoryTrend[]
  verdict: TrendVerdict
  notes: readonly string[]
}

export function trendModel({ scenario, trends, verdict, notes }: TrendResult): TrendModel {
  return {
    headline: `${scenario}: ${verdict.why}`,
    targets: trends.map((trend) => ({
      name: `${trend.target}: ${spanOf(trend)}`,
      // Too few days to see a lasting change by.
      sentences: sentencesOf(trend, verdict.exit === 4),
      series: seriesTable(trend),
    })),
    notes,
  }
}

function spanOf({ snapshots, series }: HistoryTrend): string {
  const first = Math.min(...series.map(({ trend }) => trend.firstMs ?? Infinity))
  const last = Math.max(...series.map(({ trend }) => trend.lastMs ?? -Infinity))
  const days = Math.max(0, ...series.map(({ trend }) => trend.days))
  const of = `${snapshots} ${snapshots === 1 ? 'measurement' : 'measurements'}`
  return days === 0
    ? `${of}, none with a value`
    : `${of} on ${days === 1 ? `one day, ${date(first)}` : `${days} days, ${date(first)} to ${date(last)}`}`
}

function sentencesOf({ snapshots, events, series }: HistoryTrend, isShort: boolean): string[] {
  const drifts = series.flatMap(({ name, trend }) =>
    trend.drift === null
      ? []
      : [`${name} drifts: ${change(trend.drift.perMonth)} a month, ${change(trend.drift.ratio)} in all`],
  )
  const spikes = series.flatMap(({ name, trend }) => spikesOf(name, trend))
  const lines = [...events.map(eventSentence), ...drifts, ...spikes]
  if (lines.length > 0) return lines
  const days = Math.max(0, ...series.map(({ trend }) => trend.days))
  if (days <= 1) return [`one ${snapshots === 1 ? 'run' : 'day'} shows no trend`]
  return [isShort ? 'nothing stands out so far' : 'no lasting change, no drift, no spike']
}

function eventSentence({ atMs, moved, routes }: HistoryEvent): string {
  const told = moved.map(
    ({ name, place, ratio }) => `${name} ${change(ratio)}${place === null ? '' : ` (${place})`}`,
  )
  const beside = routes.map(({ field, before, after }) => `${field} ${before} became ${after}`)
  return `since ${date(atMs)}: ${told.join(', ')}${beside.length > 0 ? `; beside it ${beside.join(', ')}` : ''}`
}

const MOST_SPIKES = 5

function spikesOf(name: string, { spikes }: Trend): string[] {
  if (spikes.length === 0) return []
  const told = spikes.slice(-MOST_SPIKES).map(({ atMs, ratio }) => `${date(atMs)} (${change(ratio)})`)
  const more = spikes.length > told.length ? `, and ${spikes.length - told.length} before` : ''
  return [`${name} was off for a day or two: ${told.join(', ')}${more}`]
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

function seriesTable({ series }: HistoryTrend): Table {
  const rows = series.map(({ name, unit, trend }) => {
    const hours = trend.hours.map(({ hour, ratio }) => ({ name: `${hour} h`, ratio }))
    const weekdays = trend.weekdays.map(({ weekday, ratio }) => ({ name: WEEKDAYS[weekday] ?? '', ratio }))
    return [
      left(name),
      left(unit.replace('us/', 'µs/').replace('token', 'tok').replace('tok/token', 'tok²')),
      right(String(trend.days)),
      right(figure(trend.level)),
      left(lastStep(trend)),
      left(extremes(weekdays)),
      left(extremes(hours)),
    ]
  })
  const head = [
    left('what'),
    left(''),
    right('days'),
    right('now'),
    left('last step'),
    left('weekdays'),
    left('UTC hours'),
  ]
  return withoutEmpty({
    title: 'series: level since the last step, and what weekdays and hours are off by',
    head,
    rows,
  })
}

function lastStep({ steps }: Trend): string {
  const last = steps.at(-1)
  return last === undefined ? '—' : `${date(last.atMs)} ${change(last.ratio)}`
}

/** Without the columns that have nothing to say in any row. */
function withoutEmpty({ title, head, rows }: Table): Table {
  const kept = head.map((_, i) => rows.some((row) => row[i]?.text !== '—'))
  const of = (cells: readonly Cell[]): Cell[] => cells.filter((_, i) => kept[i])
  return { title, head: of(head), rows: rows.map(of) }
}

/** The fastest and the slowest, where they differ by more than noise would show. */
function extremes(effects: readonly { name: string; ratio: number }[]): string {
  if (effects.length < 2) return '—'
  const sorted = [...effects].sort((a, b) => a.ratio - b.ratio)
  const [fast, slow] = [sorted[0]!, sorted.at(-1)!]
  return slow.ratio / fast.ratio < 1.02
    ? 'even'
    : `${fast.name} ${change(fast.ratio)}, ${slow.name} ${change(slow.ratio)}`
}

const date = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10)

/** A ratio as a change: `+18 %`, `−3.1 %`. */
function change(ratio: number): string {
  const share = ratio - 1
  if (Math.abs(share) < 0.0005) return '0 %'
  return `${share > 0 ? '+' : '−'}${percent(Math.abs(share))}`
}
