/** What somebody most likely meant by a value of the wrong kind: `8k` → `(write 8192)`. */
import { didYouMean } from '../border/nearest.js'
import type { PathPart } from '../border/problem.js'

/** What a key accepts, as far as a hint needs to know. */
export interface Wanted {
  number: boolean
  /** Whether a number lies in its range. */
  fits(value: number): boolean
  whole: boolean
  text: boolean
  boolean: boolean
  /** What an entry of a list accepts; null where no list is accepted. */
  entry: Wanted | null
  /** The closed list of texts, where there is one. */
  words: readonly string[]
  /** A percentage in a text is accepted, and 1 is the most. */
  share: boolean
}

const MULTIPLE = /^(\d+(?:\.\d+)?)\s*([kKmM])(?:i?[bB])?$/
const DURATION = /^(\d+(?:\.\d+)?)\s*(us|µs|ms|milliseconds?|s|secs?|seconds?|min|minutes?|m|h|hours?)$/i
const PERCENT = /^(\d+(?:\.\d+)?)\s*(?:%|percent|per cent|pct)$/i
const MONEY = /^(?:[$€£]|USD|EUR)\s*(\d+(?:\.\d+)?)$|^(\d+(?:\.\d+)?)\s*(?:[$€£]|USD|EUR)$/i
const PER_SECOND = /^(\d+(?:\.\d+)?)\s*(?:requests?|req|rps|qps)?\s*(?:\/\s*s(?:ec)?|ps)?$/i
const CURLY_QUOTES = /^[“”„‘’‚«‹]/
const GROUPED = /^\d{1,3}(?:[,_' ]\d{3})+$/
const PLAIN = /^-?\d+(?:\.\d+)?$/

/** By the unit as written. */
function secondsOf(unit: string): number {
  if (/^[uµ]s$/i.test(unit)) return 1e-6
  if (/^(?:ms|mill)/i.test(unit)) return 1e-3
  if (/^s/i.test(unit)) return 1
  return /^h/i.test(unit) ? 3600 : 60
}

/** ` (write 8192)`, ` (did you mean 'poisson'?)`, or nothing. Starts with a space. */
export function hint(value: unknown, wanted: Wanted, path: readonly PathPart[]): string {
  if (typeof value === 'string') {
    if (wanted.share && PERCENT.test(value.trim()) && !value.includes('%'))
      return ` (write ${Number.parseFloat(value)}%)`
    const meant = wanted.number ? fittingNumber(value, wanted, path) : undefined
    if (meant !== undefined) return ` (write ${meant})`
    if (CURLY_QUOTES.test(value)) return ` (quotes are written ' or ")`
    if (wanted.boolean && /^(?:yes|on|y)$/i.test(value)) return ' (write true)'
    if (wanted.boolean && /^(?:no|off|n)$/i.test(value)) return ' (write false)'
    if (wanted.words.length > 0) return didYouMean(value, wanted.words)
  }
  if (wanted.share && typeof value === 'number' && value > 1 && value <= 100) return ` (write ${value}%)`
  const { entry } = wanted
  if (
    entry !== null &&
    (entry.number || entry.text) &&
    (typeof value === 'number' || typeof value === 'string')
  )
    return ` (write ${listMeant(value, entry, path)})`
  if (wanted.text && (typeof value === 'number' || typeof value === 'boolean')) return ` (write '${value}')`
  return ''
}

function fittingNumber(text: string, wanted: Wanted, path: readonly PathPart[]): number | undefined {
  const meant = numberMeant(text.trim(), path)
  if (meant === undefined || !wanted.fits(meant)) return undefined
  return wanted.whole && !Number.isInteger(meant) ? undefined : meant
}

/** The list that somebody left the brackets off: texts with commas are several entries where numbers are asked. */
function listMeant(value: string | number, entry: Wanted, path: readonly PathPart[]): string {
  if (typeof value === 'number') return `[${value}]`
  if (!entry.number) return `[${/[:{}[\],&*#?|<>=!%@`"]/.test(value) ? JSON.stringify(value) : value}]`
  const numbers = value.split(/[,;\s]+/).map((part) => fittingNumber(part, entry, path))
  return numbers.includes(undefined) ? `[${value}]` : `[${numbers.join(', ')}]`
}

function numberMeant(text: string, path: readonly PathPart[]): number | undefined {
  if (PLAIN.test(text)) return Number(text)
  if (GROUPED.test(text)) return Number(text.replace(/[^\d]/g, ''))
  const percent = PERCENT.exec(text)
  if (percent !== null) return rounded(Number(percent[1]) / 100)
  const key = path.findLast((part) => typeof part === 'string') ?? ''
  const duration = DURATION.exec(text)
  if (duration !== null && /[a-z](?:Ms|S)$/.test(key)) {
    const seconds = Number(duration[1]) * secondsOf(duration[2] ?? '')
    return rounded(key.endsWith('Ms') ? seconds * 1000 : seconds)
  }
  const money = path[0] === 'budget' || path.includes('price') ? MONEY.exec(text) : null
  if (money !== null) return Number(money[1] ?? money[2])
  const perSecond = /rate/i.test(key) ? PER_SECOND.exec(text) : null
  if (perSecond !== null) return Number(perSecond[1])
  const multiple = MULTIPLE.exec(text)
  if (multiple === null) return undefined
  // Lengths of prompts and outputs come in powers of two; budgets and counts of requests in thousands.
  const thousand = /tokens?$/i.test(key) && path[0] !== 'budget' ? 1024 : 1000
  return rounded(Number(multiple[1]) * (multiple[2]?.toLowerCase() === 'k' ? thousand : thousand ** 2))
}

function rounded(value: number): number {
  return Number(value.toPrecision(12))
}
