/** Amounts over time, stacked by kind. */
import { figures, markup, type Markup } from './markup.js'
import type { Axis, Tone } from './plot.js'
import { placeOn, tickText, ticksOf } from './plot-scale.js'
import { toneClass } from './plot-svg.js'

export interface Columns {
  title: string
  caption: string
  x: Axis
  y: Axis
  kinds: readonly { name: string; tone: Tone }[]
  /** `values`: one a kind. */
  bins: readonly { from: number; to: number; values: readonly number[] }[]
}

const WIDTH = 1000
const HEIGHT = 250
const LEFT = 52
const RIGHT = WIDTH - 12
const TOP = 24
const FOOT = HEIGHT - 30

export function columnsSvg({ title, caption, x, y, kinds, bins }: Columns, id: string): Markup {
  const across = placeOn(x)
  const up = placeOn(y)
  const atX = (value: number): number => LEFT + (RIGHT - LEFT) * across(value)
  const atY = (value: number): number => FOOT - (FOOT - TOP) * up(value)
  const grid = ticksOf(y, 4).map(
    (tick) =>
      markup`<path class="grid" d="M${LEFT} ${atY(tick)}H${RIGHT}"/><text x="${LEFT - 6}" y="${atY(tick) + 4}" text-anchor="end">${tickText(y, tick)}</text>`,
  )
  const times = ticksOf(x, 7).map(
    (tick) =>
      markup`<path class="tick" d="M${atX(tick)} ${FOOT}v4"/><text x="${atX(tick)}" y="${FOOT + 16}" text-anchor="middle">${tickText(x, tick)}</text>`,
  )
  const stacks = bins.map(({ from, to, values }) => {
    let sum = 0
    return values.map((value, i) => {
      const foot = atY(sum)
      sum += value
      const kind = kinds[i]
      if (value <= 0 || kind === undefined) return null
      const [left, right] = [atX(from) + 0.5, atX(to) - 0.5]
      const d = `M${one(left)} ${one(foot)}H${one(right)}V${one(atY(sum) + 0.6)}H${one(left)}z`
      return markup`<path class="${toneClass(kind.tone)} part" d="${figures(d)}"/>`
    })
  })
  return markup`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${caption} The table beside it holds the figures.</desc>${grid}${times}${stacks}<path class="axis" d="M${LEFT} ${FOOT}H${RIGHT}"/><text class="label" x="0" y="12">${y.label}</text></svg>`
}

const one = (value: number): number => Math.round(value * 10) / 10
