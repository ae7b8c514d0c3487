/** Distributions as strips: one a cell, every sample a dot where they are few, the middle half and the median over them. */
import { quantiles } from '../stats/quantile.js'
import { cut } from '../border/escape.js'
import { figures, markup, type Markup } from './markup.js'
import type { Axis, Tone } from './plot.js'
import { placeOn, tickText, ticksOf } from './plot-scale.js'
import { toneClass, type Drawn } from './plot-svg.js'

export interface Strip {
  label: string
  tone: Tone
  isBase: boolean
  values: readonly number[]
}

export interface Strips {
  title: string
  caption: string
  x: Axis
  strips: readonly Strip[]
}

const WIDTH = 400
const ROW = 34
const BOTTOM = 38
const RIGHT = 12
/** More samples than this are stood for by as many order statistics, evenly spaced. */
const MOST_DOTS = 60

export function stripsSvg({ title, caption, x, strips }: Strips, id: string): Drawn {
  const foot = strips.length * ROW + 4
  const along = placeOn(x)
  const at = (value: number): number => Math.round(10 * (WIDTH - RIGHT) * clamp(along(value))) / 10
  const ticks = ticksOf(x, 5).map((tick) => {
    const anchor = at(tick) < 8 ? 'start' : at(tick) > WIDTH - 24 ? 'end' : 'middle'
    return markup`<path class="grid" d="M${at(tick)} 0V${foot}"/><text x="${at(tick)}" y="${foot + 14}" text-anchor="${anchor}">${tickText(x, tick)}</text>`
  })
  const rows = strips.map((strip, i) => stripOf(strip, i * ROW, at))
  const height = foot + BOTTOM
  const svg = markup`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${caption} The table beside it holds the figures.</desc>${ticks}${rows}<text class="label" x="${WIDTH - RIGHT}" y="${foot + 30}" text-anchor="end">${x.label}</text></svg>`
  const isThinned = strips.some(({ values }) => values.length > MOST_DOTS)
  return {
    svg,
    notes: isThinned
      ? [`Of more than ${MOST_DOTS} samples, ${MOST_DOTS} evenly spaced order statistics are drawn.`]
      : [],
  }
}

const clamp = (place: number): number => Math.max(0, Math.min(1, place))

function stripOf({ label, tone, isBase, values }: Strip, top: number, at: (value: number) => number): Markup {
  const sorted = [...values].sort((a, b) => a - b)
  const dots = sorted.length <= MOST_DOTS ? sorted : orderStatistics(sorted)
  const middle = top + 24
  const d = dots
    .map((value, i) => `M${at(value)} ${Math.round((middle - 4 + 8 * jitter(i)) * 10) / 10}h0`)
    .join('')
  const [low, mid, high] = quantiles(sorted, [0.25, 0.5, 0.75], { sorted: true })
  const box = `M${at(low!)} ${middle - 6}H${at(high!)}v12H${at(low!)}z`
  const name = `${toneClass(tone)}${isBase ? ' base' : ''}`
  return markup`<text class="name" x="0" y="${top + 13}">${cut(label, 60)}</text><path class="${name} box" d="${figures(box)}"/><path class="${name} dots" d="${figures(d)}"/><path class="${name} median" d="M${at(mid!)} ${middle - 8}v16"/>`
}

/** Spreads dots over a strip evenly and always the same way: multiples of the golden ratio (Weyl). */
const jitter = (i: number): number => (i * 0.618_033_988_75) % 1

function orderStatistics(sorted: readonly number[]): number[] {
  return quantiles(
    sorted,
    Array.from({ length: MOST_DOTS }, (_, i) => (i + 0.5) / MOST_DOTS),
    { sorted: true },
  )
}
