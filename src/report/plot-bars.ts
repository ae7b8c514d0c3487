/** Requests taken apart: one bar each, its parts in the order of time, all on one scale. */
import { cut } from '../border/escape.js'
import { figures, markup, type Markup } from './markup.js'
import { figure } from './numbers.js'
import type { Tone } from './plot.js'
import { toneClass } from './plot-svg.js'

export interface Bar {
  label: string
  isBase: boolean
  /** Milliseconds; parts of 0 are not drawn. */
  parts: readonly { name: string; tone: Tone; ms: number }[]
}

export interface Bars {
  title: string
  caption: string
  bars: readonly Bar[]
}

/** Broad beside a mouse, slim on a phone: letters keep their size. */
export const BROAD = 1150
export const SLIM = 340
const ROW = 35
const BAR = 16
const TOTAL = 70
/** A figure inside a part takes about so much a character. */
const CHARACTER = 7.4

export const totalMs = ({ parts }: Bar): number => parts.reduce((sum, { ms }) => sum + ms, 0)

export function barsSvg({ title, caption, bars }: Bars, width: number, id: string): Markup {
  const longest = Math.max(...bars.map(totalMs), 1e-9)
  const scale = (width - TOTAL) / longest
  const height = bars.length * ROW
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${caption} The table beside it holds the figures.</desc>${bars.map((bar, i) => barOf(bar, i * ROW, scale))}</svg>`
}

function barOf(bar: Bar, top: number, scale: number): Markup {
  let left = 0
  const parts = bar.parts
    .filter(({ ms }) => ms > 0)
    .map(({ tone, ms }) => {
      const from = left
      left += ms * scale
      // A gap between parts, so that they are told apart without their colours; a sliver stays visible.
      const length = Math.max(1.5, left - from - 2)
      const text = figure(ms)
      const fits = length > text.length * CHARACTER + 8
      const label = fits ? markup`<text class="inside" x="${from + 6}" y="${top + 30}">${text}</text>` : null
      const d = figures(`M${round(from)} ${top + 17}h${round(length)}v${BAR}h-${round(length)}z`)
      return markup`<path class="${toneClass(tone)} part${bar.isBase ? ' base' : ''}" d="${d}"/>${label}`
    })
  return markup`<text class="name" x="0" y="${top + 13}">${cut(bar.label, 160)}</text>${parts}<text class="total" x="${left + 6}" y="${top + 30}">${figure(totalMs(bar))} ms</text>`
}

const round = (value: number): number => Math.round(value * 10) / 10
