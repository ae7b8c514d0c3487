/** What came of a scenario's expectations, one line each. */
import { terminalText } from '../border/escape.js'
import type { ExpectationResult } from '../compare/expectations.js'
import { figure, percent } from './numbers.js'
import { wrap } from './terminal.js'

export function expectationsText(results: readonly ExpectationResult[]): string {
  if (results.length === 0) return ''
  const lines = results.map((result) => wrap(`  ${lineOf(result)}`, '    '))
  return `\nexpectations\n${lines.join('\n')}\n`
}

function lineOf({ text, met, observed, n, why }: ExpectationResult): string {
  const mark = met === null ? 'not judged' : met ? 'met' : 'NOT MET'
  const isShare = /^(errors|goodput)\b/.test(text)
  const seen = observed === null ? '' : ` (${isShare ? percent(observed) : figure(observed)}, n ${n})`
  return terminalText(`${mark}: ${text}${seen}${why === null ? '' : `: ${why}`}`, 2000)
}
