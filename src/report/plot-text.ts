/** A plot in letters, for a terminal or a log: no control code, no colour, at most as wide as asked. */
import { placeOn, tickText, ticksOf } from './plot-scale.js'
import type { Plot, Point, Series } from './plot.js'

export interface TextFrame {
  /** Columns and rows of all, title and labels included. */
  width: number
  height: number
}

/** Points of the first series, of the second, …; the law is dotted. */
const SIGNS = ['●', '○', '◆', '□', '+', '×'] as const
const LAW = '·'
/** Title, legend, foot and the numbers below it. */
const AROUND = 4

export function plotText(plot: Plot, { width, height }: TextFrame): string[] {
  const ticks = ticksOf(plot.y, Math.max(2, Math.floor((height - AROUND) / 3)))
  const left = Math.max(...ticks.map((tick) => tickText(plot.y, tick).length), 1)
  const columns = width - left - 2
  const rows = height - AROUND
  const across = placeOn(plot.x)
  const up = placeOn(plot.y)
  const columnOf = (value: number): number => Math.round(across(value) * (columns - 1))
  const rowOf = (value: number): number => rows - 1 - Math.round(Math.min(1, up(value)) * (rows - 1))
  const cells = Array.from({ length: rows }, () => Array.from({ length: columns }, () => ' '))
  const put = (x: number, y: number, sign: string): void => {
    const row = cells[rowOf(y)]
    const column = columnOf(x)
    if (row?.[column] !== undefined) row[column] = sign
  }
  for (const { line } of plot.series) for (const [x, y] of dense(line)) put(x, y, LAW)
  plot.series.forEach(({ points }, i) => {
    for (const [x, y] of points) put(x, y, SIGNS[i % SIGNS.length]!)
  })
  const labels = new Map(ticks.map((tick) => [rowOf(tick), tickText(plot.y, tick)]))
  return [
    `${plot.y.label} / ${plot.x.label}`,
    legendOf(plot.series),
    ...cells.map(
      (row, i) => `${(labels.get(i) ?? '').padStart(left)} ${labels.has(i) ? '┤' : '│'}${row.join('')}`,
    ),
    `${' '.repeat(left)} └${'─'.repeat(columns)}`,
    `${' '.repeat(left + 2)}${numbersBelow(plot, columns, columnOf)}`,
  ].map((line) => line.slice(0, width).trimEnd())
}

function legendOf(series: readonly Series[]): string {
  const many = series.length > 1
  const signs = series.map(({ name }, i) => `${SIGNS[i % SIGNS.length]} ${many ? name : 'samples'}`)
  return [...signs, `${LAW} law`].join('  ')
}

/** A law between its known places, so that no column is skipped. */
function dense(line: Series['line']): Series['line'] {
  return line.flatMap(([x, y], i) => {
    const [nextX, nextY] = line[i + 1] ?? [x, y]
    return Array.from({ length: STEPS }, (_, k): Point => [
      x + ((nextX - x) * k) / STEPS,
      y + ((nextY - y) * k) / STEPS,
    ])
  })
}

const STEPS = 24

function numbersBelow({ x }: Plot, columns: number, columnOf: (value: number) => number): string {
  let text = ''
  for (const tick of ticksOf(x, 4)) {
    const said = tickText(x, tick)
    const from = Math.min(columns - said.length, Math.max(0, columnOf(tick) - Math.floor(said.length / 2)))
    if (text === '' || from > text.length) text = text.padEnd(from) + said
  }
  return text
}

/** Plots in pairs beside each other, as many as a width of 80 takes. */
export function plotsText(plots: readonly Plot[], width = 80, height = 13): string[] {
  const gap = 2
  const each = Math.floor((width - 2 - gap) / 2)
  const lines: string[] = []
  for (let i = 0; i < plots.length; i += 2) {
    const [first = [], second = []] = plots
      .slice(i, i + 2)
      .map((plot) => plotText(plot, { width: each, height }))
    lines.push('', ...first.map((line, row) => `  ${line.padEnd(each + gap)}${second[row] ?? ''}`.trimEnd()))
  }
  return lines
}
