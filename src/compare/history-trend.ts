/** What changed over a history of snapshots: one event for all that moved together, with the parameter that moved. */
import { stepAt } from '../stats/change-points.js'
import { dailySeries } from '../stats/daily-series.js'
import { mostFrequent, seriesOf, type HistoryPoint, type HistorySeries } from './history.js'
import { trendOf, type Trend, type TrendOptions, type TrendStep } from './trend.js'
import { DEFAULT_MARGIN } from './comparison.js'

/** Where the time of a parameter goes. */
const PLACES: Readonly<Record<string, string>> = {
  base: 'network or gateway',
  fresh: 'prefill',
  hit: 'cached prefill',
  step: 'decode',
  perContext: 'cost of context in decode',
}

export interface Moved {
  name: string
  /** Where that is; null for a metric, which is made of several. */
  place: string | null
  ratio: number
  p: number
}

export interface HistoryEvent {
  /** Start of the first day after it. */
  atMs: number
  /** All of them slower, all faster, or some of each. */
  direction: 'worse' | 'better' | 'mixed'
  /** What stepped, and the parameters that shifted with it: the largest first. */
  moved: readonly Moved[]
  /** What most requests came by in the week before and the week after, where that changed. */
  routes: readonly { field: string; before: string; after: string }[]
}

export interface HistoryTrend {
  target: string
  snapshots: number
  events: readonly HistoryEvent[]
  series: readonly { name: string; unit: string; trend: Trend }[]
}

// A tenth of an alarm in a hundred days for one series; several share it.
const LEVEL = 0.0003
// That a parameter moved along is no alarm of its own.
const MOVED_ALONG = 0.01
const DAY_MS = 86_400_000
const TOGETHER_MS = 7 * DAY_MS

/** One trend a target. `margins`: smallest shift that matters, by name. @default .05 each */
export function historyTrend(
  history: readonly HistoryPoint[],
  { margins = {} }: { margins?: Readonly<Record<string, number>> | undefined } = {},
): HistoryTrend[] {
  const targets = [...new Set(history.map(({ target }) => target))]
  return targets.map((target) => {
    const own = history.filter((point) => point.target === target).sort((a, b) => a.atMs - b.atMs)
    const all = seriesOf(own)
    const options = (name: string): TrendOptions => ({
      margin: margins[name] ?? DEFAULT_MARGIN,
      level: LEVEL / all.length,
    })
    const series = all.map((each) => ({ ...each, trend: trendOf(each.points, options(each.name)) }))
    const steps = series.flatMap(({ name, trend }) => trend.steps.map((step) => ({ name, step })))
    return {
      target,
      snapshots: own.length,
      events: together(steps).map((group) => toEvent(group, own, all, margins)),
      series: series.map(({ name, unit, trend }) => ({ name, unit, trend })),
    }
  })
}

interface Named {
  name: string
  step: TrendStep
}

/** Steps within a week of the surest of them. */
function together(steps: readonly Named[]): Named[][] {
  const groups: Named[][] = []
  for (const each of [...steps].sort((a, b) => a.step.p - b.step.p)) {
    const group = groups.find(
      ([first]) =>
        Math.abs(first!.step.atMs - each.step.atMs) <= TOGETHER_MS &&
        !groups.some((other) => other.includes(each)),
    )
    if (group === undefined) groups.push([each])
    else group.push(each)
  }
  return groups.sort((a, b) => a[0]!.step.atMs - b[0]!.step.atMs)
}

function toEvent(
  group: readonly Named[],
  history: readonly HistoryPoint[],
  all: readonly HistorySeries[],
  margins: Readonly<Record<string, number>>,
): HistoryEvent {
  const { atMs } = group[0]!.step
  const stepped = new Map(group.map(({ name, step }) => [name, { ratio: step.ratio, p: step.p }]))
  const moved = all.flatMap(({ name, points }): Moved[] => {
    const place = PLACES[name] ?? null
    const own = stepped.get(name)
    if (own !== undefined) return [{ name, place, ...own }]
    const along = place === null ? null : shiftAt(points, atMs)
    const margin = Math.log1p(margins[name] ?? DEFAULT_MARGIN)
    return along === null || along.p > MOVED_ALONG || Math.abs(Math.log(along.ratio)) < margin
      ? []
      : [{ name, place, ...along }]
  })
  moved.sort((a, b) => Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)))
  // A parameter that makes up for another is no better news: the steps alone say which way it went.
  const ways = new Set(group.map(({ step }) => step.ratio > 1))
  return {
    atMs,
    direction: ways.size > 1 ? 'mixed' : ways.has(true) ? 'worse' : 'better',
    moved,
    routes: routeChanges(history, atMs),
  }
}

/** Within a month of the moment: further away other changes may lie. */
function shiftAt(points: HistorySeries['points'], atMs: number): { ratio: number; p: number } | null {
  const near = points.filter((point) => Math.abs(point.atMs - atMs) <= 30 * DAY_MS)
  const { days, cleaned } = dailySeries(near)
  const at = days.findIndex((day) => day * DAY_MS >= atMs)
  const found = stepAt(cleaned, at)
  return found === null ? null : { ratio: Math.exp(found.shift), p: found.p }
}

function routeChanges(history: readonly HistoryPoint[], atMs: number): HistoryEvent['routes'] {
  const before = history.filter((point) => point.atMs < atMs && point.atMs >= atMs - TOGETHER_MS)
  const after = history.filter((point) => point.atMs >= atMs && point.atMs < atMs + TOGETHER_MS)
  const fields = new Set([...before, ...after].flatMap(({ routes }) => [...routes.keys()]))
  const most = (points: readonly HistoryPoint[], field: string): string | null =>
    mostFrequent(points.flatMap(({ routes }) => routes.get(field) ?? []))
  return [...fields].flatMap((field) => {
    const [first, second] = [most(before, field), most(after, field)]
    return first === null || second === null || first === second
      ? []
      : [{ field, before: first, after: second }]
  })
}

export interface TrendVerdict {
  exit: 0 | 1 | 4
  why: string
}

/**
 * 1 where something became worse within the last `recentDays` or drifts that way, 4 where there are too few days to see anything, else 0.
 * A step is known a week after it at the earliest, so a shorter time than two weeks says little.
 */
export function trendVerdict(
  trends: readonly HistoryTrend[],
  { recentDays, leastDays }: { recentDays: number; leastDays: number },
): TrendVerdict {
  const lastMs = Math.max(...trends.flatMap(({ series }) => series.map(({ trend }) => trend.lastMs ?? 0)))
  const worse = trends.flatMap(({ target, events }) =>
    events
      .filter(({ direction, atMs }) => direction !== 'better' && atMs > lastMs - recentDays * DAY_MS)
      .map(({ atMs }) => ({ target, atMs })),
  )
  const last = worse.at(-1)
  if (last !== undefined) {
    const day = new Date(last.atMs).toISOString().slice(0, 10)
    return { exit: 1, why: `${last.target} has been slower since ${day}` }
  }
  const drifting = trends.flatMap(({ target, series }) =>
    series.filter(({ trend }) => (trend.drift?.ratio ?? 1) > 1).map(({ name }) => `${target}: ${name}`),
  )
  if (drifting.length > 0) return { exit: 1, why: `drifting slower: ${drifting.join(', ')}` }
  const days = Math.max(0, ...trends.flatMap(({ series }) => series.map(({ trend }) => trend.days)))
  if (days < leastDays) {
    return {
      exit: 4,
      why: `${days} ${days === 1 ? 'day' : 'days'} of measurements; a step shows from ${leastDays} on`,
    }
  }
  return { exit: 0, why: `nothing became slower in the last ${recentDays} days` }
}
