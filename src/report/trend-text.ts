/** A trend as text for a terminal or a pipe, and as Markdown. */
import { markdownCell, terminalText } from '../border/escape.js'
import { markdownTable } from './comparison-text.js'
import { tableText, wrap } from './terminal.js'
import type { TrendModel } from './trend.js'

export function trendText({ headline, targets, notes }: TrendModel): string {
  const lines = [terminalText(headline, 2000)]
  for (const { name, sentences, series } of targets) {
    lines.push('', terminalText(name, 2000))
    lines.push(...sentences.map((each) => wrap(`  ${terminalText(each, 2000)}`, '    ')))
    if (series.rows.length > 0) lines.push('', series.title, tableText(series))
  }
  for (const note of notes) lines.push(wrap(`note: ${terminalText(note, 2000)}`, '  '))
  return `${lines.join('\n')}\n`
}

export function trendMarkdown({ headline, targets, notes }: TrendModel): string {
  const lines = ['<!-- plumbline trend -->', `**${markdownCell(headline)}**`]
  for (const { name, sentences, series } of targets) {
    lines.push('', `**${markdownCell(name)}**`, '', ...sentences.map((each) => `- ${markdownCell(each)}`))
    if (series.rows.length > 0) lines.push('', markdownTable(series))
  }
  if (notes.length > 0) lines.push('', ...notes.map((note) => `> ${markdownCell(note)}  `))
  return `${lines.join('\n')}\n`
}
