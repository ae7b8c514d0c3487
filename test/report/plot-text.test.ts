import { expect, test } from 'vitest'
import { seriesOf, type Plot } from '../../src/report/plot.js'
import { plotText } from '../../src/report/plot-text.js'
import { summaryOf } from '../../src/report/summary.js'
import { canPlot, terminalSummary } from '../../src/report/terminal.js'
import { measured } from './html-pages.js'

const axis = (label: string, to: number) =>
  ({ label, scale: 'linear', format: 'number', from: 0, to }) as const

const rowsOf = (plot: Plot): string[] =>
  plotText(plot, { width: 14, height: 9 })
    .slice(2, 7)
    .map((row) => row.replace(/^.*?[│┤]/, ''))

const plotOf = (series: Plot['series']): Plot => ({
  title: 't',
  caption: '',
  x: axis('x', 10),
  y: axis('y', 4),
  series,
  marks: [],
})

test('a point stands in the column and the row of its values; one above the axis in the uppermost row', () => {
  const points = [
    [0, 0],
    [10, 4],
    [3, 2],
    [7, 400],
  ] as const
  expect(rowsOf(plotOf([seriesOf('s', 0, { points })]))).toEqual(['       ●  ●', '', '   ●', '', '●'])
})

test('a law leaves no column between its ends empty', () => {
  const line = [
    [0, 0],
    [10, 4],
  ] as const
  const rows = rowsOf(plotOf([seriesOf('s', 0, { line })]))
  const columns = Array.from({ length: 11 }, (_, i) => rows.some((row) => row[i] === '·'))
  expect(columns).toEqual(columns.map(() => true))
})

test('a summary with plots keeps to 80 columns and holds no control code; without them it has ASCII frames only', () => {
  const summary = summaryOf(measured('terminal'))
  const text = terminalSummary(summary)
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/)
  expect(text).toContain('ms to first token / prompt tokens')
  expect(terminalSummary(summary, false)).not.toMatch(/[●○│└]/)
})

test('plots are drawn where UTF-8 is spoken or no locale is named, not on a dumb terminal', () => {
  expect(canPlot({})).toBe(true)
  expect(canPlot({ LANG: 'de_DE.UTF-8', TERM: 'xterm' })).toBe(true)
  expect(canPlot({ LANG: 'en_US.UTF-8', LC_ALL: 'C' })).toBe(false)
  expect(canPlot({ TERM: 'dumb' })).toBe(false)
})
