/** How much days differ: what two runs on two days are apart by although nothing changed. */
import { sampleVariance } from 'simple-statistics'
import { changePoints } from '../stats/change-points.js'
import { dailySeries } from '../stats/daily-series.js'
import { tTwoSided } from '../stats/student-t.js'
import { withoutBand, type Effect } from './effect.js'
import { seriesOf, type HistoryPoint } from './history.js'

/** Variance of ln of a day's level, by name of what is measured, and the days it rests on. */
export interface DayEffect {
  days: number
  variances: Readonly<Record<string, number>>
}

const LEAST_DAYS = 7
const STEP = Math.log(1.05)

/**
 * max(0, variance of the daily ln medians − mean squared standard error of a run), about the levels between change points:
 * a change is no scatter of days. `history`: one target. Null with fewer than seven days.
 */
export function dayEffect(history: readonly HistoryPoint[]): DayEffect | null {
  const variances: Record<string, number> = {}
  let days = 0
  for (const { name, points } of seriesOf(history)) {
    const { logs, cleaned } = dailySeries(points)
    const errors = points.flatMap(({ se }) => (se === null ? [] : [se * se]))
    if (logs.length < LEAST_DAYS || errors.length === 0) continue
    const { steps } = changePoints(cleaned, { margin: STEP })
    const cuts = [0, ...steps.map(({ at }) => at), logs.length]
    const segments = cuts.slice(1).map((end, i) => logs.slice(cuts[i], end))
    const squares = segments.reduce((sum, part) => sum + sampleVariance(part) * (part.length - 1), 0)
    const within = errors.reduce((sum, error) => sum + error, 0) / errors.length
    variances[name] = Math.max(0, squares / (logs.length - segments.length) - within)
    days = Math.max(days, logs.length)
  }
  return days === 0 ? null : { days, variances }
}

/** Of each target that has enough of a history, by name. */
export function dayEffects(history: readonly HistoryPoint[]): Map<string, DayEffect> {
  const found = new Map<string, DayEffect>()
  for (const target of new Set(history.map((point) => point.target))) {
    const effect = dayEffect(history.filter((point) => point.target === target))
    if (effect !== null) found.set(target, effect)
  }
  return found
}

/** Each of the two runs is one draw of its day. */
export function withDays(effect: Effect, variances: DayEffect['variances']): Effect {
  const variance = variances[effect.name]
  const { d, se, df } = effect
  if (variance === undefined || d === null || se === null || df === null) return effect
  const wider = Math.sqrt(se * se + 2 * variance)
  return { ...withoutBand(effect), se: wider, p: wider > 0 ? tTwoSided(d / wider, df) : effect.p }
}
