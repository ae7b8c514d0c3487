/** One robust fit with its intervals: what every law is made with. */
import type { Random } from '../random/random.js'
import { blockBootstrap, type Interval } from '../stats/block-bootstrap.js'
import type { FitRows } from '../stats/log-design.js'
import { logFitter, type LogFit } from '../stats/log-fit.js'
import type { FitOptions, LogMethod } from '../stats/log-rounds.js'
import { quantiles } from '../stats/quantile.js'
import { blockMeans, serialCorrelation, stretchInterval } from '../stats/serial-correlation.js'
import type { Curve, Parameter, ParameterUnit } from './curve.js'
import type { Timed } from './rows.js'

export interface Resamples {
  random: Random
  resamples: number
}

export interface Column {
  /** Name of the parameter. */
  name: string
  unit: ParameterUnit
  of: (row: Timed) => number
  /** Turns the fitted number (milliseconds a unit of the column) into `unit`. @default 1 */
  factor?: number
  /** Whether a row says anything of the parameter, given all the others. @default where the column is not 0 */
  told?: (row: Timed) => boolean
  /** A level of all blocks, widened for their serial correlation; else a contrast inside each block. */
  level?: boolean
}

export interface Estimate {
  parameters: Record<string, Parameter>
  fit: LogFit
  blocks: number
}

/** The fit alone: null when the columns do not determine it. */
export function fitColumns(
  rows: readonly Timed[],
  columns: readonly Column[],
  method: LogMethod,
): LogFit | null {
  return logFitter(toFitRows(rows, columns), method).fit()
}

/** Parameters with 95 % intervals. Null when the columns do not determine them or there is only one block. */
export function estimate(
  rows: readonly Timed[],
  columns: readonly Column[],
  method: LogMethod,
  { random, resamples }: Resamples,
): Estimate | null {
  const fitter = logFitter(toFitRows(rows, columns), method)
  const fit = fitter.fit()
  if (fit === null) return null
  const blocks = rows.map(({ block }) => block)
  const start = restart(fit)
  const informed = columns.map(
    ({ of, told = (row: Timed) => of(row) !== 0 }) =>
      new Set(rows.filter(told).map(({ block }) => block)).size,
  )
  const bootstrap = blockBootstrap({
    blocks,
    random,
    resamples,
    fit: (weights) => fitter.parameters(weights, start),
    informed,
  })
  if (bootstrap === null) return null
  const { intervals, blockCount } = bootstrap
  const serial = serialCorrelation(blockMeans(fit.residuals, blocks))
  const parameters: Record<string, Parameter> = {}
  for (const [j, column] of columns.entries()) {
    const value = fit.parameters[j]!
    const interval = intervals[j]!
    const known = toParameter(
      value,
      column.level === true ? stretchInterval(interval, value, serial, blockCount) : interval,
      column,
      fit.bounded[j]!,
    )
    parameters[column.name] = informed[j]! < blockCount ? { ...known, blocks: informed[j] } : known
  }
  return { parameters, fit, blocks: blockCount }
}

/** Where a resample starts: at the estimate, with its scale kept (STATISTICS: 15 rounds are enough). */
export function restart(fit: LogFit): FitOptions {
  return { start: fit.parameters, scale: fit.scale, rounds: 15 }
}

/** No parameter can be negative, so neither can its limits. */
export function toParameter(
  value: number,
  { low, high, se }: Interval,
  { unit, factor = 1 }: Pick<Column, 'unit' | 'factor'>,
  bounded: boolean,
): Parameter {
  return {
    value: value * factor,
    low: Math.max(0, low) * factor,
    high: Math.max(0, high) * factor,
    se: se * factor,
    unit,
    ...(bounded && { bounded }),
  }
}

export function toFitRows(rows: readonly Timed[], columns: readonly Column[]): FitRows {
  return {
    columns: columns.map(({ of }) => Float64Array.from(rows, of)),
    y: Float64Array.from(rows, ({ ms }) => ms),
    cells: rows.map(({ cell }) => cell),
  }
}

/** ln(observed ÷ predicted) of any rows under given parameters; a prediction is at least a hundredth of the observed. */
export function residualsOf(
  rows: readonly Timed[],
  columns: readonly Column[],
  parameters: readonly number[],
): Float64Array {
  return Float64Array.from(rows, (row) => {
    const predicted = columns.reduce((sum, { of }, j) => sum + of(row) * parameters[j]!, 0)
    return Math.log(row.ms / Math.max(row.ms / 100, predicted))
  })
}

const PERCENTS = Array.from({ length: 99 }, (_, i) => (i + 1) / 100)

/** ln(observed ÷ predicted) summed up as it stands in a curve. */
export function residualOf(residuals: Float64Array): Curve['residual'] {
  const mean = residuals.reduce((sum, r) => sum + r, 0) / residuals.length
  const square = residuals.reduce((sum, r) => sum + (r - mean) ** 2, 0)
  return {
    quantiles: quantiles(residuals, PERCENTS),
    sd: Math.sqrt(square / Math.max(1, residuals.length - 1)),
  }
}
