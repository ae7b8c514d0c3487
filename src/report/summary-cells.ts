/** The cells of a probe as a table, and how a cell is called. */
import type { SummaryRow } from '../snapshot/snapshot.js'
import { figure, interval, whole } from './numbers.js'
import { left, right, type Cell, type Table } from './table.js'

/** Cells are visited in random order; a reader wants lengths and loads to rise. */
export function inReadingOrder(rows: readonly SummaryRow[]): SummaryRow[] {
  const keys = (row: SummaryRow): number[] => [
    row.promptTokens,
    row.prefixTokens,
    row.outputTokens,
    row.concurrency ?? 0,
    row.rate ?? 0,
  ]
  return [...rows].sort((a, b) => {
    const [x, y] = [keys(a), keys(b)]
    const i = x.findIndex((value, index) => value !== y[index])
    return i === -1 ? a.cell.localeCompare(b.cell) : x[i]! - y[i]!
  })
}

/** Columns that say the same in every row go into the title. */
export function tableOf(probe: string, rows: readonly SummaryRow[]): Table {
  const columns: { head: Cell; cell: (row: SummaryRow) => Cell; fixed?: string }[] = [
    { head: right('prompt'), cell: (row) => right(whole(row.promptTokens)), fixed: 'prompt tokens' },
    { head: left('cache'), cell: (row) => left(cacheLabel(row)), fixed: 'cache' },
    { head: right('out'), cell: (row) => right(whole(row.outputTokens)), fixed: 'output tokens' },
    { head: left('load'), cell: (row) => left(loadLabel(row)), fixed: '' },
    { head: right('n'), cell: (row) => right(String(row.n)) },
    { head: right('TTFT ms'), cell: (row) => right(figure(row.ttft?.p50)) },
    { head: left('95 %'), cell: (row) => left(interval(row.ttft?.p50Low, row.ttft?.p50High)) },
    { head: right('p90'), cell: (row) => right(row.ttft?.p90 == null ? '' : figure(row.ttft.p90)) },
    { head: right('p99'), cell: (row) => right(row.ttft?.p99 == null ? '' : figure(row.ttft.p99)) },
    { head: right('ms/token'), cell: (row) => right(figure(row.tpot?.p50)) },
    { head: right('req/s'), cell: (row) => right(figure(row.requestsPerS)) },
    { head: right('tok/s'), cell: (row) => right(figure(row.outputTokensPerS)) },
    { head: left('failed'), cell: (row) => left(failures(row)) },
  ]
  const texts = (column: (typeof columns)[number]): string[] => rows.map((row) => column.cell(row).text)
  const isSame = (column: (typeof columns)[number]): boolean =>
    column.fixed !== undefined && rows.length > 1 && new Set(texts(column)).size === 1
  const fixed = columns.filter(isSame).map((column) => `${column.fixed} ${texts(column)[0]}`.trim())
  const shown = columns.filter(
    (column) =>
      !isSame(column) &&
      (column.fixed !== undefined || texts(column).some((text) => text !== '' && text !== '—')),
  )
  return {
    title: [probe, ...fixed].join(', '),
    head: shown.map((column) => column.head),
    rows: rows.map((row) => shown.map((column) => column.cell(row))),
  }
}

export function cacheLabel({ cache, prefixTokens }: SummaryRow): string {
  return cache === 'warm' ? `warm ${whole(prefixTokens)}` : cache
}

export function loadLabel({ concurrency, rate: perS, connection, cell, arrivals }: SummaryRow): string {
  const load =
    perS === null
      ? `${concurrency ?? 1} in flight`
      : `${perS}/s ${arrivals ?? (cell.includes('/poisson') ? 'poisson' : 'constant')}`
  return connection === 'new' ? `${load}, new conn.` : load
}

export function failures({ errors }: SummaryRow): string {
  return Object.entries(errors)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ')
}
