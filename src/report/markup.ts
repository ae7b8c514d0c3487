/** HTML and SVG from templates in which every value is text: nothing that was measured can become markup. */
import { htmlAttribute, terminalText } from '../border/escape.js'

/** Only `markup` and `figures` make one. */
export interface Markup {
  readonly markup: string
}

export type Part = string | number | Markup | null | readonly Part[]

// More than anybody reads of one value; a server may have sent a megabyte.
const MOST_CHARACTERS = 4000

/** Values are escaped for text and for attributes in quotes alike; lists are joined, null is nothing. */
export function markup(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { markup: texts.reduce((all, text, i) => all + partText(parts[i - 1] ?? null) + text) }
}

/** What we made of numbers ourselves, such as the data of a path: too long to be looked through. */
export function figures(text: string): Markup {
  if (/[<>&"']/.test(text)) throw new Error('figures hold no markup')
  return { markup: text }
}

function partText(part: Part): string {
  if (part === null) return ''
  if (typeof part === 'number') return String(Math.round(part * 100) / 100)
  if (typeof part === 'string') return htmlAttribute(terminalText(part, MOST_CHARACTERS))
  return 'markup' in part ? part.markup : part.map(partText).join('')
}
