/** Plain series from CSV: a time and a value a line, and perhaps the name of the series. */
import type { Point } from '../stats/daily-series.js'

export type ParsedSeries =
  { ok: true; series: ReadonlyMap<string, readonly Point[]> } | { ok: false; line: number; problem: string }

const ONLY = 'value'

/**
 * `time,value[,series]`, a header line or none. The time is ISO 8601 or milliseconds since 1970 (seconds, where the number
 * is below 1e11). Values must be above 0: what is followed is their ratio.
 */
export function parseSeries(text: string): ParsedSeries {
  const series = new Map<string, Point[]>()
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue
    const [time = '', amount = '', name = ONLY] = line
      .split(/[,;\t]/)
      .map((part) => part.trim().replace(/^"(.*)"$/, '$1'))
    const atMs = timeOf(time)
    const value = amount === '' ? NaN : Number(amount)
    if (i === 0 && atMs === null && Number.isNaN(value)) continue
    if (atMs === null)
      return {
        ok: false,
        line: i + 1,
        problem: `'${time.slice(0, 40)}' is no time: ISO 8601 or milliseconds since 1970`,
      }
    if (!(value > 0) || !Number.isFinite(value))
      return { ok: false, line: i + 1, problem: `'${amount.slice(0, 40)}' is no value above 0` }
    const own = series.get(name)
    if (own === undefined) series.set(name, [{ atMs, value }])
    else own.push({ atMs, value })
  }
  if (series.size === 0) return { ok: false, line: 1, problem: 'there is no line of the form time,value' }
  return { ok: true, series }
}

const SECONDS_BELOW = 1e11

function timeOf(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const number = Number(text)
    return number < SECONDS_BELOW ? number * 1000 : number
  }
  const parsed = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(parsed) ? null : parsed
}
