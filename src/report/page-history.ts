/** Many snapshots: each series over time, its level between changes, and where it changed. */
import type { HistorySeries } from '../compare/history.js'
import type { HistoryTrend } from '../compare/history-trend.js'
import { figure } from './numbers.js'
import type { Block } from './page.js'
import { seriesOf, timeAxis, extent, type Plot, type Point, type Tone } from './plot.js'
import { trendModel, type TrendResult } from './trend.js'

/** A trend, and the points that it was made of: by target, then by name. */
export interface History extends TrendResult {
  points: ReadonlyMap<string, readonly HistorySeries[]>
}

const TONES = new Map<string, Tone>([
  ['ttft', 0],
  ['tpot', 2],
  ['base', 'plain'],
  ['fresh', 0],
  ['hit', 1],
  ['step', 2],
  ['perContext', 2],
])
const TITLES: Readonly<Record<string, string>> = {
  ttft: 'time to first token',
  tpot: 'time per output token',
  base: 'base: network and gateway',
  fresh: 'prefill, a fresh token',
  hit: 'prefill, a cached token',
  step: 'decode step',
  perContext: 'decode, for a token of context',
}

export function historyBlocks(history: History): Block[] {
  const model = trendModel(history)
  return history.trends.flatMap((trend, i): Block[] => {
    const words = model.targets[i]
    const series = history.points.get(trend.target) ?? []
    return [
      ...(words === undefined ? [] : [{ kind: 'list' as const, title: words.name, items: words.sentences }]),
      ...series.flatMap((each): Block[] => [
        { kind: 'plot', plot: trendPlot(each, trend), isWide: false, table: null },
      ]),
      ...(words === undefined || words.series.rows.length === 0
        ? []
        : [{ kind: 'table' as const, table: words.series }]),
    ]
  })
}

function trendPlot({ name, unit, points }: HistorySeries, { series }: HistoryTrend): Plot {
  const trend = series.find((each) => each.name === name)?.trend
  const steps = trend?.steps ?? []
  const [from, to] = extent(points.map(({ atMs }) => atMs))
  const margin = Math.max((to - from) * 0.02, 3_600_000)
  const starts = [from, ...steps.map(({ atMs }) => atMs)]
  const levels =
    steps.length === 0 ? [trend?.level ?? null] : [steps[0]!.before, ...steps.map(({ after }) => after)]
  const line = levels.flatMap((level, i): Point[] =>
    level === null
      ? []
      : [
          [starts[i]!, level],
          [starts[i + 1] ?? to, level],
        ],
  )
  const spikes = new Set(trend?.spikes.map(({ atMs }) => atMs))
  const dayOf = (atMs: number): number => Math.floor(atMs / 86_400_000) * 86_400_000
  const ordinary = points.filter(({ atMs }) => !spikes.has(dayOf(atMs)))
  const off = points.filter(({ atMs }) => spikes.has(dayOf(atMs)))
  const of = (some: typeof points): Point[] => some.map(({ atMs, value }) => [atMs, value])
  const label = unit.replace('us/', 'µs/').replace('token/token', 'token²')
  return {
    title: TITLES[name] ?? name,
    caption: 'Points: snapshots. Line: the level between changes.',
    x: { label: 'UTC', scale: 'linear', format: 'date', from: from - margin, to: to + margin },
    y: timeAxis(
      label,
      points.map(({ value }) => value),
      off.map(({ value }) => value),
    ),
    series: [
      seriesOf('snapshot', TONES.get(name) ?? 0, {
        points: of(ordinary),
        line: trend?.drift === null ? line : [],
      }),
      ...(off.length === 0 ? [] : [seriesOf('off for a day or two', 'bad', { points: of(off) })]),
    ],
    marks: steps.map(({ atMs, before, after }) => ({
      x: atMs,
      text: `${figure(before)} → ${figure(after)}`,
    })),
  }
}
