/** Prefill: time to first token over the prompt tokens to compute and those served from the cache. */
import { blockBootstrap } from '../stats/block-bootstrap.js'
import { LAD } from '../stats/lad.js'
import { logFitter, type LogFit } from '../stats/log-fit.js'
import { BEND_LENGTHS, BEND_RATIO, isOneLength, showsBend, spreadOf } from '../stats/spread.js'
import { weightedMedian } from '../stats/weighted-median.js'
import type { Parameter } from './curve.js'
import {
  estimate,
  fitColumns,
  residualOf,
  restart,
  toFitRows,
  toParameter,
  type Column,
  type Estimate,
  type Resamples,
} from './estimate.js'
import type { Fitted, FitOptions } from './law.js'
import { fitFast } from './fast-curve.js'
import { regimesOf, regimeWarning } from './regimes.js'
import { rangeOf, timed, type Row, type Timed } from './rows.js'
import { warningsOf } from './warnings.js'

// Lengths in thousands make the numbers of one size: milliseconds a thousand tokens are µs a token.
const BASE: Column = { name: 'base', unit: 'ms', of: () => 1, level: true }
const FRESH: Column = { name: 'fresh', unit: 'us/token', of: ({ fresh }) => fresh / 1000 }
const HIT: Column = { name: 'hit', unit: 'us/token', of: ({ cached }) => cached / 1000 }
const CURVE: Column = {
  name: 'curve',
  unit: 'us/token^2',
  of: ({ fresh }) => (fresh / 1000) ** 2,
  factor: 1e-3,
}

/**
 * ttft = base + (n − c)·fresh + c·hit [+ curve·(n − c)²] by least absolute deviations on log residuals, from
 * requests made one at a time. Null without any such sample.
 */
export function fitPrefill(all: readonly Row[], options: FitOptions): Fitted | null {
  const rows = timed(all, 'ttft').filter(({ concurrency }) => concurrency === 1)
  if (rows.length === 0) return null
  const proven = rows.filter(({ apart }) => !apart)
  const apart = rows.filter((row) => row.apart)
  const hasHit = proven.some(({ warm }) => warm)
  const linear = hasHit ? [BASE, FRESH, HIT] : [BASE, FRESH]
  const lengths = spreadOf(proven.map(({ fresh }) => fresh))
  if (lengths.count < 2 || placesOf(proven) < linear.length) {
    const message =
      'one prompt length cannot tell the base from the slope: ask for two, better four, far apart'
    return { note: { kind: 'one-length', message } }
  }
  const curvable = showsBend(lengths)
  const found = choose(proven, linear, curvable, options)
  if (found === null) {
    const message = 'no interval can be given: it takes two blocks with the same lengths'
    return { note: { kind: 'one-block', message } }
  }
  const parameters = { ...found.parameters }
  const unverified = !hasHit && apart.length > 0 ? hitApart(proven, apart, found, options) : null
  if (unverified !== null) parameters['hit'] = unverified
  const residual = residualOf(found.fit.residuals)
  const regimes = regimesOf(found.fit.residuals)
  const columns = [...linear, ...(found.parameters['curve'] === undefined ? [] : [CURVE])]
  const fast = regimes === null ? null : fitFast(proven, columns, LAD, found.fit, options)
  const known = unverified === null ? proven : rows
  return {
    parameters,
    residual,
    validity: {
      fresh: rangeOf(known.map(({ fresh }) => fresh)),
      cached: [0, rangeOf(known.map(({ cached }) => cached))[1]],
    },
    samples: known.length,
    blocks: found.blocks,
    regimes: regimes === null ? 1 : 2,
    ...(fast !== null && { fast }),
    warnings: [
      ...(regimes === null ? [] : [regimeWarning(regimes)]),
      ...warningsOf({
        parameters,
        residual,
        blocks: found.blocks,
        ratio: { of: 'prompt lengths', value: lengths.ratio },
      }),
      ...(curvable
        ? []
        : [
            `a curved law cannot be told from a straight one: it takes ${BEND_LENGTHS} lengths over a ratio of ${BEND_RATIO}`,
          ]),
      ...cacheWarnings(proven, apart, hasHit),
    ],
  }
}

/** Different pairs of fresh and cached length, fresh samples and warm ones counted apart. */
function placesOf(rows: readonly Timed[]): number {
  const fresh = rows.filter(({ warm }) => !warm).map((row) => row.fresh)
  const cached = rows.filter(({ warm }) => warm).map((row) => row.cached)
  return spreadOf(fresh).count + spreadOf(cached).count
}

/**
 * The quadratic only where it earns its place: above 0 with its whole interval, and by BIC on the sums of absolute
 * residuals (Laplace likelihood). Engines bend upwards; a line through a bend has a base too low.
 */
function choose(
  rows: readonly Timed[],
  linear: readonly Column[],
  curvable: boolean,
  options: FitOptions,
): Estimate | null {
  const bent = [...linear, bendOf(rows)]
  if (options.curved === true) return estimate(rows, bent, LAD, options)
  if (curvable && options.curved === undefined && gains(rows, linear, bent)) {
    const found = estimate(rows, bent, LAD, options)
    if (found !== null && found.parameters['curve']!.low > 0) return found
  }
  return estimate(rows, linear, LAD, options)
}

/** Shorter ones than this share of the longest lie at the near end of a parabola, whatever its bend. */
const MIDDLE_FROM = 1 / 16

/** The quadratic, told by the blocks that hold a length between the ends: through these any line passes. */
function bendOf(rows: readonly Timed[]): Column {
  const [shortest, longest] = rangeOf(rows.map(({ fresh }) => fresh))
  const isEnd = (fresh: number): boolean =>
    fresh < MIDDLE_FROM * longest || isOneLength(fresh, shortest) || isOneLength(fresh, longest)
  return { ...CURVE, told: ({ fresh }) => !isEnd(fresh) }
}

function gains(rows: readonly Timed[], linear: readonly Column[], bent: readonly Column[]): boolean {
  const line = fitColumns(rows, linear, LAD)
  const parabola = fitColumns(rows, bent, LAD)
  if (line === null || parabola === null || parabola.parameters.at(-1)! <= 0) return false
  const absolute = ({ residuals }: LogFit): number => residuals.reduce((sum, r) => sum + Math.abs(r), 0)
  return 2 * rows.length * Math.log(absolute(line) / absolute(parabola)) > Math.log(rows.length)
}

/**
 * `hit` from warm samples of which the server did not say what it served from the cache: base and fresh come from
 * the others alone, then the weighted median of what is left a cached token, the L1 estimate with the rest held.
 */
function hitApart(
  proven: readonly Timed[],
  apart: readonly Timed[],
  { fit, parameters }: Estimate,
  { random, resamples }: Resamples,
): Parameter | null {
  const columns = parameters['curve'] === undefined ? [BASE, FRESH] : [BASE, FRESH, CURVE]
  const fitter = logFitter(toFitRows(proven, columns), LAD)
  const typical = weightedMedian(
    apart.map(({ ms }) => ms),
    apart.map(() => 1),
  )
  const hitOf = (b: readonly number[], multiplicity: ArrayLike<number>): number => {
    const left = apart.map((row) => {
      const rest = columns.reduce((sum, column, j) => sum + column.of(row) * b[j]!, 0)
      return (row.ms - rest) / HIT.of(row)
    })
    // A log residual moves by cached ÷ predicted for each unit of `hit`.
    return weightedMedian(
      left,
      apart.map((row, i) => (multiplicity[i]! * HIT.of(row)) / Math.max(row.ms, typical)),
    )
  }
  const start = restart(fit)
  const bootstrap = blockBootstrap({
    blocks: [...proven, ...apart].map(({ block }) => block),
    random,
    resamples,
    fit: (weights) => {
      const b = fitter.parameters(weights.subarray(0, proven.length), start)
      if (b === null) return null
      const hit = hitOf(b, weights.subarray(proven.length))
      return Number.isNaN(hit) ? null : [hit]
    },
  })
  const value = hitOf(
    fit.parameters,
    apart.map(() => 1),
  )
  if (bootstrap === null || Number.isNaN(value)) return null
  return { ...toParameter(Math.max(0, value), bootstrap.intervals[0]!, HIT, value < 0), unverified: true }
}

function cacheWarnings(proven: readonly Timed[], apart: readonly Timed[], hasHit: boolean): string[] {
  const warnings: string[] = []
  const unverified = proven.filter((row) => row.unverified).length
  if (unverified > 0) {
    const share = Math.round((100 * unverified) / proven.length)
    warnings.push(
      `${share} % of the samples are taken as fresh without proof: the server reports no cached tokens`,
    )
  }
  if (apart.length > 0) {
    warnings.push(
      hasHit
        ? `${apart.length} warm samples without a reported cache count are left out`
        : `hit is unverified: the server does not report what it served from the cache`,
    )
  }
  return warnings
}
