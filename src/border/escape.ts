/** Text from elsewhere made harmless for the place where it is shown. */

/** C0, DEL, C1, line and paragraph separators, bidirectional controls, invisible characters, lone surrogates. */
const UNSAFE_ON_TERMINAL =
  /[\u0000-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]|\p{Cs}/gu

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * One line for a terminal or log: what would steer the terminal or reorder the line is shown as an escape (`\x1b`).
 * @param maxLength characters of the result; a longer one is cut and ends in `…`
 */
export function terminalText(text: string, maxLength = 500): string {
  // No character grows shorter, so what lies beyond the limit need not be escaped.
  const escaped = text.slice(0, maxLength + 1).replace(UNSAFE_ON_TERMINAL, (character) => {
    const code = character.codePointAt(0) ?? 0
    const hex = code.toString(16)
    if (SHORT_ESCAPES[character] !== undefined) return SHORT_ESCAPES[character]
    if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`
    return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`
  })
  return cut(escaped, maxLength)
}

/** At most `maxLength` UTF-16 units, no surrogate pair cut; ends in `…` where something is missing. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  const kept = text.slice(0, Math.max(0, maxLength - 1))
  return `${/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept}…`
}

/**
 * One cell (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV
 * injection); numbers stay numbers. Null and undefined are empty, so is a number that is not finite.
 */
export function csvCell(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : ''
  const text = String(value)
  const safe = /^[\s\0]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/.test(text) ? `'${text}` : text
  return safe !== text || /[",\r\n]/.test(safe) || /^\s|\s$/.test(safe)
    ? `"${safe.replaceAll('"', '""')}"`
    : safe
}

/** The message of a GitHub workflow command: `::error file=…::message`. */
export function workflowData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

/** A property of a GitHub workflow command: `file`, `title`. */
export function workflowProperty(text: string): string {
  return workflowData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

/**
 * An entry for GITHUB_OUTPUT or GITHUB_ENV. `nonce` must be unpredictable: whoever knows the delimiter can end the
 * value and set another variable.
 */
export function workflowOutput(name: string, value: string, nonce: string): string {
  const delimiter = `ghadelimiter_${nonce}`
  if (value.includes(delimiter) || /[\r\n=<]/.test(name)) throw new Error('a name or value cannot be written')
  return `${name}<<${delimiter}\n${value}\n${delimiter}\n`
}

/** Text in a GitHub-flavoured Markdown table: no markup, no link, no mention, one line. */
export function markdownCell(text: string): string {
  return withoutControls(text)
    .replace(/[\r\n\u2028\u2029]+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_[\]|~$]/g, '\\$&')
    .replace(/@(?=\w)/g, '@\u200B') // mentions and addresses are looked for after markup: only a break stops them
    .replace(/(https?|ftp)(?=:\/\/)|\bwww(?=\.)/gi, '$&\u200B')
    .replace(/#(?=\d)/g, '#\u200B') // so are issue numbers
}

/** Text between HTML tags. */
export function htmlText(text: string): string {
  return withoutControls(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** The value of an HTML attribute, in quotes of either kind. An address goes through `httpUrl` first. */
export function htmlAttribute(text: string): string {
  return htmlText(text).replace(/["'`=\n\r\t]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** The address where it is http or https, else null: `javascript:` and `data:` never become a link. */
export function httpUrl(text: string): string | null {
  if (!URL.canParse(text)) return null
  const { protocol, href } = new URL(text)
  return protocol === 'http:' || protocol === 'https:' ? href : null
}

/** Text or an attribute's value in XML 1.0; characters that XML cannot hold are replaced (§2.2, Char). */
export function xmlText(text: string): string {
  return withoutControls(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/["'\n\r\t]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Control characters but tab and line ends, bidirectional controls, lone surrogates and noncharacters: replaced. */
function withoutControls(text: string): string {
  return text.replace(NOT_IN_DOCUMENTS, '\uFFFD')
}

const NOT_IN_DOCUMENTS =
  /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\uFFFE\uFFFF]|\p{Cs}/gu
