/** The model of a plot: what is drawn and what its axes mean. How it is drawn, each format says for itself. */

export type Point = readonly [x: number, y: number]

export interface Axis {
  label: string
  scale: 'linear' | 'log'
  /** `count`: whole numbers; `date`: milliseconds since 1970; `span`: seconds. */
  format: 'number' | 'count' | 'date' | 'span'
  /** The range shown. A point beyond it is drawn at the edge and counted. */
  from: number
  to: number
}

/** Hues that colour-blind readers tell apart (Okabe and Ito 2008); each has its own shape as well. */
export type Tone = 0 | 1 | 2 | 3 | 4 | 5 | 'plain' | 'bad'

export interface Series {
  name: string
  tone: Tone
  /** The earlier of two: paler points, dashed line. */
  isBase: boolean
  points: readonly Point[]
  line: readonly Point[]
  /** From low to high, along x. */
  band: readonly (readonly [x: number, low: number, high: number])[]
  /** Moments without a value, drawn as ticks at the foot: failures. */
  ticks: readonly number[]
}

export interface Plot {
  title: string
  /** What line, band and points are. */
  caption: string
  x: Axis
  y: Axis
  series: readonly Series[]
  /** Vertical lines. */
  marks: readonly { x: number; text: string }[]
}

export const seriesOf = (
  name: string,
  tone: Tone,
  { isBase = false, points = [], line = [], band = [], ticks = [] }: Partial<Series>,
): Series => ({ name, tone, isBase, points, line, band, ticks })

// Above this ratio of the longest to the shortest a linear axis shows the long ones only.
const LINEAR_RATIO = 40

/** An axis over values from 0 or, where they are orders apart, a logarithmic one. */
export function lengthAxis(label: string, values: readonly number[]): Axis {
  const [least, most] = extent(values)
  const isLog = least > 0 && most / least > LINEAR_RATIO
  return isLog
    ? { label, scale: 'log', format: 'count', from: least / 1.15, to: most * 1.15 }
    : { label, scale: 'linear', format: 'number', from: 0, to: most * 1.04 }
}

// A band may widen the axis by so much, and is cut beyond.
const FOR_BAND = 1.6

/**
 * A linear axis from 0 that a few slow stragglers do not flatten: they are drawn at its edge.
 * @param always is never cut
 * @param wanted is cut where it leaves too little room to the rest
 */
export function timeAxis(
  label: string,
  values: readonly number[],
  always: readonly number[] = [],
  wanted: readonly number[] = [],
): Axis {
  const sorted = [...values].sort((a, b) => a - b)
  const usual = sorted[Math.min(sorted.length - 1, Math.floor(0.99 * sorted.length))] ?? 0
  const needed = Math.max(usual, extent(always)[1], 1e-6)
  const to = 1.06 * Math.max(needed, Math.min(extent(wanted)[1], FOR_BAND * needed))
  return { label, scale: 'linear', format: 'number', from: 0, to }
}

/** [0, 0] of nothing. */
export function extent(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 0]
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  )
}

/** Values between two ends, evenly spaced along the axis. */
export function along({ scale }: Axis, from: number, to: number, steps: number): number[] {
  if (!(to > from)) return [from]
  return Array.from({ length: steps + 1 }, (_, i) =>
    scale === 'log' ? from * (to / from) ** (i / steps) : from + ((to - from) * i) / steps,
  )
}
