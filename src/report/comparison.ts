/** The model of a comparison: plain words first, then the tables that let a reader doubt them. */
import type { CellShift, Shift, Verdict } from '../compare/comparison.js'
import type { Conclusion } from '../compare/conclude.js'
import { figure, percent } from './numbers.js'
import { left, right, type Cell, type Table } from './table.js'

export interface ComparisonModel {
  exit: 0 | 1 | 4 | 5
  /** One word for the whole: what the exit code means. */
  headline: string
  sentences: readonly string[]
  shifts: Table
  /** Cells that explain a shift; all cells where none shifted would only invite to fish. */
  cells: Table
  notes: readonly string[]
}

const HEADLINES = {
  0: 'no regression',
  1: 'REGRESSION',
  4: 'inconclusive',
  5: 'not comparable',
} as const

export function comparisonModel({ comparison, exit, sentences, undetected }: Conclusion): ComparisonModel {
  const { unmatched } = comparison
  const notes = [...comparison.notes]
  if (unmatched.base.length > 0) notes.push(`only in ${comparison.base.id}: ${unmatched.base.join(', ')}`)
  if (unmatched.candidate.length > 0) {
    notes.push(`only in ${comparison.candidate.id}: ${unmatched.candidate.join(', ')}`)
  }
  return {
    exit,
    headline: `${comparison.candidate.id} against ${comparison.base.id}: ${HEADLINES[exit]}`,
    sentences,
    shifts: shiftTable(comparison.shifts, new Set(undetected)),
    cells: cellTable(comparison.cells.filter((cell) => cell.explains)),
    notes,
  }
}

/** The one JSON document of a comparison. */
export function comparisonJson({ comparison, exit, sentences }: Conclusion): object {
  return { exit, sentences, ...comparison }
}

function shiftTable(shifts: readonly Shift[], waiting: ReadonlySet<Shift>): Table {
  const rows = shifts.map((shift) => [
    left(targetOf(shift)),
    left(shift.gated ? shift.name : `(${shift.name})`),
    right(level(shift, shift.base)),
    right(level(shift, shift.candidate)),
    left(unitOf(shift)),
    right(shift.ratio === null ? '—' : change(shift.ratio)),
    left(rangeOf(shift)),
    left(verdictText(shift, waiting)),
  ])
  const head = [
    left('target'),
    left('what'),
    right('base'),
    right('candidate'),
    left(''),
    right('shift'),
    left('interval'),
    left('verdict'),
  ]
  return withoutTarget({
    title: `shifts, with intervals that hold for all together (99 %); in brackets: not tested${waiting.size === 0 ? '' : '; * the scenario asks to see this one'}`,
    head,
    rows,
  })
}

/** What is not in the family is not tested: that nothing moved can be shown of it, that something did cannot. */
function verdictText(shift: Shift, waiting: ReadonlySet<Shift>): string {
  if (!shift.gated && shift.verdict === 'inconclusive') return '—'
  return waiting.has(shift) ? `${shift.verdict} *` : shift.verdict
}

/** With one target its name in each row is no news. */
function withoutTarget(table: Table): Table {
  if (new Set(table.rows.map((row) => row[0]?.text)).size > 1) return table
  return { ...table, head: table.head.slice(1), rows: table.rows.map((row) => row.slice(1)) }
}

function level(shift: Shift, value: number | null): string {
  if (value === null) return '—'
  return shift.kind === 'share' ? percent(value) : figure(value)
}

/** Short, so that the table keeps to 80 columns. */
function unitOf({ kind, unit }: Shift): string {
  return kind === 'share'
    ? ''
    : unit
        .replace('us/token/token', 'us/token^2')
        .replace('us/', 'µs/')
        .replace('token', 'tok')
        .replace('^2', '²')
}

function targetOf({ pair }: { pair: Shift['pair'] }): string {
  return pair.base === pair.candidate ? pair.base : `${pair.candidate} / ${pair.base}`
}

function cellTable(cells: readonly CellShift[]): Table {
  const rows = cells.map((cell) => [
    left(targetOf(cell)),
    left(cell.cell),
    left(cell.metric),
    right(figure(cell.base.median)),
    right(figure(cell.candidate.median)),
    right(change(cell.ratio)),
    left(rangeOf(cell)),
  ])
  const head = [
    left('target'),
    left('cell'),
    left('metric'),
    right('base'),
    right('candidate'),
    right('shift'),
    left('95 %'),
  ]
  return withoutTarget({
    title: 'cells that explain it (each by itself, not corrected for there being many)',
    head,
    rows,
  })
}

/** No time can fall by more than all of itself, though an interval that knows nothing may say so. */
function rangeOf({ low, high }: { low: number | null; high: number | null }): string {
  return low === null || high === null ? '' : `[${change(Math.max(0, low))}, ${change(high)}]`
}

export function verdictTone(verdict: Verdict): Cell['tone'] {
  return verdict === 'worse' ? 'bad' : verdict === 'better' ? 'good' : undefined
}

/** A ratio as a change: `+18 %`, `−3.1 %`. */
export function change(ratio: number): string {
  const share = ratio - 1
  if (Math.abs(share) < 0.0005) return '0 %'
  return `${share > 0 ? '+' : '−'}${percent(Math.abs(share))}`
}
