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
  list: boolean
  /** The closed list of texts, where there is one. */
  words: readonly string[]
  /** A percentage in a text is accepted, and 1 is the most. */
  share: boolean
}

const MULTIPLE = /^(\d+(?:\.\d+)?)\s*([kKmM])(?:i?[bB])?$/
const DURATION = /^(\d+(?:\.\d+)?)\s*(us|µs|ms|s|sec|min|m|h)$/
const PERCENT = /^(\d+(?:\.\d+)?)\s*%$/
const GROUPED = /^\d{1,3}(?:[,_' ]\d{3})+$/
const PLAIN = /^-?\d+(?:\.\d+)?$/
const SECONDS: Readonly<Record<string, number>> = {
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  sec: 1,
  min: 60,
  m: 60,
  h: 3600,
}

/** ` (write 8192)`, ` (did you mean 'poisson'?)`, or nothing. Starts with a space. */
export function hint(value: unknown, wanted: Wanted, path: readonly PathPart[]): string {
  if (typeof value === 'string') {
    if (wanted.number) {
      const meant = numberMeant(value.trim(), path)
      if (meant !== undefined && wanted.fits(meant) && (!wanted.whole || Number.isInteger(meant)))
        return ` (write ${meant})`
    }
    if (wanted.boolean && /^(?:yes|on|y)$/i.test(value)) return ' (write true)'
    if (wanted.boolean && /^(?:no|off|n)$/i.test(value)) return ' (write false)'
    if (wanted.words.length > 0) return didYouMean(value, wanted.words)
  }
  if (wanted.share && typeof value === 'number' && value > 1 && value <= 100) return ` (write ${value}%)`
  if (wanted.list && (typeof value === 'number' || typeof value === 'string')) return ` (write [${value}])`
  if (wanted.text && (typeof value === 'number' || typeof value === 'boolean')) return ` (write '${value}')`
  return ''
}

function numberMeant(text: string, path: readonly PathPart[]): number | undefined {
  if (PLAIN.test(text)) return Number(text)
  if (GROUPED.test(text)) return Number(text.replace(/[^\d]/g, ''))
  const percent = PERCENT.exec(text)
  if (percent !== null) return rounded(Number(percent[1]) / 100)
  const key = path.findLast((part) => typeof part === 'string') ?? ''
  const duration = DURATION.exec(text)
  if (duration !== null && /[a-z](?:Ms|S)$/.test(key)) {
    const seconds = Number(duration[1]) * (SECONDS[duration[2] ?? ''] ?? 1)
    return rounded(key.endsWith('Ms') ? seconds * 1000 : seconds)
  }
  const multiple = MULTIPLE.exec(text)
  if (multiple === null) return undefined
  // Lengths of prompts and outputs come in powers of two; budgets and counts of requests in thousands.
  const thousand = /tokens?$/i.test(key) && path[0] !== 'budget' ? 1024 : 1000
  return rounded(Number(multiple[1]) * (multiple[2]?.toLowerCase() === 'k' ? thousand : thousand ** 2))
}

function rounded(value: number): number {
  return Number(value.toPrecision(12))
}
