/** The model of attributed spans: sentences on all and on each group, the worst spans, and what to doubt. */
import type { Attribution } from '../attribute/attribution.js'
import type { AttributionSummary, Coverage, GroupSummary } from '../attribute/summary.js'
import type { Cause, Phases, Verdict } from '../span/causes.js'
import type { IntakeCounts } from '../span/intake.js'
import { phaseBar, phaseText } from './attribution-bar.js'
import { duration, percent, plural, whole } from './numbers.js'

export interface AttributionModel {
  headline: string
  sentences: readonly string[]
  groups: readonly { title: string; sentences: readonly string[] }[]
  worst: readonly WorstSpan[]
  notes: readonly string[]
}

export interface WorstSpan {
  title: string
  phases: Phases
  bar: string
  phaseText: string
  evidence: readonly string[]
}

/** What the report knows of a baseline beside its id. */
export interface BaselineName {
  scenario: string
  /** How to run it again: a path, or null where none is known. */
  file: string | null
}

export interface AttributionInput {
  summary: AttributionSummary
  counts: Readonly<IntakeCounts>
  baselines: ReadonlyMap<string, BaselineName>
  /** On the baselines that were asked for: left out, partial, overloaded. */
  notes: readonly string[]
}

const WORST_SHOWN = 5
const GROUPS_SHOWN = 12
const BAR = 74
/** A curve older than this is said to be stale; the attributor doubts it from here too. */
const STALE_S = 7 * 24 * 3600

export function attributionModel({ summary, counts, baselines, notes }: AttributionInput): AttributionModel {
  const { all, groups, others, coverage, by } = summary
  const shown = groups.length > 1 ? groups.slice(0, GROUPS_SHOWN) : []
  const hidden = groups.length > 1 ? groups.length - shown.length : 0
  return {
    headline: headlineOf(all, counts),
    sentences: [...sentencesOf(all), ...baselineSentences(coverage, baselines)],
    groups: shown.map((group) => ({ title: titleOf(group, by), sentences: sentencesOf(group) })),
    worst: all.worst.slice(0, WORST_SHOWN).map(worstOf),
    notes: [
      ...(hidden > 0 ? [`${plural(hidden, 'more group')} with less waiting: --json has all`] : []),
      ...(others === null
        ? []
        : [`${plural(others.spans, 'span')} are of more than 500 groups and were not told apart`]),
      ...notes,
      ...coverageNotes(coverage),
      ...Object.entries(counts.faults).map(([kind, count]) => `unreadable: ${whole(count)} × ${kind}`),
    ],
  }
}

function headlineOf(
  { spans, failed, untimed, withoutBaseline }: GroupSummary,
  counts: Readonly<IntakeCounts>,
): string {
  const calls = spans + failed + untimed + withoutBaseline
  if (calls === 0) {
    return counts.seen === 0
      ? 'no span was read'
      : `${plural(counts.seen, 'span')} read, none of them a call of a model: plumbline doctor says more`
  }
  const rest = [
    ...(counts.synthetic > 0 ? [`${plural(counts.synthetic, 'probe')} left out`] : []),
    ...(failed > 0 ? [`${whole(failed)} failed`] : []),
    ...(untimed > 0 ? [`${whole(untimed)} without a duration`] : []),
    ...(withoutBaseline > 0 ? [`${whole(withoutBaseline)} without a baseline`] : []),
  ]
  return `${plural(spans, 'call')} attributed${rest.length > 0 ? `; ${rest.join(', ')}` : ''}`
}

/** Why there is nothing to attribute, and what was found instead. */
export function nothingText(counts: Readonly<IntakeCounts>, files: readonly string[]): string {
  const [file] = files
  const input =
    file === undefined
      ? 'a folder without files'
      : files.length > 1
        ? `${whole(files.length)} files`
        : file === '-'
          ? 'standard input'
          : file
  const { seen, other, repeated, folded, synthetic } = counts
  const faults = Object.entries(counts.faults)
  const found = [
    ...(other > 0 ? [`${whole(other)} of something else (tools, agents, HTTP requests, embeddings)`] : []),
    ...(synthetic > 0 ? [`${plural(synthetic, 'probe')} (user_agent.synthetic.type)`] : []),
    ...(repeated + folded > 0 ? [`${whole(repeated + folded)} parts of calls`] : []),
    ...faults.map(([kind, count]) => `unreadable: ${whole(count)} × ${kind}`),
  ]
  if (found.length === 0) return `no span is in ${input}: it is empty, or holds metrics only`
  const advice = seen > 0 ? '; plumbline doctor says what a span needs' : ''
  return `no call of a model is in ${input}: ${found.join(', ')}${advice}`
}

function titleOf(
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

function sentencesOf(group: GroupSummary): string[] {
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

/** Which curves stand behind it, and how old they were. */
function baselineSentences({ baselines }: Coverage, names: AttributionInput['baselines']): string[] {
  return baselines.slice(0, 3).map(({ id, spans, ageS: [low, high] }) => {
    const name = names.get(id)
    const of = name === undefined ? '' : ` of ${name.scenario}`
    const isStale = Math.max(Math.abs(low), Math.abs(high)) > STALE_S
    const again =
      name === undefined
        ? 'measure again'
        : `run ${name.file ?? `the scenario ${name.scenario}`} again and accept it`
    const stale = isStale ? `: stale, so confidence is lower; ${again}` : ''
    return `baseline ${id}${of}, ${ageText(low, high)}, behind ${plural(spans, 'call')}${stale}`
  })
}

function ageText(low: number, high: number): string {
  const [youngest, oldest] = [
    Math.min(Math.abs(low), Math.abs(high)),
    Math.max(Math.abs(low), Math.abs(high)),
  ]
  const when = high < 0 ? 'measured after them' : low < 0 ? 'measured around them' : 'old'
  const range =
    age(youngest) === age(oldest) || low < 0 !== high < 0 ? age(oldest) : `${age(youngest)} to ${age(oldest)}`
  return when === 'old' ? `${range} old` : `${when} (${range})`
}

function age(seconds: number): string {
  if (seconds < 48 * 3600) return duration(seconds * 1000)
  return `${Math.round(seconds / 86_400)} days`
}

function coverageNotes({ withoutBaseline, tiers, doubts }: Coverage): string[] {
  const notes = withoutBaseline.slice(0, 5).map(({ model, spans }) => {
    const of = model === null ? 'calls that name no model' : `model ${model}`
    return `no baseline for ${of} (${plural(spans, 'call')}): plumbline attribute --suggest writes a scenario for it`
  })
  const dim = (tiers.D ?? 0) + (tiers.E ?? 0)
  const judged = Object.values(tiers).reduce((sum, each) => sum + each, 0)
  if (judged > 0 && dim / judged > 0.5) {
    notes.push(
      `${percent(dim / judged)} of the calls tell no first-token time, so few causes can be told apart: ` +
        'plumbline doctor says how to get it',
    )
  }
  // How old the baseline is stands beside it.
  const further = doubts.filter(({ example }) => !example.includes('days away in time'))
  for (const { example, spans } of further.slice(0, 3)) notes.push(`${plural(spans, 'call')}: ${example}`)
  return notes
}

function worstOf(attribution: Attribution): WorstSpan {
  const { startedAt, service, model, durationMs, referenceMs, verdict, confidence, phases } = attribution
  const who = [service, model].filter((name) => name !== undefined).join(' ')
  const reference = referenceMs === null ? '' : `, ${ms(referenceMs)} expected`
  const causes = attribution.causes.map(
    ({ cause, ms: cost, probability }) => `${VERDICT_WORDS[cause]} ${ms(cost)} (${sureness(probability)})`,
  )
  const isUnknown = verdict === 'unknown'
  // As a cause it is told from the same size on.
  if (isUnknown || attribution.unknownMs >= Math.max(50, durationMs / 10)) {
    const odds = isUnknown ? ` (${sureness(confidence)})` : ''
    causes.splice(isUnknown ? 0 : causes.length, 0, `unknown ${ms(attribution.unknownMs)}${odds}`)
  }
  const told = causes.length > 0 ? causes.join(', ') : `${VERDICT_WORDS[verdict]} (${sureness(confidence)})`
  return {
    title: `${startedAt.slice(0, 19)}Z ${who}: ${ms(durationMs)}${reference}: ${told}`,
    phases,
    bar: phaseBar(phases, BAR),
    phaseText: phaseText(phases),
    evidence: attribution.causes.flatMap(({ evidence }) => evidence).slice(0, 4),
  }
}

/** Nothing is certain. */
const sureness = (probability: number): string => (probability > 0.99 ? '> 99 %' : percent(probability))

const ms = (value: number): string => `${whole(value)} ms`
