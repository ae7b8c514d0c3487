/** The laws of a target as plots: samples as points, the fitted law as a line, what holds single requests as a band. */
import type { Shift } from '../compare/comparison.js'
import type { Curve, Parameter } from '../curve/curve.js'
import { predict, type Prediction } from '../curve/predict.js'
import { timed, type Row, type Timed } from '../curve/rows.js'
import { median, quantile } from '../stats/quantile.js'
import { change, verdictTone } from './comparison.js'
import { figure, interval, whole, UNITS } from './numbers.js'
import type { Block } from './page.js'
import { sideName, type Subject } from './page-subject.js'
import { along, extent, lengthAxis, seriesOf, timeAxis, type Plot, type Series } from './plot.js'
import { left, right, type Cell, type Table } from './table.js'

const BAND = 'Line: the fitted law. Band: holds 95 % of single requests.'
const STEPS = 32

/** Prefill, decode and contention, as far as they were measured. */
export function curveBlocks(subject: Subject): Block[] {
  const of = (plot: Plot | null, law: Curve['law']): Block[] =>
    plot === null
      ? []
      : [
          {
            kind: 'plot',
            plot,
            isWide: false,
            table: parameterTable(subject, law),
            flags: flagsOf(subject, law),
          },
        ]
  return [
    of(prefillPlot(subject), 'prefill'),
    of(decodePlot(subject), 'decode'),
    of(contentionPlot(subject, 'ttft'), 'contention'),
  ].flat()
}

/** The same plots for a terminal. */
export function curvePlots(subject: Subject): Plot[] {
  return [prefillPlot(subject), decodePlot(subject), contentionPlot(subject, 'ttft')].flatMap(
    (plot) => plot ?? [],
  )
}

export function block(plot: Plot | null, table: Table | null): Block[] {
  return plot === null ? [] : [{ kind: 'plot', plot, isWide: false, table }]
}

const alone = (rows: readonly Row[], metric: 'ttft' | 'tpot'): Timed[] =>
  timed(rows, metric).filter(({ concurrency }) => concurrency === 1)
const promptOf = ({ fresh, cached }: Row): number => fresh + cached

function prefillPlot(subject: Subject): Plot | null {
  const sides = subject.sides.map((side) => ({ side, rows: alone(side.rows, 'ttft') }))
  const all = sides.flatMap(({ rows }) => rows)
  if (all.length === 0) return null
  const x = lengthAxis('prompt tokens', all.map(promptOf))
  const series = sides.flatMap(({ side, rows }) =>
    [false, true].flatMap((isWarm) => {
      const own = rows.filter(({ warm }) => warm === isWarm)
      if (own.length === 0) return []
      const suffix = isWarm ? median(own.map(({ fresh }) => fresh)) : 0
      const ends = extent(own.map(promptOf))
      const law = lawAlong(along(x, ...ends, STEPS), (promptTokens) => {
        const cachedTokens = isWarm ? Math.max(0, promptTokens - suffix) : 0
        return predict(side.curves, { promptTokens, cachedTokens, outputTokens: 1, concurrency: 1 }).ttft
      })
      const points = own.map((row) => [promptOf(row), row.ms] as const)
      const name = isWarm ? 'warm prefix' : 'fresh'
      return [
        seriesOf(sideName(name, side, subject), isWarm ? 1 : 0, { isBase: side.isBase, points, ...law }),
      ]
    }),
  )
  return plotOf('Prefill: time to first token', 'ms to first token', x, series)
}

function decodePlot(subject: Subject): Plot | null {
  const sides = subject.sides.map((side) => ({ side, rows: alone(side.rows, 'tpot') }))
  const all = sides.flatMap(({ rows }) => rows)
  if (all.length === 0) return null
  const x = lengthAxis(
    'tokens of context',
    all.map(({ context }) => context),
  )
  const series = sides.flatMap(({ side, rows }) => {
    if (rows.length === 0) return []
    const ends = extent(rows.map(({ context }) => context))
    const law = lawAlong(along(x, ...ends, STEPS), (promptTokens) => {
      return predict(side.curves, { promptTokens, cachedTokens: 0, outputTokens: 0, concurrency: 1 }).tpot
    })
    const points = rows.map(({ context, ms }) => [context, ms] as const)
    return [seriesOf(sideName('a token', side, subject), 2, { isBase: side.isBase, points, ...law })]
  })
  return plotOf('Decode: time per output token', 'ms a token', x, series)
}

/** The level without others is that of the samples: the curve keeps the slope only. */
export function contentionPlot(subject: Subject, metric: 'ttft' | 'tpot'): Plot | null {
  const sides = subject.sides.map((side) => ({ side, rows: timed(side.contended, metric) }))
  const all = sides.flatMap(({ rows }) => rows)
  if (new Set(all.map(({ concurrency }) => concurrency)).size < 2) return null
  const x = lengthAxis(
    'requests in flight',
    all.map(({ concurrency }) => concurrency),
  )
  const series = sides.flatMap(({ side, rows }) => {
    const curve = side.curves.find(({ law }) => law === 'contention')
    const perPeer = curve?.parameters[metric === 'ttft' ? 'ttftPerPeer' : 'tpotPerPeer']
    const points = rows.map(({ concurrency, ms }) => [concurrency, ms] as const)
    const law = perPeer && rows.length > 0 ? contentionLaw(perPeer, rows) : {}
    const tone = metric === 'ttft' ? 3 : 2
    return [seriesOf(sideName('a request', side, subject), tone, { isBase: side.isBase, points, ...law })]
  })
  const lengths = all.length === 0 ? '' : ` at ${whole(median(all.map(promptOf)))} prompt tokens`
  const what = metric === 'ttft' ? 'ms to first token' : 'ms a token'
  const title = metric === 'ttft' ? 'Contention: what others cost' : 'Contention: decode under load'
  return plotOf(title, what, x, series, `${BAND} Measured${lengths}.`)
}

/** Scatter grows with the load: of requests that start together some wait for others. So each load has a band of its own. */
function contentionLaw(
  { value, low, high }: Parameter,
  rows: readonly Timed[],
): Pick<Series, 'line' | 'band'> {
  const level = median(rows.map(({ ms, concurrency }) => ms - value * (concurrency - 1)))
  const at = [...new Set(rows.map(({ concurrency }) => concurrency))].sort((a, b) => a - b)
  return {
    line: at.map((k) => [k, level + value * (k - 1)] as const),
    band: at.map((k) => {
      const own = rows.filter(({ concurrency }) => concurrency === k)
      const off = own.map(({ ms }) => ms / (level + value * (k - 1)))
      const [least, most] = [quantile(off, 0.025), quantile(off, 0.975)]
      return [k, (level + low * (k - 1)) * least, (level + high * (k - 1)) * most] as const
    }),
  }
}

/** Where the curve falls silent there is no line. */
function lawAlong(at: readonly number[], says: (x: number) => Prediction): Pick<Series, 'line' | 'band'> {
  const known = at.flatMap((x) => {
    const said = says(x)
    return 'outside' in said ? [] : [{ x, ...said }]
  })
  return {
    line: known.map(({ x, ms }) => [x, ms] as const),
    band: known.map(({ x, lowMs, highMs }) => [x, lowMs, highMs] as const),
  }
}

export function plotOf(
  title: string,
  label: string,
  x: Plot['x'],
  series: readonly Series[],
  caption = BAND,
): Plot {
  const y = timeAxis(
    label,
    series.flatMap(({ points }) => points.map(([, ms]) => ms)),
    series.flatMap(({ line }) => line.map(([, ms]) => ms)),
    series.flatMap(({ band }) => band.map(([, , high]) => high)),
  )
  return { title, caption, x, y, series, marks: [] }
}

const WORDS: Readonly<Record<string, string>> = {
  base: 'base: network, gateway',
  fresh: 'a fresh token',
  hit: 'a cached token',
  curve: 'bend',
  step: 'a token of output',
  perContext: 'for a token of context',
  ttftPerPeer: 'first token, a peer',
  tpotPerPeer: 'each token, a peer',
}

/** The parameters of a law that shifted, by a verdict that is tested. */
function flagsOf({ sides, shifts }: Subject, law: Curve['law']): Cell[] {
  const names = new Set(
    sides.flatMap(({ curves }) => Object.keys(curves.find((curve) => curve.law === law)?.parameters ?? {})),
  )
  return shifts
    .filter(({ kind, name, gated }) => kind === 'parameter' && gated && names.has(name))
    .filter(({ verdict }) => verdict === 'worse' || verdict === 'better')
    .map(({ name, ratio, verdict }) => ({
      ...left(`${name} ${ratio === null ? verdict : change(ratio)}`),
      tone: verdictTone(verdict),
    }))
}

/** Parameters of a law: with their intervals, or base and candidate with the shift between them. */
function parameterTable({ sides, shifts }: Subject, law: Curve['law']): Table | null {
  const curves = sides.map((side) => side.curves.find((curve) => curve.law === law))
  const newest = curves.at(-1) ?? curves[0]
  if (newest === undefined) return null
  const isPair = sides.length > 1
  const rows = Object.entries(newest.parameters).map(([name, parameter]): Cell[] => {
    const word = WORDS[name] ?? name
    const marks = [parameter.bounded ? 'held at 0' : '', parameter.unverified ? 'unverified' : '']
    const unit = [UNITS[parameter.unit].replace(' per token of context', ''), ...marks]
      .filter(Boolean)
      .join(', ')
    if (!isPair)
      return [
        left(word),
        right(figure(parameter.value)),
        left(interval(parameter.low, parameter.high)),
        left(unit),
      ]
    const shift = shifts.find((each) => each.kind === 'parameter' && each.name === name)
    return [
      left(`${word}, ${unit}`),
      right(figure(curves[0]?.parameters[name]?.value)),
      right(figure(curves[1]?.parameters[name]?.value)),
      shiftCell(shift),
    ]
  })
  const head = isPair
    ? [left('what'), right('base'), right('candidate'), left('shift')]
    : [left('what'), right('value'), left('95 %'), left('unit')]
  const { samples, blocks } = newest
  return { title: `${law}: ${whole(samples)} samples in ${whole(blocks)} blocks`, head, rows }
}

function shiftCell(shift: Shift | undefined): Cell {
  if (shift === undefined || shift.ratio === null) return left('—')
  const verdict = shift.gated ? ` ${shift.verdict}` : ''
  return { ...left(`${change(shift.ratio)}${verdict}`), tone: verdictTone(shift.verdict) }
}
