/** How numbers are written for people: three significant digits, never more than was measured. */
import type { ParameterUnit } from '../curve/curve.js'

/** `0.042`, `4.21`, `42.1`, `421`, `42,100`; an em dash for null. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '—'
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(Number(value.toPrecision(3))).toLocaleString('en-US')
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  if (size >= 1) return value.toFixed(2)
  return size === 0 ? '0' : String(Number(value.toPrecision(2)))
}

const MOST_DIGITS = 6

/** `[4.18, 4.25]`, and `[6.398, 6.404]` where three digits would show no width; empty where there is no interval. */
export function interval(low: number | null | undefined, high: number | null | undefined): string {
  if (low === null || low === undefined || high === null || high === undefined) return ''
  const [from, to] = [figure(low), figure(high)]
  if (from !== to || low === high) return `[${from}, ${to}]`
  for (let digits = 4; digits <= MOST_DIGITS; digits++) {
    const [finer, end] = [significant(low, digits), significant(high, digits)]
    if (finer !== end) return `[${finer}, ${end}]`
  }
  return `[${from}, ${to}]`
}

const significant = (value: number, digits: number): string =>
  value.toLocaleString('en-US', { minimumSignificantDigits: digits, maximumSignificantDigits: digits })

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`
}

/** `850 ms`, `26 s`, `4 min 10 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const s = Math.round(ms / 1000)
  if (s < 60) return `${s} s`
  if (s < 3600) return s % 60 === 0 ? `${s / 60} min` : `${Math.floor(s / 60)} min ${s % 60} s`
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
}

export function money(cost: { currency: string; amount: number }): string {
  return `${cost.amount.toFixed(cost.amount < 1 ? 4 : 2)} ${cost.currency}`
}

export function plural(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`
}

export const UNITS: Readonly<Record<ParameterUnit, string>> = {
  ms: 'ms',
  'us/token': 'µs/token',
  'us/token^2': 'µs/token²',
  'ms/token': 'ms/token',
  'us/token/token': 'µs/token per token of context',
  tokens: 'tokens',
  s: 's',
}
