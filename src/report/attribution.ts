/** The model of attributed spans: sentences on all and on each group, the worst spans, and what to doubt. */
import type { Attribution } from '../attribute/attribution.js'
import type { AttributionSummary, GroupSummary } from '../attribute/summary.js'
import type { Phases } from '../span/causes.js'
import type { IntakeCounts } from '../span/intake.js'
import { phaseBar, phaseText } from './attribution-bar.js'
import { baselineSentences, coverageNotes, type BaselineName } from './attribution-coverage.js'
import { ms, sentencesOf, titleOf, VERDICT_WORDS } from './attribution-group.js'
import { percent, plural, whole } from './numbers.js'

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
