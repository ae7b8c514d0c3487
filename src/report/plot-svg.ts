/** A plot as static SVG: no script, no style of its own but the classes of the page. */
import { figures, markup, type Markup, type Part } from './markup.js'
import type { Plot, Series, Tone } from './plot.js'
import { placeOn, tickText, ticksOf } from './plot-scale.js'
import { plural } from './numbers.js'

export interface Frame {
  width: number
  height: number
}

export const HALF: Frame = { width: 400, height: 232 }
export const WIDE: Frame = { width: 1000, height: 250 }

const LEFT = 44
const RIGHT = 12
const TOP = 24
const BOTTOM = 36

/** Drawing, and what has to be said of it: points at the edge, points left out. */
export interface Drawn {
  svg: Markup
  notes: readonly string[]
}

export function plotSvg(plot: Plot, { width, height }: Frame, id: string): Drawn {
  const right = width - RIGHT
  const foot = height - BOTTOM
  const across = placeOn(plot.x)
  const up = placeOn(plot.y)
  const x = (value: number): number => LEFT + (right - LEFT) * across(value)
  const y = (value: number): number => foot - (foot - TOP) * up(value)
  const area = { x, y, top: TOP, foot, left: LEFT, right }
  const drawn = plot.series.map((series) => drawSeries(series, area))
  const beyond = drawn.reduce((sum, each) => sum + each.beyond, 0)
  const left = drawn.reduce((sum, each) => sum + each.leftOut, 0)
  const notes = [
    ...(beyond > 0 ? [`${plural(beyond, 'point')} beyond the axis, drawn as a triangle at its edge.`] : []),
    ...(left > 0 ? [`${plural(left, 'point')} left out, evenly, so that the page stays small.`] : []),
  ]
  const svg = markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${plot.title}</title><desc id="${id}-d">${describe(plot)}</desc>${axes(plot, area)}${drawn.map(({ band }) => band)}${marksOf(plot, area)}${drawn.map(({ points }) => points)}${drawn.map(({ line }) => line)}</svg>`
  return { svg, notes }
}

function describe({ x, y, series, caption }: Plot): string {
  const counts = series.map(({ name, points }) => `${name}: ${plural(points.length, 'point')}`)
  return `${y.label} against ${x.label}. ${counts.join(', ')}. ${caption} The table beside it holds the figures.`
}

interface Area {
  x: (value: number) => number
  y: (value: number) => number
  top: number
  foot: number
  left: number
  right: number
}

function axes({ x, y }: Plot, area: Area): Part {
  const { left, right, foot } = area
  const rows = ticksOf(y, 4).map((tick) => {
    const at = area.y(tick)
    return markup`<path class="grid" d="M${left} ${at}H${right}"/><text x="${left - 6}" y="${at + 4}" text-anchor="end">${tickText(y, tick)}</text>`
  })
  const columns = ticksOf(x, Math.round((right - left) / (x.format === 'date' ? 110 : 64))).map((tick) => {
    const at = area.x(tick)
    const anchor = at > right - 14 ? 'end' : 'middle'
    return markup`<path class="tick" d="M${at} ${foot}v4"/><text x="${at}" y="${foot + 16}" text-anchor="${anchor}">${tickText(x, tick)}</text>`
  })
  return markup`${rows}${columns}<path class="axis" d="M${left} ${foot}H${right}"/><text class="label" x="0" y="12">${y.label}</text><text class="label" x="${right}" y="${foot + 31}" text-anchor="end">${x.label}</text>`
}

function marksOf({ marks }: Plot, { x, top, foot, left, right }: Area): Part {
  return marks.map(({ x: value, text }) => {
    const at = Math.max(left, Math.min(right, x(value)))
    const isLate = at > (left + right) / 2
    return markup`<path class="mark" d="M${at} ${top - 6}V${foot}"/><text class="marked" x="${at + (isLate ? -4 : 4)}" y="${top + 2}" text-anchor="${isLate ? 'end' : 'start'}">${text}</text>`
  })
}

// A whole page stays below 400 kB with 10,000 samples: a point takes about 9 bytes.
const MOST_POINTS = 1500
/** Points of one series that fall into one square of this size would cover each other. */
const GRID = 1.5

interface Laid {
  band: Part
  line: Part
  points: Part
  beyond: number
  leftOut: number
}

export const toneClass = (tone: Tone): string => `t-${tone}`

function drawSeries(series: Series, area: Area): Laid {
  const { tone, isBase, ticks } = series
  const place = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value))
  const cell = new Map<string, readonly [number, number]>()
  const edge = new Set<number>()
  let beyond = 0
  for (const [px, py] of series.points) {
    const [atX, atY] = [area.x(px), area.y(py)]
    if (atY < area.top - 0.5) {
      beyond++
      edge.add(Math.round(atX))
    } else if (atX >= area.left - 1 && atX <= area.right + 1) {
      const at = [snap(atX), snap(place(atY, area.top, area.foot))] as const
      cell.set(at.join(), at)
    }
  }
  const all = [...cell.values()]
  const shown = thinned(all, MOST_POINTS)
  const name = toneClass(tone)
  const points: Part[] = []
  if (shown.length > 0)
    points.push(
      markup`<path class="${name} ${isBase ? 'dots base' : 'dots'}" d="${figures(dots(shown, tone))}"/>`,
    )
  if (edge.size > 0) {
    const d = [...edge].map((at) => `M${at - 4} ${area.top}h8l-4 -6z`).join('')
    points.push(markup`<path class="${name} edge" d="${figures(d)}"/>`)
  }
  if (ticks.length > 0) {
    const places = new Set(ticks.map((value) => Math.round(area.x(value))))
    const d = [...places].map((at) => `M${at} ${area.foot}v-14`).join('')
    points.push(markup`<path class="${name} ticks" d="${figures(d)}"/>`)
  }
  return {
    band: bandOf(series, area),
    line: lineOf(series, area),
    points,
    beyond,
    leftOut: all.length - shown.length,
  }
}

const snap = (value: number): number => Math.round(Math.round(value / GRID) * GRID * 10) / 10

/** Every kth, so that what is left is spread as it was. */
function thinned<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]!)
}

/** Lines of no length with round caps are dots, with square caps squares: the shape is the style's. */
function dots(points: readonly (readonly [number, number])[], tone: Tone): string {
  if (tone === 'bad') return points.map(([x, y]) => `M${x - 3} ${y - 3}l6 6m-6 0l6 -6`).join('')
  return points.map(([x, y]) => `M${x} ${y}h0`).join('')
}

function lineOf({ line, tone, isBase }: Series, area: Area): Part {
  if (line.length < 2) return null
  const d = line
    .map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${at(area.x(px))} ${at(clampY(py, area))}`)
    .join('')
  return markup`<path class="${toneClass(tone)} ${isBase ? 'line base' : 'line'}" d="${figures(d)}"/>`
}

function bandOf({ band, tone, isBase }: Series, area: Area): Part {
  if (band.length < 2) return null
  const high = band.map(([px, , top]) => `${at(area.x(px))} ${at(clampY(top, area))}`)
  const low = band.map(([px, bottom]) => `${at(area.x(px))} ${at(clampY(bottom, area))}`).reverse()
  return markup`<path class="${toneClass(tone)} ${isBase ? 'band base' : 'band'}" d="${figures(`M${[...high, ...low].join('L')}Z`)}"/>`
}

const at = (value: number): number => Math.round(value * 10) / 10
const clampY = (value: number, { y, top, foot }: Area): number => Math.max(top - 6, Math.min(foot, y(value)))
