/** A comparison as text for a terminal or a pipe, and as Markdown for a pull request or a job summary. */
import { markdownCell, terminalText } from '../border/escape.js'
import type { ComparisonModel } from './comparison.js'
import type { Table } from './table.js'
import { tableText, wrap } from './terminal.js'

export function comparisonText({ headline, sentences, shifts, cells, notes }: ComparisonModel): string {
  const lines = [
    terminalText(headline),
    ...sentences.map((each) => wrap(`  ${terminalText(each, 2000)}`, '    ')),
  ]
  for (const table of [shifts, cells]) {
    if (table.rows.length > 0) lines.push('', wrap(table.title, '  '), tableText(table))
  }
  for (const note of notes) lines.push(wrap(`note: ${terminalText(note, 2000)}`, '  '))
  return `${lines.join('\n')}\n`
}

/** Found again by its first line, so that a pull-request comment is updated and not repeated. */
const MARKDOWN_TAG = '<!-- plumbline -->'

export function comparisonMarkdown({ headline, sentences, shifts, cells, notes }: ComparisonModel): string {
  const lines = [
    MARKDOWN_TAG,
    `**${markdownCell(headline)}**`,
    '',
    ...sentences.map((each) => `- ${markdownCell(each)}`),
  ]
  for (const table of [shifts, cells]) {
    if (table.rows.length > 0)
      lines.push(
        '',
        `<details><summary>${markdownCell(table.title)}</summary>`,
        '',
        markdownTable(table),
        '',
        '</details>',
      )
  }
  if (notes.length > 0) lines.push('', ...notes.map((note) => `> ${markdownCell(note)}  `))
  return `${lines.join('\n')}\n`
}

export function markdownTable({ head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(head.map((cell) => markdownCell(cell.text))),
    line(head.map((cell) => (cell.right ? '---:' : '---'))),
    ...rows.map((row) => line(row.map((cell) => markdownCell(cell.text)))),
  ].join('\n')
}
