/** What is wrong with the syntax of a YAML file, in words that say how to mend it. */
import { CST } from 'yaml'
import type { YAMLError } from 'yaml'

/**
 * What opens and is never closed: a quote, else the first bracket. The parser itself complains at whatever stands
 * behind it, since all of that is read as if it stood inside.
 */
export function unclosed(
  tokens: readonly CST.Token[],
  faults: readonly YAMLError[],
): { offset: number; message: string } | undefined {
  let quoted: number | undefined
  let bracket: CST.FlowCollection | undefined
  const look = (token: CST.Token | null | undefined): void => {
    if (token === null || token === undefined) return
    if (token.type === 'document') look(token.value)
    if (isOpenQuote(token)) quoted ??= token.offset
    if (!CST.isCollection(token)) return
    if (token.type === 'flow-collection' && !isClosed(token)) bracket ??= token
    for (const { key, value } of token.items) {
      look(key)
      look(value)
    }
  }
  for (const token of tokens) look(token)
  if (quoted !== undefined && faults.some(({ message }) => message.startsWith('Missing closing')))
    return { offset: quoted, message: 'the quote that opens here is not closed: write it again at the end' }
  if (bracket === undefined) return undefined
  const { start, offset }: CST.FlowCollection = bracket
  const [open, close] = start.type === 'flow-map-start' ? ['{', '}'] : ['[', ']']
  return { offset, message: `the ${open} that opens here is not closed: write ${close} at its end` }
}

// The rest of a line that is indented too little, or of the file, is read as if it stood inside.
const QUOTED = /^(?:"(?:[^"\\]|\\[^])*"|'(?:[^']|'')*')$/

const isOpenQuote = (token: CST.Token): boolean =>
  (token.type === 'double-quoted-scalar' || token.type === 'single-quoted-scalar') &&
  !QUOTED.test(token.source)

function isClosed({ start, end }: CST.FlowCollection): boolean {
  const wanted = start.type === 'flow-map-start' ? 'flow-map-end' : 'flow-seq-end'
  return end.some(({ type }) => type === wanted)
}

/**
 * What the parser found, by the line that it points to and the one below. Its own words may quote the file: only
 * those of two codes pass.
 */
export function syntaxSentence({ code, message }: YAMLError, line: string, below: string): string {
  if (/^[ \t]*[\u00A0\u2000-\u200B\u202F\u3000\uFEFF]/.test(line))
    return 'a character that only looks like a space indents this line: use spaces'
  if (/^\s*-[\p{L}_{["']/u.test(line) && code !== 'TAB_AS_INDENT')
    return 'a space is missing behind the dash: a list entry starts with "- "'
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'a tab indents this line: use spaces'
    case 'BAD_INDENT':
      return 'the indentation of this line fits none of the lines above'
    case 'MULTILINE_IMPLICIT_KEY':
    case 'KEY_OVER_1024_CHARS':
      return 'a key must stand on one line and end with ": ": is a colon, a space after it or a quote missing?'
    case 'BLOCK_AS_IMPLICIT_KEY':
      return indentOf(below) > indentOf(line)
        ? 'a value stands here, and the next line is indented as if it belonged to it: indent that line like this one, or take the value away'
        : 'a mapping cannot start on this line: put quotes around a text that holds ": "'
    case 'BLOCK_IN_FLOW':
      return 'inside [ ] and { } lists and mappings are written with [ ] and { } too'
    case 'TAG_RESOLVE_FAILED':
    case 'MULTIPLE_TAGS':
    case 'BAD_COLLECTION_TYPE':
      return 'tags (!name) are not supported, or this one does not fit its value'
    case 'NON_STRING_KEY':
      return 'a key must be a plain word or a text in quotes'
    case 'BAD_ALIAS':
    case 'ALIAS_PROPS':
    case 'MULTIPLE_ANCHORS':
    case 'BAD_PROP_ORDER':
      return 'an anchor (&name) or alias (*name) is not well formed: put quotes around a text that starts with & or *'
    case 'BAD_DQ_ESCAPE':
      return 'a backslash in a text in double quotes starts no known escape: write \\\\ or use single quotes'
    case 'BAD_SCALAR_START':
      return 'a text cannot start with this character: put it in quotes'
    case 'MISSING_CHAR':
    case 'UNEXPECTED_TOKEN':
      return ownWords(message)
    default:
      return 'this is not well-formed YAML'
  }
}

const indentOf = (line: string): number => /^[ -]*/.exec(line)?.[0].length ?? 0

function ownWords(message: string): string {
  if (message.startsWith('Missing closing'))
    return 'a quote is not closed here or above: write it again at the end of its text'
  if (message.startsWith('Implicit map keys need'))
    return 'a key must be followed by ": ", a colon and a space: one of them is missing on this line'
  if (message.startsWith('Sequence item without'))
    return 'this line is indented less than the entry above and has no "- ": indent it like the first key of the entry'
  const [first = ''] = message.split('\n', 1)
  // A token is quoted after a colon; it may be a secret that stands at the wrong place.
  return `not well formed: ${first.replace(/: ".*$|: '.*$/, '').slice(0, 100)}`
}
