/** Reads the Prometheus text format, 0.0.4 and what OpenMetrics adds to it, as far as a scrape needs it. */

export interface Series {
  name: string
  labels: Readonly<Record<string, string>>
  /** May be NaN or an infinity: the format has them. */
  value: number
}

export interface Exposition {
  series: Series[]
  /** Lines that are none of the format's: counted, never fatal. */
  faults: number
}

// name, labels, value, and behind them a timestamp or (OpenMetrics) an exemplar, which say nothing to us.
// No two runs of blanks side by side: a line of nothing else would take the square of its length.
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]*\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?[\d.]+)?[ \t]*$/
const LABEL = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)/y
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/**
 * https://prometheus.io/docs/instrumenting/exposition_formats/: one series a line, `name{label="value",…} number
 * [timestamp]`; in a label's value `\\`, `\"` and `\n` are escapes; a number may be NaN, +Inf or -Inf.
 *
 * @param isWanted asked with each name: a server's page has thousands of lines, of which a dozen are read
 */
export function parsePrometheus(text: string, isWanted: (name: string) => boolean = () => true): Exposition {
  const series: Series[] = []
  let faults = 0
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const nameEnd = line.search(/[{ \t]/)
    if (nameEnd > 0 && !isWanted(line.slice(0, nameEnd))) continue
    const parsed = parseLine(line.endsWith('\r') ? line.slice(0, -1) : line)
    if (parsed !== null) series.push(parsed)
    else if (line.trim() !== '') faults++
  }
  return { series, faults }
}

function parseLine(line: string): Series | null {
  const match = LINE.exec(withoutExemplar(line))
  if (match === null) return null
  const [, name = '', inner, number = ''] = match
  const labels = inner === undefined ? {} : parseLabels(inner)
  const value = parseNumber(number)
  return labels === null || value === null ? null : { name, labels, value }
}

/** `… # {trace_id="…"} 0.5` behind a value; a label may hold a `#` too, so it is looked for behind the labels only. */
function withoutExemplar(line: string): string {
  const labels = /^[^{\s]*[ \t]*\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}/.exec(line)?.[0] ?? ''
  const at = line.indexOf(' # ', labels.length)
  return at === -1 ? line : line.slice(0, at)
}

function parseLabels(inner: string): Record<string, string> | null {
  const entries: [string, string][] = []
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < inner.length) {
    const match = LABEL.exec(inner)
    if (match === null) return /^[ \t]*$/.test(inner) ? {} : null
    entries.push([match[1] ?? '', unescaped(match[2] ?? '')])
  }
  // fromEntries defines properties: a label __proto__ stays a label.
  return Object.fromEntries(entries)
}

function unescaped(value: string): string {
  return value.replace(/\\(.)/g, (whole, next: string) => {
    if (next === 'n') return '\n'
    return next === '\\' || next === '"' ? next : whole
  })
}

function parseNumber(text: string): number | null {
  if (NUMBER.test(text)) return Number(text)
  const special = /^([+-]?)(nan|inf|infinity)$/i.exec(text)
  if (special === null) return null
  if (special[2]?.toLowerCase() === 'nan') return NaN
  return special[1] === '-' ? -Infinity : Infinity
}
