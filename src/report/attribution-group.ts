/** What is said of a group of attributed spans: its times, its causes, what would bring time back. */
import type { AttributionSummary, GroupSummary } from '../attribute/summary.js'
import type { Cause, Verdict } from '../span/causes.js'
import { duration, percent, plural, whole } from './numbers.js'

export function titleOf(
  { key, spans, withoutBaseline, p50Ms, p95Ms }: GroupSummary,
  by: AttributionSummary['by'],
): string {
  const name = by.map((dimension) => key[dimension] ?? `(no ${dimension})`).join(' · ')
  const times = p50Ms === null || p95Ms === null ? '' : `, p50 ${ms(p50Ms)}, p95 ${ms(p95Ms)}`
  const calls =
    spans === 0 && withoutBaseline > 0
      ? `${plural(withoutBaseline, 'call')} without a baseline`
      : plural(spans, 'call')
  return `${name}: ${calls}${times}`
}

export function sentencesOf(group: GroupSummary): string[] {
  return [...slowSentences(group), ...toldSentences(group)]
}

/** Of calls without a curve only waits are known to be too long. */
function toldSentences({ toldMs, withoutBaseline }: GroupSummary): string[] {
  const entries = Object.entries(toldMs) as [Cause, number][] // eslint-disable-line typescript/no-unsafe-type-assertion -- keys of a record
  if (entries.length === 0) return []
  const told = entries
    .sort(([, a], [, b]) => b - a)
    .map(([cause, cost]) => `${duration(cost)} of ${VERDICT_WORDS[cause]}`)
  return [`${plural(withoutBaseline, 'call')} without a baseline tell of ${told.join(', ')} themselves`]
}

function slowSentences(group: GroupSummary): string[] {
  if (group.spans === 0) return []
  const { slow } = group
  const which =
    slow.overMs === null
      ? `of ${plural(slow.spans, 'span')}`
      : `of ${plural(slow.spans, 'span')} above p95 (${ms(slow.overMs)})`
  return [`${which}${periodOf(group)}: ${sharesOf(group)}${boughtBack(group)}`]
}

/** The largest first; `none` stands last but one, `unknown` last. */
function sharesOf({ slow, routeChangedAt, from, to }: GroupSummary): string {
  const entries = Object.entries(slow.verdicts) as [Verdict, number][] // eslint-disable-line typescript/no-unsafe-type-assertion -- keys of a record
  const rank = (verdict: Verdict): number => (verdict === 'unknown' ? 2 : verdict === 'none' ? 1 : 0)
  const told = entries
    .filter(([, count]) => count > 0)
    .sort(([a, x], [b, y]) => rank(a) - rank(b) || y - x)
    .map(([verdict, count]) => {
      const when =
        verdict === 'route-change' && routeChangedAt !== null ? ` ${momentOf(routeChangedAt, from, to)}` : ''
      return `${percent(count / slow.spans)} ${VERDICT_WORDS[verdict]}${when}`
    })
  return told.length === 0 ? 'none' : told.join(', ')
}

/** What all causes together cost, and what would bring back the most of it. */
function boughtBack({ causeMs }: GroupSummary): string {
  const costs = (Object.entries(causeMs) as [Cause, number][]) // eslint-disable-line typescript/no-unsafe-type-assertion -- keys of a record
    .filter(([, cost]) => cost >= 1000)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 2)
  if (costs.length === 0) return ''
  const told = costs.map(([cause, cost], i) =>
    i === 0
      ? `${duration(cost)} of user waiting bought back by ${REMEDIES[cause]}`
      : `${duration(cost)} by ${REMEDIES[cause]}`,
  )
  return `; ${told.join(', ')}`
}

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  'prefill-surge': 'long prompts',
  'cold-cache': 'cold cache',
  'noisy-neighbour': 'neighbour',
  'route-change': 'route change',
  queueing: 'queueing',
  retry: 'retries',
  'slow-replica': 'slow replica',
  'long-output': 'long outputs',
  reasoning: 'reasoning',
  'client-stall': 'client stalls',
  network: 'network',
  none: 'within the curve',
  unknown: 'unknown',
}

const REMEDIES: Readonly<Record<Cause, string>> = {
  'prefill-surge': 'shorter prompts',
  'cold-cache': 'keeping prefixes warm',
  'noisy-neighbour': 'capacity that nobody shares',
  'route-change': 'going back to the route before',
  queueing: 'more capacity or fewer calls at once',
  retry: 'calls that succeed the first time',
  'slow-replica': 'leaving the slow replica out',
  'long-output': 'shorter answers',
  reasoning: 'less reasoning effort',
  'client-stall': 'a client that reads without pauses',
  network: 'a shorter way to the provider',
}

const DAY_MS = 86_400_000

/** ` on 23 November`, ` from 17 to 23 November`; the year only where it is not the same. */
function periodOf({ from, to }: GroupSummary): string {
  if (from === null || to === null) return ''
  const [a, b] = [new Date(from), new Date(to)]
  const day = (date: Date): string => `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`
  if (from.slice(0, 10) === to.slice(0, 10)) return ` on ${day(a)}`
  if (from.slice(0, 7) === to.slice(0, 7)) return ` from ${a.getUTCDate()} to ${day(b)}`
  const year = (date: Date): string =>
    from.slice(0, 4) === to.slice(0, 4) ? '' : ` ${date.getUTCFullYear()}`
  return ` from ${day(a)}${year(a)} to ${day(b)}${year(b)}`
}

/** `at 14:05 UTC`, `… on Tuesday` within a week, `… on 17 November` beyond. */
function momentOf(at: string, from: string | null, to: string | null): string {
  const time = `at ${at.slice(11, 16)} UTC`
  if (from === null || to === null || from.slice(0, 10) === to.slice(0, 10)) return time
  const date = new Date(at)
  return Date.parse(to) - Date.parse(from) < 7 * DAY_MS
    ? `${time} on ${DAYS[date.getUTCDay()]}`
    : `${time} on ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

export const ms = (value: number): string => `${whole(value)} ms`
