/** A run's summary as Markdown, for the job summary of a pipeline. */
import { markdownCell } from '../border/escape.js'
import { markdownTable } from './comparison-text.js'
import type { Summary } from './summary.js'

export function summaryMarkdown({ title, spent, targets, instrument, notes }: Summary): string {
  const lines = [`**${markdownCell(title)}**`, '', markdownCell(spent)]
  for (const { name, about, tables, curves, warnings } of targets) {
    lines.push('', `**${markdownCell(name)}**: ${markdownCell(about)}`)
    for (const table of tables) {
      lines.push('', `<details><summary>${markdownCell(table.title)}</summary>`, '', markdownTable(table), '')
      lines.push('</details>')
    }
    if (curves.length > 0) lines.push('')
    for (const { law, text } of curves) lines.push(`- ${markdownCell(`${law}: ${text}`)}`)
    for (const warning of warnings) lines.push(`- warning: ${markdownCell(warning)}`)
  }
  lines.push('', `instrument: ${markdownCell(instrument)}`)
  if (notes.length > 0) lines.push('', ...notes.map((note) => `> ${markdownCell(note)}  `))
  return `${lines.join('\n')}\n\n`
}
