/** A summary as plain text of at most 80 columns where its tables allow; the same on a terminal and on a pipe. */
import Table from 'cli-table3'
import { terminalText } from '../border/escape.js'
import { plotsText } from './plot-text.js'
import type { Summary, TargetSummary } from './summary.js'
import type { Table as TableModel } from './table.js'

const WIDTH = 80

/** @param hasPlots whether the place can show letters beyond ASCII (`canPlot`) */
export function terminalSummary(summary: Summary, hasPlots = true): string {
  const lines = [wrap(terminalText(summary.title, 2000), '  '), wrap(summary.spent, '  ')]
  for (const target of summary.targets) lines.push('', ...targetLines(target, hasPlots))
  lines.push('', wrap(`instrument: ${summary.instrument}`, '  '))
  for (const note of summary.notes) lines.push(wrap(`note: ${terminalText(note)}`, '  '))
  return `${lines.join('\n')}\n`
}

/** Not on a dumb terminal, nor where a locale other than UTF-8 is asked for. */
export function canPlot(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG']
  return env['TERM'] !== 'dumb' && (!locale || /utf-?8/i.test(locale))
}

function targetLines(
  { name, about, tables, server, curves, plots, warnings }: TargetSummary,
  hasPlots: boolean,
): string[] {
  const lines = [wrap(terminalText(`${name}: ${about}`), '  ')]
  for (const table of tables) lines.push('', terminalText(table.title), tableText(table))
  if (server !== null) lines.push('', wrap(`server metrics: ${terminalText(server)}`, '  '))
  if (curves.length > 0) lines.push('', 'curves, with 95 % intervals')
  for (const { law, text } of curves) lines.push(wrap(`  ${law}: ${text}`, '    '))
  if (hasPlots) lines.push(...plotsText(plots))
  for (const warning of warnings) lines.push(wrap(`  warning: ${terminalText(warning)}`, '    '))
  return lines
}

const NO_BORDER = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** Columns two blanks apart; one, where the table would be wider than 80 columns. */
export function tableText(model: TableModel): string {
  const usual = spaced(model, NO_BORDER.middle)
  return usual.split('\n').every((line) => line.length <= WIDTH) ? usual : spaced(model, ' ')
}

function spaced({ head, rows }: TableModel, middle: string): string {
  const table = new Table({
    chars: { ...NO_BORDER, middle },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: head.map((cell) => (cell.right ? 'right' : 'left')),
  })
  table.push(
    head.map((cell) => cell.text),
    ...rows.map((row) => row.map((cell) => terminalText(cell.text))),
  )
  return table
    .toString()
    .split('\n')
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n')
}

/** Breaks at blanks; the lines after the first are indented. A word longer than the line stays whole. */
export function wrap(text: string, indent: string, width = WIDTH): string {
  const lines: string[] = []
  let line = ''
  const lead = /^ */.exec(text)![0]
  for (const word of text.trim().split(' ')) {
    const next = line === '' ? (lines.length === 0 ? lead : indent) + word : `${line} ${word}`
    if (next.length > width && line !== '') {
      lines.push(line)
      line = indent + word
    } else line = next
  }
  return [...lines, line].join('\n')
}
