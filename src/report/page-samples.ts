/** The samples of a run as they are: distributions of each cell, the run over time with its failures, load delivered. */
import type { Sample } from '../sample/sample.js'
import { counts } from '../sample/counts.js'
import type { SummaryRow } from '../snapshot/snapshot.js'
import { median } from '../stats/quantile.js'
import { figure, interval, percent, plural, whole } from './numbers.js'
import type { Block } from './page.js'
import { contentionPlot, plotOf, block } from './page-curves.js'
import { sideName, type Side, type Subject } from './page-subject.js'
import { extent, lengthAxis, seriesOf, timeAxis, type Axis, type Plot, type Tone } from './plot.js'
import type { Strip } from './plot-strips.js'
import { cacheLabel, failures, inReadingOrder, loadLabel } from './summary-cells.js'
import { left, right, type Table } from './table.js'

const TONES: readonly Tone[] = [0, 1, 2, 3, 4, 5]
const toneOf = (i: number): Tone => TONES[i % TONES.length]!

const rowsOf = ({ snapshot, target }: Side): readonly SummaryRow[] =>
  snapshot.summary.filter((row) => row.target === target)
const probesOf = (sides: readonly Side[]): string[] =>
  [...new Set(sides.flatMap((side) => rowsOf(side).map(({ probe }) => probe)))].sort()

/** One block of strips a probe: TTFT of each cell. */
export function distributionBlocks({ sides }: Subject): Block[] {
  return probesOf(sides).flatMap((probe, i): Block[] => {
    const own = sides
      .flatMap((side) => rowsOf(side).map((row) => ({ side, row })))
      .filter(({ row }) => row.probe === probe)
    const cells = inReadingOrder([...new Map(own.map(({ row }) => [row.cell, row])).values()])
    const labels = labelsOf(cells)
    const found = cells.flatMap((cell) =>
      sides.flatMap((side) => {
        const row = rowsOf(side).find((each) => each.cell === cell.cell)
        const values = side.samples.filter((sample) => sample.cell === cell.cell).flatMap(timesOf)
        if (row === undefined || values.length === 0) return []
        const which = sides.length < 2 ? '' : side.isBase ? ', base' : ', candidate'
        return [{ row, label: `${labels.get(cell.cell) ?? cell.cell}${which}`, side, values }]
      }),
    )
    if (found.length === 0) return []
    const strips = found.map(({ label, side, values }): Strip => ({
      label,
      tone: toneOf(i),
      isBase: side.isBase,
      values,
    }))
    return [
      {
        kind: 'strips',
        strips: {
          title: `${probe}: time to first token`,
          caption: 'Dots: samples. Box: the middle half. Upright: the median.',
          x: logAxis(
            'ms to first token',
            found.flatMap(({ values }) => values),
          ),
          strips,
        },
        table: quantileTable(found),
      },
    ]
  })
}

const timesOf = (sample: Sample): number[] =>
  counts(sample) && sample.ttft !== null && sample.ttft > 0 ? [sample.ttft] : []

function logAxis(label: string, values: readonly number[]): Axis {
  const [least, most] = extent(values)
  return { label, scale: 'log', format: 'number', from: least / 1.1, to: most * 1.1 }
}

/** What differs between the cells of a probe; all of it where nothing does. */
function labelsOf(cells: readonly SummaryRow[]): Map<string, string> {
  const parts = cells.map((row) => [
    `${whole(row.promptTokens)} in`,
    `${whole(row.outputTokens)} out`,
    cacheLabel(row),
    loadLabel(row),
  ])
  const varies = [0, 1, 2, 3].filter((at) => new Set(parts.map((each) => each[at])).size > 1)
  const shown = varies.length === 0 ? [0, 1, 2, 3] : varies
  return new Map(cells.map(({ cell }, i) => [cell, shown.map((at) => parts[i]![at]).join(', ')]))
}

function quantileTable(found: readonly { row: SummaryRow; label: string }[]): Table {
  const rows = found.map(({ row, label }) => [
    left(label),
    right(whole(row.n)),
    right(figure(row.ttft?.p50)),
    left(interval(row.ttft?.p50Low, row.ttft?.p50High)),
    right(figure(row.ttft?.p90)),
    right(figure(row.ttft?.p99)),
    right(figure(row.tpot?.p50)),
    left(failures(row)),
  ])
  const head = [
    left('cell'),
    right('n'),
    right('TTFT ms'),
    left('95 %'),
    right('p90'),
    right('p99'),
    right('ms/token'),
    left('failed'),
  ]
  return withoutEmpty({ title: 'each cell', head, rows })
}

export function withoutEmpty({ title, head, rows }: Table): Table {
  const isTold = head.map((_, i) => rows.some((row) => !['', '—'].includes(row[i]?.text ?? '')))
  const of = <T>(cells: readonly T[]): T[] => cells.filter((_, i) => isTold[i])
  return { title, head: of(head), rows: rows.map(of) }
}

/** What the target did under load: decode of each, and tokens a second of all. */
export function loadBlocks(subject: Subject): Block[] {
  const { sides } = subject
  return [
    ...block(contentionPlot(subject, 'tpot'), null),
    ...block(throughputPlot(subject), loadTable(sides)),
  ]
}

const isLoaded = (row: SummaryRow): boolean => row.rate !== null || (row.concurrency ?? 1) > 1

function loadedRows(side: Side): SummaryRow[] {
  const probes = new Set(
    rowsOf(side)
      .filter(isLoaded)
      .map(({ probe }) => probe),
  )
  return inReadingOrder(rowsOf(side).filter(({ probe }) => probes.has(probe)))
}

function throughputPlot(subject: Subject): Plot | null {
  const sides = subject.sides.map((side) => ({
    side,
    rows: loadedRows(side).filter(({ rate }) => rate === null),
  }))
  const all = sides.flatMap(({ rows }) => rows)
  if (new Set(all.map(({ concurrency }) => concurrency)).size < 2) return null
  const series = sides.flatMap(({ side, rows }) => {
    const points = rows.flatMap(({ concurrency, outputTokensPerS }) =>
      outputTokensPerS === null ? [] : [[concurrency ?? 1, outputTokensPerS] as const],
    )
    return [
      seriesOf(sideName('all requests', side, subject), 4, { isBase: side.isBase, points, line: points }),
    ]
  })
  const x = lengthAxis(
    'requests in flight',
    all.map(({ concurrency }) => concurrency ?? 1),
  )
  return plotOf(
    'Throughput of all requests together',
    'output tokens a second',
    x,
    series,
    'Points: cells; the line joins them.',
  )
}

function loadTable(sides: readonly Side[]): Table {
  const rows = sides.flatMap((side) =>
    loadedRows(side).map((row) => [
      left(sides.length < 2 ? '' : side.isBase ? 'base' : 'candidate'),
      left(loadLabel(row)),
      right(figure(row.requestsPerS)),
      right(figure(row.outputTokensPerS)),
      right(figure(row.ttft?.p50)),
      right(figure(row.tpot?.p50)),
      right(row.goodput === undefined ? '' : percent(row.goodput)),
      left(failures(row)),
    ]),
  )
  const head = [
    left('of'),
    left('load'),
    right('req/s'),
    right('tok/s'),
    right('TTFT ms'),
    right('ms/token'),
    right('goodput'),
    left('failed'),
  ]
  return withoutEmpty({ title: 'by load', head, rows })
}

/** Every request of a run in order of its start. */
export function timelineBlocks(side: Side): Block[] {
  const { samples } = side
  const timedSamples = samples.filter(({ outcome, ttft }) => outcome === 'ok' && ttft !== null && ttft > 0)
  if (samples.length === 0) return []
  const probes = [...new Set(timedSamples.map(({ probe }) => probe))].sort()
  const failed = samples.filter(({ outcome }) => outcome !== 'ok')
  const retried = timedSamples.filter(({ attempt }) => attempt > 1)
  const point = ({ atMs, ttft }: Sample): readonly [number, number] => [atMs / 1000, ttft!]
  const end = Math.max(...samples.map(({ atMs, e2e }) => (atMs + (e2e ?? 0)) / 1000), 0.001)
  const series = [
    ...probes.map((probe, i) =>
      seriesOf(probe, toneOf(i), {
        points: timedSamples.filter((sample) => sample.probe === probe && sample.attempt === 1).map(point),
      }),
    ),
    ...(retried.length === 0
      ? []
      : [seriesOf('second and later tries', 'plain', { points: retried.map(point) })]),
    ...(failed.length === 0
      ? []
      : [seriesOf('failed', 'bad', { ticks: failed.map(({ atMs }) => atMs / 1000) })]),
  ]
  const values = timedSamples.map(({ ttft }) => ttft!)
  const [least, most] = extent(values)
  const y: Axis =
    least > 0 && most / least > 8
      ? logAxis('ms to first token', values)
      : timeAxis('ms to first token', values)
  const plot: Plot = {
    title: 'Every request, in order of its start',
    caption: 'Points: time to first token, warm-up and priming included. Ticks at the foot: failures.',
    x: { label: 'since the first request', scale: 'linear', format: 'span', from: 0, to: end },
    y,
    series,
    marks: [],
  }
  return [
    { kind: 'plot', plot, isWide: true, table: thirdsTable(samples, end) },
    ...(failed.length === 0 ? [] : [{ kind: 'table' as const, table: failureTable(failed) }]),
  ]
}

/** A drift within the run shows in thirds of it. */
function thirdsTable(samples: readonly Sample[], endS: number): Table {
  const rows = ['first third', 'second third', 'last third'].map((name, i) => {
    const own = samples.filter(({ atMs }) => Math.min(2, Math.floor((3 * atMs) / 1000 / endS)) === i)
    const times = own.flatMap(timesOf)
    return [
      left(name),
      right(whole(own.length)),
      right(whole(own.filter(({ outcome }) => outcome !== 'ok').length)),
      right(whole(own.filter(({ attempt }) => attempt > 1).length)),
      right(times.length === 0 ? '—' : figure(median(times))),
    ]
  })
  const head = [
    left('of the run'),
    right('requests'),
    right('failed'),
    right('retries'),
    right('median TTFT ms'),
  ]
  return { title: 'the run in thirds', head, rows }
}

const MOST_KINDS = 12

function failureTable(failed: readonly Sample[]): Table {
  const groups = new Map<string, Sample[]>()
  for (const sample of failed) {
    const key = `${sample.outcome} ${sample.status ?? ''} ${sample.detail ?? ''}`
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  const largest = [...groups.values()].sort((a, b) => b.length - a.length)
  const rows = largest.slice(0, MOST_KINDS).map((group) => {
    const { outcome, status, detail } = group[0]!
    return [
      right(whole(group.length)),
      left(outcome),
      left(status === null ? '' : String(status)),
      left(detail ?? ''),
    ]
  })
  const more =
    largest.length > MOST_KINDS ? `; the ${MOST_KINDS} most frequent of ${largest.length} kinds` : ''
  const head = [right('count'), left('outcome'), left('status'), left('what happened')]
  return withoutEmpty({ title: `${plural(failed.length, 'failure')}${more}`, head, rows })
}
