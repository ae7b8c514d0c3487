/** What a scenario expects of a run, held against its samples, curves and summary. */
import { prefillRate } from '../curve/prefill-rate.js'
import { counts } from '../sample/counts.js'
import type { Sample } from '../sample/sample.js'
import type { Comparison, Expectation, Statistic, Where } from '../scenario/expectation.js'
import type { Snapshot, SummaryRow } from '../snapshot/snapshot.js'
import { quantile } from '../stats/quantile.js'
import { leastSamples } from '../stats/quantile-interval.js'
import { OURS } from './error-effect.js'
import { isSampleMetric, valueOf, type SampleMetric } from './sample-metric.js'

export interface ExpectationResult {
  /** As written in the scenario. */
  text: string
  /** Null: cannot be judged (no baseline yet, samples not kept), and `why` says which. What was not measured is not met. */
  met: boolean | null
  /** In milliseconds, tokens or requests per second, or a share from 0 to 1: by metric. */
  observed: number | null
  /** The same figure of the baseline, where it is held against one. */
  reference: number | null
  /** Samples behind it; cells or curves for a figure of theirs. */
  n: number
  why: string | null
}

/** `baseline`: the snapshot that `within … of baseline` is held against. */
export function evaluateExpectations(
  expectations: readonly Expectation[],
  snapshot: Snapshot,
  baseline?: Snapshot,
): ExpectationResult[] {
  return expectations.map((expectation) =>
    expectation.kind === 'limit'
      ? againstLimit(expectation, snapshot)
      : againstBaseline(expectation, snapshot, baseline),
  )
}

type Limit = Extract<Expectation, { kind: 'limit' }>
type Distance = Extract<Expectation, { kind: 'baseline' }>

function againstLimit(expectation: Limit, snapshot: Snapshot): ExpectationResult {
  const { text, comparison, value } = expectation
  // Of several cells or curves the worst decides.
  const figure = figureOf(expectation, snapshot, comparison.startsWith('<') ? 'most' : 'least')
  const met =
    figure.value === null ? (figure.unjudged ? null : false) : holds(figure.value, comparison, value)
  return { text, met, observed: figure.value, reference: null, n: figure.n, why: figure.why }
}

function againstBaseline(
  expectation: Distance,
  snapshot: Snapshot,
  baseline: Snapshot | undefined,
): ExpectationResult {
  const { text, metric, within } = expectation
  const figure = figureOf(expectation, snapshot, 'most')
  const result = { text, observed: figure.value, reference: null, n: figure.n }
  if (baseline === undefined)
    return { ...result, met: null, why: 'there is no baseline: plumbline accept makes one' }
  const name = metric.split('.')[0]!
  const [ours, theirs] = [snapshot, baseline].map(({ provenance }) => provenance.definitions[name])
  if (ours !== theirs) return { ...result, met: null, why: `${name} meant something else in the baseline` }
  const reference = figureOf(expectation, baseline, 'most')
  if (reference.value === null) return { ...result, met: null, why: `in the baseline: ${reference.why}` }
  if (figure.value === null) {
    return { ...result, reference: reference.value, met: figure.unjudged ? null : false, why: figure.why }
  }
  const met = Math.abs(figure.value - reference.value) <= within * reference.value
  return { ...result, reference: reference.value, met, why: figure.why }
}

function holds(observed: number, comparison: Comparison, limit: number): boolean {
  switch (comparison) {
    case '<':
      return observed < limit
    case '<=':
      return observed <= limit
    case '>':
      return observed > limit
    case '>=':
      return observed >= limit
  }
}

interface Figure {
  value: number | null
  n: number
  /** Why there is no value, or what is to be thought of it. */
  why: string | null
  /** No value for a reason that says nothing of the target. */
  unjudged: boolean
}

const none = (why: string, unjudged = false): Figure => ({ value: null, n: 0, why, unjudged })

function figureOf(
  { metric, where, statistic }: Expectation,
  snapshot: Snapshot,
  worst: 'least' | 'most',
): Figure {
  if (statistic !== null && isSampleMetric(metric)) return statisticOf(metric, where, statistic, snapshot)
  const rows = snapshot.summary.filter((row) => matches(row, row, where))
  switch (metric) {
    case 'errors':
      return errorShare(rows)
    case 'requestsPerS':
    case 'outputTokensPerS':
      return worstOf(
        rows.map((row) => row[metric]),
        worst,
        'cells',
      )
    case 'prefillRate':
      return worstOf(
        snapshot.curves
          .filter(({ law, target }) => law === 'prefill' && (where.target ?? target) === target)
          .map((curve) => prefillRate(curve)?.value ?? null),
        worst,
        'prefill curves',
      )
    case 'goodput':
      if (rows.length > 0 && rows.every((row) => row.goodput === undefined))
        return none('no cell was held against limits: give its probe limits', true)
      return worstOf(
        rows.map((row) => row.goodput ?? null),
        worst,
        'cells that were held against limits',
      )
    default:
      return none(`${metric} is not measured by this version`, true)
  }
}

function statisticOf(
  metric: SampleMetric,
  where: Where,
  statistic: Statistic,
  { samples, summary }: Snapshot,
): Figure {
  if (samples.length === 0 && summary.length > 0) return none('the samples were not kept', true)
  const values = samples
    .filter((sample) => counts(sample) && matches(sample, sample.asked, where) && isMeasured(sample, metric))
    .flatMap((sample) => valueOf(sample, metric) ?? [])
  if (values.length === 0) return none('no successful sample matches')
  return {
    value: apply(statistic, values),
    n: values.length,
    why: roughness(statistic, values.length),
    unjudged: false,
  }
}

/** A reused connection was not set up: its zeros are no measurement. */
function isMeasured({ reused }: Sample, metric: SampleMetric): boolean {
  return !reused || (metric !== 'dns' && metric !== 'connect' && metric !== 'tls')
}

function apply(statistic: Statistic, values: readonly number[]): number {
  switch (statistic.kind) {
    case 'quantile':
      return quantile(values, statistic.quantile)
    case 'mean':
      return values.reduce((sum, value) => sum + value, 0) / values.length
    case 'min':
      return values.reduce((a, b) => Math.min(a, b))
    case 'max':
      return values.reduce((a, b) => Math.max(a, b))
  }
}

function roughness(statistic: Statistic, n: number): string | null {
  if (statistic.kind !== 'quantile') return null
  const least = leastSamples(statistic.quantile)
  return n >= least
    ? null
    : `rough: ${n} samples, and p${Math.round(100 * statistic.quantile)} takes ${least}`
}

function errorShare(rows: readonly SummaryRow[]): Figure {
  let failed = 0
  let total = 0
  for (const { cacheStates, errors } of rows) {
    total += cacheStates.confirmed + cacheStates.contradicted + cacheStates.unverified
    for (const [kind, count] of Object.entries(errors)) {
      if (OURS.has(kind)) continue
      failed += count
      total += count
    }
  }
  return total === 0
    ? none('no request matches')
    : { value: failed / total, n: total, why: null, unjudged: false }
}

function worstOf(figures: readonly (number | null)[], worst: 'least' | 'most', of: string): Figure {
  const values = figures.filter((value) => value !== null)
  if (values.length === 0) return none(`no ${of} match`)
  const value = worst === 'least' ? Math.min(...values) : Math.max(...values)
  const why = values.length > 1 ? `the worst of ${values.length} ${of}` : null
  return { value, n: values.length, why, unjudged: false }
}

type Asked = Pick<
  SummaryRow,
  'promptTokens' | 'prefixTokens' | 'outputTokens' | 'cache' | 'concurrency' | 'rate' | 'connection'
>

function matches(
  of: Pick<SummaryRow, 'target' | 'probe'>,
  asked: Asked,
  { target, probe, ...rest }: Where,
): boolean {
  if ((target ?? of.target) !== of.target || (probe ?? of.probe) !== of.probe) return false
  const have = new Map<string, unknown>(Object.entries(asked))
  return Object.entries(rest).every(([key, value]) => have.get(key) === value)
}
