/** Reads one value of an attribute by its unit; dialects write numbers as text, moments in five ways, texts in lists. */
import type { Unit } from './mapping.js'

/** What a reader hands over: nested values have been left out or taken apart. */
export type Scalar = string | number | boolean

/** A year: no call takes longer. */
const MOST_MS = 3.2e10

const SCALE = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const

/** Milliseconds, a count, or a moment in milliseconds since 1970; NaN where the value is none. */
export function readNumber(value: Scalar, unit: Unit): number {
  switch (unit) {
    case 's':
    case 'ms':
    case 'us':
    case 'ns': {
      const number = numberOf(value)
      const ms = number * SCALE[unit]
      return ms >= 0 && ms <= MOST_MS ? ms : NaN
    }
    case 'count':
    case 'after': {
      const number = numberOf(value)
      if (!(number >= 0 && number <= Number.MAX_SAFE_INTEGER)) return NaN
      return Math.round(number) + (unit === 'after' ? 1 : 0)
    }
    case 'time':
      return readTime(value)
    case 'timing': {
      const match = /\bdur=(\d+(?:\.\d+)?)/.exec(String(value))
      return match === null ? NaN : Number(match[1])
    }
    case 'text':
    case 'flag':
    case 'colo':
      return NaN
    default:
      return unit satisfies never
  }
}

function numberOf(value: Scalar): number {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || value.trim() === '') return NaN
  return Number(value)
}

/** Longest text that is kept: names and ids, no prose. */
const MAX_TEXT = 256

export function readText(value: Scalar, unit: Unit): string | undefined {
  const text = typeof value === 'string' ? plain(value) : String(value)
  if (text === '' || text.length > MAX_TEXT) return undefined
  return unit === 'colo' ? text.slice(text.lastIndexOf('-') + 1) : text
}

/** A piece of a longer text would keep all of it in memory. */
const MAX_LIST = 1024

/** `["stop"]` and `"stop"`, as stores write lists and texts into a column of strings. */
function plain(text: string): string {
  const first = text.charCodeAt(0)
  if ((first !== 0x5b && first !== 0x22) || text.length > MAX_LIST) return text
  const match = /^\[?\s*"((?:[^"\\])*)"/.exec(text)
  return match?.[1] ?? text
}

export function readFlag(value: Scalar): boolean | undefined {
  if (typeof value === 'boolean') return value
  const word = String(value).toLowerCase()
  return word === 'true' || word === '1' ? true : word === 'false' || word === '0' ? false : undefined
}

/** In the year 9999. */
const MOST_NS = 2.5e20

/** Nanoseconds since 1970 to milliseconds, to the microsecond: a double holds no more of them. NaN behind the year 9999. */
export function msOfNs(ns: number): number {
  return ns < MOST_NS ? Math.round(ns / 1000) / 1000 : NaN
}

const ISO = /^"?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d+))?\s*(Z|[+-]\d\d(?::?\d\d)?)?"?$/

/** A moment in ms since 1970. A text without a zone is UTC; of a number the size tells s, ms, µs or ns. */
export function readTime(value: Scalar): number {
  if (typeof value === 'boolean') return NaN
  if (typeof value === 'string') {
    let text = value
    while (text.startsWith('"') && text.endsWith('"') && text.length > 1) text = text.slice(1, -1)
    text = text.replace(/^\\+"|\\+"$/g, '')
    const match = ISO.exec(text)
    if (match !== null) {
      const [, day = '', clock = '', fraction = '', zone = 'Z'] = match
      const offset = zone.length === 3 ? `${zone}:00` : zone // PostgreSQL writes the hours alone
      return Date.parse(`${day}T${clock}${offset}`) + (fraction === '' ? 0 : Number(`0.${fraction}`) * 1000)
    }
  }
  const number = numberOf(value)
  if (!(number > 0 && number < MOST_NS)) return NaN
  if (number >= 1e17) return msOfNs(number)
  if (number >= 1e14) return number / 1e3
  return number >= 1e11 ? number : number * 1000
}
