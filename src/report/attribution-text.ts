/** Attributed spans as text for a terminal, and as Markdown. */
import { markdownCell, terminalText } from '../border/escape.js'
import { phaseLegend } from './attribution-bar.js'
import type { AttributionModel } from './attribution.js'
import { wrap } from './terminal.js'

/** At most 80 columns wide. */
export function attributionText({ headline, sentences, groups, worst, notes }: AttributionModel): string {
  const safe = (text: string): string => terminalText(text, 2000)
  const lines = [wrap(safe(headline), '  '), ...sentences.map((each) => wrap(`  ${safe(each)}`, '    '))]
  for (const group of groups) {
    lines.push('', wrap(safe(group.title), '  '))
    lines.push(...group.sentences.map((each) => wrap(`  ${safe(each)}`, '    ')))
  }
  if (worst.length > 0) {
    lines.push('', wrap(`the largest excess of each verdict (${phaseLegend})`, '  '))
    for (const { title, bar, phaseText, evidence } of worst) {
      lines.push('', wrap(`  ${safe(title)}`, '    '), `    |${bar}|`, wrap(`    ${phaseText}`, '    '))
      lines.push(...evidence.map((each) => wrap(`    - ${safe(each)}`, '      ')))
    }
  }
  if (notes.length > 0) lines.push('', ...notes.map((each) => wrap(`note: ${safe(each)}`, '  ')))
  return `${lines.join('\n')}\n`
}

export function attributionMarkdown({ headline, sentences, groups, worst, notes }: AttributionModel): string {
  const list = (each: string): string => `- ${markdownCell(each)}`
  const lines = ['<!-- plumbline attribute -->', `**${markdownCell(headline)}**`, '', ...sentences.map(list)]
  for (const group of groups) {
    lines.push('', `**${markdownCell(group.title)}**`, '', ...group.sentences.map(list))
  }
  if (worst.length > 0) {
    lines.push('', `The largest excess of each verdict (${phaseLegend}):`)
    for (const { title, bar, phaseText, evidence } of worst) {
      lines.push('', `${markdownCell(title)}  `, `\`${bar}\`  `, markdownCell(phaseText))
      if (evidence.length > 0) lines.push('', ...evidence.map(list))
    }
  }
  if (notes.length > 0) lines.push('', ...notes.map((note) => `> ${markdownCell(note)}  `))
  return `${lines.join('\n')}\n`
}
