/** Shifts as ratios with their intervals, against the zone inside which a shift does not matter. */
import { cut } from '../border/escape.js'
import { figures, markup, type Markup } from './markup.js'
import { percent } from './numbers.js'
import type { Tone } from './plot.js'
import { toneClass } from './plot-svg.js'

export interface Ratio {
  label: string
  verdict: string
  tone: Tone
  /** Candidate ÷ base. */
  ratio: number
  low: number
  high: number
  margin: number
}

export interface Ratios {
  title: string
  caption: string
  ratios: readonly Ratio[]
}

const WIDTH = 1000
const ROW = 30
const LEFT = 250
const RIGHT = 110
const FOOT = 34
/** Beyond a factor of four a line ends at the edge. */
const WIDEST = Math.log(4)
const TICKS = [0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 4]

export function ratiosSvg({ title, caption, ratios }: Ratios, id: string): Markup {
  const far = Math.max(...ratios.flatMap(({ low, high, margin }) => [-ln(low), ln(high), 2 * ln(1 + margin)]))
  const reach = Math.min(WIDEST, far) * 1.06
  const middle = (LEFT + WIDTH - RIGHT) / 2
  const scale = (WIDTH - RIGHT - LEFT) / 2 / reach
  const at = (ratio: number): number =>
    Math.round(10 * (middle + scale * Math.max(-reach, Math.min(reach, ln(ratio))))) / 10
  const foot = ratios.length * ROW
  const ticks = TICKS.filter((tick) => Math.abs(ln(tick)) <= reach * 0.98)
  const shown = ticks.filter((tick) => tick === 1 || Math.abs(at(tick) - at(1)) > 44 || reach < 0.2)
  const marks = shown.map(
    (tick) =>
      markup`<path class="${tick === 1 ? 'axis' : 'grid'}" d="M${at(tick)} 0V${foot}"/><text x="${at(tick)}" y="${foot + 16}" text-anchor="middle">${tick === 1 ? 'no shift' : signed(tick)}</text>`,
  )
  const rows = ratios.map((each, i) => row(each, i * ROW, at))
  return markup`<svg viewBox="0 0 ${WIDTH} ${foot + FOOT}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${caption} The table beside it holds the figures.</desc>${rows.map(({ zone }) => zone)}${marks}${rows.map(({ line }) => line)}</svg>`
}

const ln = (ratio: number): number => Math.log(Math.max(1e-3, ratio))

function row(
  { label, verdict, tone, ratio, low, high, margin }: Ratio,
  top: number,
  at: (ratio: number) => number,
): { zone: Markup; line: Markup } {
  const middle = top + ROW / 2
  const [from, to] = [at(1 / (1 + margin)), at(1 + margin)]
  const ends = `M${at(low)} ${middle - 4}v8M${at(high)} ${middle - 4}v8M${at(low)} ${middle}H${at(high)}`
  return {
    zone: markup`<path class="zone" d="${figures(`M${from} ${top + 3}H${to}v${ROW - 6}H${from}z`)}"/>`,
    line: markup`<text class="name" x="0" y="${middle + 4}">${cut(label, 34)}</text><path class="${toneClass(tone)} reach" d="${figures(ends)}"/><path class="${toneClass(tone)} centre" d="M${at(ratio)} ${middle}h0"/><text class="judged ${toneClass(tone)}" x="${WIDTH}" y="${middle + 4}" text-anchor="end">${verdict}</text>`,
  }
}

const signed = (ratio: number): string => `${ratio > 1 ? '+' : '−'}${percent(Math.abs(ratio - 1))}`
