/** From snapshots, a comparison, a history and attributed spans to the page that shows them. */
import type { Conclusion } from '../compare/conclude.js'
import type { Curve } from '../curve/curve.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { duration, figure } from './numbers.js'
import type { Block, Page, Section } from './page.js'
import { attributionBlocks, attributionSentence, type Attributions } from './page-attributions.js'
import { comparisonBlocks, comparisonVerdict } from './page-compare.js'
import { curveBlocks } from './page-curves.js'
import { historyBlocks, type History } from './page-history.js'
import { cacheBlocks, instrumentBlocks, provenanceBlocks } from './page-proof.js'
import { requestBlock } from './page-request.js'
import { distributionBlocks, loadBlocks, timelineBlocks } from './page-samples.js'
import { pairedSubjects, subjectsOf, type Subject } from './page-subject.js'
import { summaryOf } from './summary.js'

export interface ReportInput {
  /** The newest; null where only spans are shown. */
  snapshot: Snapshot | null
  /** What it is held against. */
  against: { base: Snapshot; conclusion: Conclusion } | null
  histories: readonly History[]
  attributions: Attributions | null
  /** What a reader must know beside what stands in the snapshots: files left out. */
  notes: readonly string[]
}

export function reportPage({ snapshot, against, histories, attributions, notes }: ReportInput): Page {
  const subjects = snapshot === null ? [] : subjectsFor(snapshot, against)
  const sections: Section[] = [
    ...subjects.flatMap((subject, i) => firstSections(subject, i, subjects.length > 1)),
    ...(against === null
      ? []
      : [
          section(
            'shifts',
            'Shifts',
            'What moved between the two, and what could not be told.',
            comparisonBlocks(against.conclusion),
          ),
        ]),
    ...histories.map((history, i) =>
      section(`history-${i}`, `${history.scenario} over time`, history.verdict.why, historyBlocks(history)),
    ),
    ...(attributions === null
      ? []
      : [
          section(
            'spans',
            'Production spans by cause',
            snapshot === null ? null : attributionSentence(attributions),
            attributionBlocks(attributions),
          ),
        ]),
    ...subjects.flatMap((subject, i) => detailSections(subject, i, subjects.length > 1)),
    ...(snapshot === null ? [] : closingSections(snapshot, against?.base ?? null, notes)),
  ]
  return {
    ...headOf(snapshot, against, histories, attributions),
    sections: sections.filter(({ blocks }) => blocks.length > 0),
  }
}

function subjectsFor(snapshot: Snapshot, against: ReportInput['against']): Subject[] {
  if (against === null) return subjectsOf(snapshot)
  const paired = pairedSubjects(against.base, snapshot, against.conclusion.comparison)
  return paired.length > 0 ? paired : subjectsOf(snapshot)
}

function section(id: string, title: string, lead: string | null, blocks: readonly Block[]): Section {
  return { id, title, lead, blocks }
}

function firstSections(subject: Subject, i: number, isMany: boolean): Section[] {
  const of = isMany ? `${subject.name}: ` : ''
  const request = requestBlock(subject)
  return [
    section(`request-${i}`, `${of}One request, taken apart`, null, request === null ? [] : [request]),
    section(`curves-${i}`, `${of}Curves`, null, curveBlocks(subject)),
  ]
}

function detailSections(subject: Subject, i: number, isMany: boolean): Section[] {
  const of = isMany ? `${subject.name}: ` : ''
  const timelines = subject.sides.flatMap((side) =>
    timelineBlocks(side).map((block): Block =>
      block.kind === 'plot' && subject.sides.length > 1
        ? {
            ...block,
            plot: { ...block.plot, title: `${side.isBase ? 'Base' : 'Candidate'}: ${block.plot.title}` },
          }
        : block,
    ),
  )
  return [
    section(`load-${i}`, `${of}Under load`, null, loadBlocks(subject)),
    section(
      `distributions-${i}`,
      `${of}Distributions`,
      'Samples that count: successes in the cache state that was asked for.',
      distributionBlocks(subject),
    ),
    section(`timeline-${i}`, `${of}The run, minute by minute`, null, timelines),
    section(
      `cache-${i}`,
      `${of}Proof of the cache state`,
      "Each sample's cached tokens are held against what was asked. Contradicted ones are kept, and stand in no figure.",
      cacheBlocks(subject),
    ),
  ]
}

function closingSections(snapshot: Snapshot, base: Snapshot | null, notes: readonly string[]): Section[] {
  const { targets, notes: own } = summaryOf(snapshot)
  const warnings = targets.flatMap((target) =>
    target.warnings.map((each) => (targets.length > 1 ? `${target.name}: ${each}` : each)),
  )
  const doubts = [...warnings, ...own, ...notes]
  const [side] = subjectsOf(snapshot).flatMap(({ sides }) => sides)
  return [
    section(
      'doubts',
      'What to doubt',
      null,
      doubts.length === 0 ? [] : [{ kind: 'list', title: 'Warnings and notes', items: doubts }],
    ),
    section(
      'instrument',
      "The instrument's own error",
      'Measured before the run against a bare server of known timing, at the load of the run; watched during it.',
      side === undefined ? [] : instrumentBlocks(side),
    ),
    section('provenance', 'Provenance', null, [
      ...provenanceBlocks(snapshot),
      ...(base === null ? [] : provenanceBlocks(base)),
    ]),
  ]
}

function headOf(
  snapshot: Snapshot | null,
  against: ReportInput['against'],
  histories: readonly History[],
  attributions: Attributions | null,
): Pick<Page, 'title' | 'about' | 'verdict'> {
  if (snapshot === null) {
    const [history] = histories
    return {
      title: history === undefined ? 'Production spans' : history.scenario,
      about: [],
      verdict: {
        tone: 'plain',
        text: attributions === null ? (history?.verdict.why ?? '') : attributionSentence(attributions),
        more: [],
      },
    }
  }
  const { scenario, targets, startedAt, endedAt, id } = snapshot
  const { spent } = summaryOf(snapshot)
  const names = targets.map(({ name, model }) => (name === model ? name : `${name} (${model})`))
  const elapsed = duration(Date.parse(endedAt) - Date.parse(startedAt))
  return {
    title: scenario.name,
    about: [
      `${names.slice(0, 4).join(', ')}${names.length > 4 ? ` and ${names.length - 4} more` : ''}`,
      `${startedAt.slice(0, 16).replace('T', ' ')} UTC, ${elapsed}`,
      spent,
      against === null ? `run ${id}` : `${id} against ${against.base.id}`,
    ],
    verdict:
      against === null ? withTrend(verdictOf(snapshot), histories) : comparisonVerdict(against.conclusion),
  }
}

/** Over time, what changed is said before what it costs now. */
function withTrend(verdict: Page['verdict'], histories: readonly History[]): Page['verdict'] {
  const [history] = histories
  if (history === undefined || verdict.tone !== 'plain') return verdict
  const tones = { 0: 'good', 1: 'bad', 4: 'unsure' } as const
  const { exit, why } = history.verdict
  return { tone: tones[exit], text: `Over time: ${why}.`, more: [verdict.text, ...verdict.more] }
}

/** What was found, in a sentence; what forbids to trust it comes first. */
function verdictOf(snapshot: Snapshot): Page['verdict'] {
  const { instrument, partial, partialReason, targets, curves } = snapshot
  const [first = 'No curve could be fitted: the tables below hold what was measured.', ...more] =
    targets.flatMap(({ name }) => {
      const said = lawSentence(curves.filter(({ target }) => target === name))
      return said === '' ? [] : [targets.length > 1 ? `${name}: ${said}` : said]
    })
  if (instrument.overloaded)
    return {
      tone: 'bad',
      text: 'Do not trust these figures: the client was the bottleneck.',
      more: [first, ...more],
    }
  if (partial)
    return {
      tone: 'unsure',
      text: `The run did not complete: ${partialReason ?? 'no reason recorded'}.`,
      more: [first, ...more],
    }
  return { tone: 'plain', text: first, more }
}

function lawSentence(curves: readonly Curve[]): string {
  const parameters = (law: Curve['law']): Curve['parameters'] =>
    curves.find((curve) => curve.law === law)?.parameters ?? {}
  const { base, fresh } = parameters('prefill')
  const { step } = parameters('decode')
  const { ttftPerPeer } = parameters('contention')
  const parts = [
    ...(base && fresh
      ? [`A first token takes ${figure(base.value)} ms plus ${figure(fresh.value)} µs a fresh prompt token`]
      : []),
    ...(step ? [`each token after it ${figure(step.value)} ms`] : []),
    ...(ttftPerPeer ? [`each other request in flight adds ${figure(ttftPerPeer.value)} ms`] : []),
  ]
  return parts.length === 0 ? '' : `${parts.join('; ')}.`
}
