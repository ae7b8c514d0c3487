/** From values to places along an axis, and the round numbers that stand at it. */
import { duration, figure } from './numbers.js'
import type { Axis } from './plot.js'

/** 0 at the start of the axis, 1 at its end; may lie outside. */
export function placeOn({ scale, from, to }: Axis): (value: number) => number {
  if (scale === 'linear') return (value) => (value - from) / (to - from || 1)
  const span = Math.log(to / from) || 1
  return (value) => (value > 0 ? Math.log(value / from) / span : -1)
}

const STEPS = [1, 2, 2.5, 5, 10]
const WHOLE_STEPS = [1, 2, 5, 10]
const DAY_MS = 86_400_000
const SPAN_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400]
const DATE_STEPS_MS = [
  1 / 1440,
  5 / 1440,
  15 / 1440,
  1 / 24,
  3 / 24,
  6 / 24,
  1,
  2,
  7,
  14,
  30,
  61,
  91,
  182,
  365,
].map((days) => days * DAY_MS)

/** About `count` round values. */
export function ticksOf(axis: Axis, count: number): number[] {
  const { scale, from, to } = axis
  if (scale === 'log') return logTicks(from, to, count)
  const step = stepOf(axis, (to - from) / count)
  const first = Math.ceil(from / step - 1e-9)
  const last = Math.floor(to / step + 1e-9)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step)
}

function stepOf({ format, to }: Axis, least: number): number {
  if (format === 'span')
    return SPAN_STEPS_S.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400
  if (format === 'date')
    return DATE_STEPS_MS.find((step) => step >= least) ?? Math.ceil(least / DAY_MS) * DAY_MS
  if (!(least > 0)) return to || 1
  const power = 10 ** Math.floor(Math.log10(least))
  const steps = format === 'count' ? WHOLE_STEPS : STEPS
  const step = power * (steps.find((each) => each * power >= least * 0.999) ?? 10)
  return format === 'count' ? Math.max(1, step) : step
}

/** Powers of ten; 1, 2 and 5 of each, or powers of two, where there is room. */
function logTicks(from: number, to: number, count: number): number[] {
  const low = Math.floor(Math.log10(from))
  const high = Math.ceil(Math.log10(to))
  const decades = Array.from({ length: high - low + 1 }, (_, i) => low + i)
  const within = (value: number): boolean => value >= from && value <= to
  for (const parts of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = decades.flatMap((decade) => parts.map((part) => part * 10 ** decade)).filter(within)
    if (ticks.length <= count + 1 && ticks.length >= 2) return ticks
  }
  const tens = decades.map((decade) => 10 ** decade).filter(within)
  if (tens.length < 2) return [from * 1.02, to / 1.02].map((value) => Number(value.toPrecision(2)))
  const every = Math.ceil(tens.length / count)
  return tens.filter((_, i) => i % every === 0)
}

export function tickText({ format, from, to }: Axis, value: number): string {
  switch (format) {
    case 'number':
    case 'count':
      return short(value)
    case 'span':
      return value === 0 ? '0' : duration(value * 1000)
    case 'date': {
      const iso = new Date(value).toISOString()
      return to - from < 2 * DAY_MS ? iso.slice(11, 16) : iso.slice(0, 10)
    }
    default:
      return format satisfies never
  }
}

/** `0.5`, `20`, `1,500`, `16k`. */
function short(value: number): string {
  if (Math.abs(value) >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`
  if (Math.abs(value) >= 1000) return figure(value)
  return String(Number(value.toPrecision(3)))
}
