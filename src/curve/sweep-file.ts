/** A sweep as people keep it: CSV with a head, or a JSON object a line. */
import { readJson } from '../border/json.js'
import type { SweepPoint } from './sweep.js'

export type ParsedSweep =
  { ok: true; points: readonly SweepPoint[] } | { ok: false; line: number; problem: string }

/** Names of a sample's fields; `ttft_ms`, `TTFT (ms)` and `prompt_tokens` are the same. */
const FIELDS = {
  prompttokens: 'promptTokens',
  cachedtokens: 'cachedTokens',
  outputtokens: 'outputTokens',
  ttft: 'ttftMs',
  tpot: 'tpotMs',
  pass: 'pass',
  target: 'target',
} as const
type Field = (typeof FIELDS)[keyof typeof FIELDS]

const NAMES = 'promptTokens, cachedTokens, outputTokens, ttft, tpot (both in ms), pass, target'

/** Columns other than those are not looked at. Every line needs promptTokens, and ttft or tpot. */
export function parseSweep(text: string): ParsedSweep {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n?|\n/)
    .map((line, i) => ({ number: i + 1, text: line.trim() }))
    .filter((line) => line.text !== '')
  const [first, ...rest] = lines
  if (first === undefined) return { ok: false, line: 1, problem: 'the file is empty' }
  if (first.text.startsWith('['))
    return { ok: false, line: first.number, problem: 'a JSON object a line is wanted, no array' }
  const isJson = first.text.startsWith('{')
  const read = isJson ? fromJson : fromCsv(first.text)
  if (typeof read === 'string') return { ok: false, line: first.number, problem: read }
  const points: SweepPoint[] = []
  for (const line of isJson ? lines : rest) {
    const values = read(line.text)
    const point = typeof values === 'string' ? values : toPoint(values)
    if (typeof point === 'string') return { ok: false, line: line.number, problem: point }
    points.push(point)
  }
  if (points.length === 0)
    return { ok: false, line: first.number, problem: 'there is no line below the head' }
  return { ok: true, points }
}

type Values = Partial<Record<Field, string>>
type ReadLine = (line: string) => Values | string

function fieldOf(name: string): Field | null {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .replace(/ms$/, '')
  return Object.entries(FIELDS).find(([known]) => known === plain)?.[1] ?? null
}

function fromCsv(head: string): ReadLine | string {
  const separator = [',', ';', '\t'].find((each) => head.includes(each)) ?? ','
  const cells = (line: string): string[] => splitCells(line, separator)
  const columns = cells(head).map(fieldOf)
  const twice = columns.find((field, i) => field !== null && columns.indexOf(field) !== i)
  if (twice != null) return `two columns are ${nameOf(twice)}: leave one of them`
  const has = (field: Field): boolean => columns.includes(field)
  if (!has('promptTokens') || !(has('ttftMs') || has('tpotMs')))
    return `the head must name promptTokens, and ttft or tpot; known are ${NAMES}`
  return (line) => {
    const values: Values = {}
    const found = cells(line)
    if (found.length > columns.length)
      return `${found.length} cells, the head has ${columns.length}: numbers without separators of thousands, or in quotes`
    for (const [i, value] of found.entries()) {
      const field = columns[i]
      if (field != null && value !== '') values[field] = value
    }
    return values
  }
}

/** At each separator that does not stand in quotes (RFC 4180 §2). */
function splitCells(line: string, separator: string): string[] {
  const cells: string[] = []
  let begin = 0
  let isQuoted = false
  for (let i = 0; i <= line.length; i++) {
    if (line[i] === '"') isQuoted = !isQuoted
    if (i < line.length && (isQuoted || line[i] !== separator)) continue
    cells.push(
      line
        .slice(begin, i)
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .replaceAll('""', '"'),
    )
    begin = i + 1
  }
  return cells
}

const nameOf = (field: Field): string => field.replace('Ms', '')

const fromJson: ReadLine = (line) => {
  const read = readJson(line, { refuseDuplicateKeys: true })
  if (!read.ok) return read.problem.message
  if (typeof read.value !== 'object' || read.value === null) return 'the line is no JSON object'
  if ('asked' in read.value)
    return 'this is a sample of Plumbline itself: its curves stand in the snapshot of its run'
  const values: Values = {}
  for (const [name, value] of Object.entries(read.value)) {
    const field = fieldOf(name)
    if (field === null || (typeof value !== 'string' && typeof value !== 'number')) continue
    if (values[field] !== undefined) return `${nameOf(field)} stands there twice: leave one of them`
    values[field] = String(value)
  }
  return values
}

function toPoint(values: Values): SweepPoint | string {
  const numbers: Partial<Record<Field, number>> = {}
  for (const field of ['promptTokens', 'cachedTokens', 'outputTokens', 'ttftMs', 'tpotMs'] as const) {
    const text = values[field]
    if (text === undefined) continue
    const value = Number(text)
    const least = field === 'cachedTokens' ? 0 : Number.MIN_VALUE
    if (!(value >= least) || !Number.isFinite(value))
      return `${nameOf(field)} '${text.slice(0, 40)}' is no number ${least === 0 ? 'from 0 up' : 'above 0'}`
    numbers[field] = value
  }
  const { promptTokens, cachedTokens, outputTokens, ttftMs, tpotMs } = numbers
  if (promptTokens === undefined) return 'promptTokens is missing'
  if (ttftMs === undefined && tpotMs === undefined) return 'there is neither ttft nor tpot'
  if (cachedTokens !== undefined && cachedTokens >= promptTokens)
    return `cachedTokens ${cachedTokens} leave nothing of promptTokens ${promptTokens} to compute`
  return {
    promptTokens,
    cachedTokens,
    outputTokens,
    ttftMs,
    tpotMs,
    pass: values.pass,
    target: values.target,
  }
}
