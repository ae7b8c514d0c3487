/** Two snapshots held against each other: the verdict, and every shift with its interval. */
import type { Comparison, Shift, Verdict } from '../compare/comparison.js'
import type { Conclusion } from '../compare/conclude.js'
import { comparisonModel, verdictTone } from './comparison.js'
import type { Block, Page } from './page.js'
import type { Tone } from './plot.js'

const TONES = { 0: 'good', 1: 'bad', 4: 'unsure', 5: 'unsure' } as const

const LONGEST_BRACKET = 60

export function comparisonVerdict(conclusion: Conclusion): Page['verdict'] {
  const { sentences, exit } = conclusion
  const words = { 0: 'No regression', 1: 'Regression', 4: 'Inconclusive', 5: 'Not comparable' } as const
  const [first = '', ...more] = sentences
  // Reasons in brackets may go on for a page: they stand below the headline.
  const [, said = first, why] = /^(?:not comparable: )?(.*?)(?: \((.*)\))?$/s.exec(first) ?? []
  // With a bracket for each metric the sentence is one, and stays whole.
  const isLong = why !== undefined && why.length > LONGEST_BRACKET && !/^[^(]*\)/.test(why)
  const text = `${words[exit]}: ${isLong || why === undefined ? said : `${said} (${why})`}.`
  return { tone: TONES[exit], text, more: isLong ? [`${why}.`, ...more] : more }
}

export function comparisonBlocks(conclusion: Conclusion): Block[] {
  const { shifts, cells, notes } = comparisonModel(conclusion)
  const toned = {
    ...shifts,
    rows: shifts.rows.map((row, i) => {
      const tone = verdictTone(conclusion.comparison.shifts[i]?.verdict ?? 'same')
      return row.map((cell, at) => (at === row.length - 1 ? { ...cell, tone } : cell))
    }),
  }
  const ratios = conclusion.comparison.shifts.flatMap((shift) => ratioOf(shift, conclusion.comparison))
  const told: Block[] =
    ratios.length === 0
      ? toned.rows.length === 0
        ? []
        : [{ kind: 'table', table: toned }]
      : [
          {
            kind: 'ratios',
            ratios: {
              title: 'Shifts, candidate against base',
              caption:
                'Line: the interval, which holds for all of them together (99 %). Grey: too small to matter.',
              ratios,
            },
            table: toned,
          },
        ]
  return [
    ...told,
    ...(cells.rows.length > 0 ? [{ kind: 'table' as const, table: cells }] : []),
    ...(notes.length > 0 ? [{ kind: 'list' as const, title: 'Notes', items: notes }] : []),
  ]
}

const SHIFT_TONES: Readonly<Record<Verdict, Tone>> = {
  worse: 'bad',
  better: 2,
  same: 0,
  inconclusive: 'plain',
  'not comparable': 'plain',
}

function ratioOf(shift: Shift, { pairs }: Comparison) {
  const { name, pair, gated, verdict, ratio, low, high, margin } = shift
  if (ratio === null || low === null || high === null || !(ratio > 0)) return []
  const label = pairs.length > 1 ? `${pair.candidate}: ${name}` : name
  return [
    {
      label,
      verdict: gated ? verdict : 'not tested',
      tone: gated ? SHIFT_TONES[verdict] : 'plain',
      ratio,
      low,
      high,
      margin,
    },
  ] as const
}
