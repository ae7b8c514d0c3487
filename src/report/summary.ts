/** The model of a run's summary: what is to be said of a snapshot, in the order in which people ask. */
import type { Curve, Parameter } from '../curve/curve.js'
import type { InstrumentReport } from '../instrument/report.js'
import type { Gauge, ServerMetrics } from '../metrics/server-metrics.js'
import type { Sample } from '../sample/sample.js'
import type { Snapshot, SnapshotTarget, SummaryRow } from '../snapshot/snapshot.js'
import { curvePlots } from './page-curves.js'
import { subjectsOf, type Subject } from './page-subject.js'
import type { Plot } from './plot.js'
import { inReadingOrder, tableOf } from './summary-cells.js'
import { bufferWarnings, cacheWarnings, loadWarnings } from './summary-warnings.js'
import type { Table } from './table.js'
import { duration, figure, interval, money, percent, plural, whole, UNITS } from './numbers.js'

export interface TargetSummary {
  name: string
  about: string
  tables: readonly Table[]
  /** What the server's own metrics said; null where they were not read. */
  server: string | null
  /** One line a curve. */
  curves: readonly { law: string; text: string }[]
  /** The same as pictures, with the samples. */
  plots: readonly Plot[]
  warnings: readonly string[]
}

export interface Summary {
  title: string
  /** Requests, failures, money. */
  spent: string
  targets: readonly TargetSummary[]
  instrument: string
  notes: readonly string[]
}

export function summaryOf(snapshot: Snapshot): Summary {
  const subjects = subjectsOf(snapshot)
  const elapsed = duration(Date.parse(snapshot.endedAt) - Date.parse(snapshot.startedAt))
  const partial = snapshot.partial ? `, PARTIAL (${snapshot.partialReason ?? 'no reason recorded'})` : ''
  return {
    title: `${snapshot.scenario.name}, run ${snapshot.id}, ${elapsed}${partial}`,
    spent: spentOf(snapshot),
    targets: snapshot.targets.map((target, i) => targetSummary(target, snapshot, subjects[i])),
    instrument: instrumentLine(snapshot.instrument),
    notes: [...snapshot.instrument.warnings, ...snapshot.notes],
  }
}

function spentOf(snapshot: Snapshot): string {
  const { spent } = snapshot
  const { untimed, failed } = countsOf(snapshot)
  const parts = [
    `${plural(spent.requests, 'request')}${untimed === 0 ? '' : ` (${whole(untimed)} untimed: warm-up and priming)`}`,
    failed === 0 ? 'none failed' : `${failed} FAILED`,
    `${whole(spent.promptTokens)} prompt and ${whole(spent.outputTokens)} output tokens`,
  ]
  if (spent.cost !== null) parts.push(`${money(spent.cost)}${costByProbe(spent)}`)
  return parts.join(', ')
}

/** The dearest first; what a probe cost nothing is not named. */
function costByProbe({ probes = {} }: Snapshot['spent']): string {
  const paid = Object.entries(probes).flatMap(([probe, { cost }]) =>
    cost === null || cost.amount === 0 ? [] : [{ probe, cost }],
  )
  if (paid.length < 2) return ''
  const sorted = paid.sort((a, b) => b.cost.amount - a.cost.amount)
  return ` (${sorted.map(({ probe, cost }) => `${probe} ${money(cost)}`).join(', ')})`
}

/** From the samples; where only the summary was kept, failures of untimed requests are not known any more. */
function countsOf({ samples, spent, summary }: Snapshot): { untimed: number; failed: number } {
  if (samples.length > 0) {
    const isOk = (sample: Sample): boolean => sample.outcome === 'ok'
    return {
      untimed: samples.filter((sample) => sample.warmup && isOk(sample)).length,
      failed: samples.filter((sample) => !isOk(sample)).length,
    }
  }
  const sum = (of: (row: SummaryRow) => number): number => summary.reduce((total, row) => total + of(row), 0)
  const failed = sum(({ errors }) => Object.values(errors).reduce((total, count) => total + count, 0))
  const measured = sum(
    ({ cacheStates: states }) => states.confirmed + states.contradicted + states.unverified,
  )
  return { untimed: Math.max(0, spent.requests - failed - measured), failed }
}

function targetSummary(
  target: SnapshotTarget,
  snapshot: Snapshot,
  subject: Subject | undefined,
): TargetSummary {
  const rows = snapshot.summary.filter((row) => row.target === target.name)
  const curves = snapshot.curves.filter((curve) => curve.target === target.name)
  const probes = [...new Set(rows.map((row) => row.probe))].sort()
  const at = target.region === undefined ? '' : `, ${target.region}`
  return {
    name: target.name,
    about: `${target.model} at ${target.baseUrl} (${target.provider}, ${target.protocol}${at}; ${tokenizerNote(target)})`,
    tables: probes.map((probe) => tableOf(probe, inReadingOrder(rows.filter((row) => row.probe === probe)))),
    server: serverText(snapshot.serverMetrics?.find((each) => each.target === target.name)),
    curves: curves.map((curve) => ({ law: curve.law, text: curveText(curve) })),
    plots: subject === undefined ? [] : curvePlots(subject),
    warnings: [
      ...cacheWarnings(rows),
      ...loadWarnings(rows),
      ...bufferWarnings(snapshot.samples.filter((sample) => sample.target === target.name)),
      ...curves.flatMap((curve) => curve.warnings.map((warning) => `${curve.law}: ${warning}`)),
    ],
  }
}

function tokenizerNote({ tokenizer, tokenCorrection: correction }: SnapshotTarget): string {
  if (correction === undefined) return `tokens by ${tokenizer}`
  return `tokens estimated, corrected by its usage: × ${figure(correction.ratio)} + ${figure(correction.overhead)}`
}

/** Every figure as far as the server gives it. */
function serverText(metrics: ServerMetrics | undefined): string | null {
  if (metrics === undefined) return null
  const { engine, scrapes, failed, running, waiting, kvUse, cacheHitShare, requests } = metrics
  const { queueMs, prefillMs, decodeMs, ttftMs, prefillUsPerToken, decodeMsPerToken } = metrics
  const gauge = (name: string, of: Gauge | undefined, text: (value: number) => string = figure): string[] =>
    of === undefined ? [] : [`${name} ${text(of.mean)}, at most ${text(of.max)}`]
  const single = (name: string, of: number | undefined, unit: string): string[] =>
    of === undefined ? [] : [`${name} ${figure(of)} ${unit}`]
  const times = [
    ...single('queue', queueMs, 'ms'),
    ...single('prefill', prefillMs, 'ms'),
    ...single('decode', decodeMs, 'ms'),
    ...single('first token', ttftMs, 'ms'),
  ]
  const over = requests === undefined ? 'a request' : `a request (${whole(requests)} finished)`
  return [
    `${engine}, ${plural(scrapes, 'reading')}${failed === 0 ? '' : `, ${failed} failed`}`,
    ...gauge('running', running),
    ...gauge('waiting', waiting),
    ...gauge('KV cache in use', kvUse, percent),
    ...(cacheHitShare === undefined ? [] : [`prefix cache hits ${percent(cacheHitShare)}`]),
    ...(times.length === 0 ? [] : [`${times.join(', ')} ${over}`]),
    ...single('prefill', prefillUsPerToken, 'µs/token'),
    ...single('decode', decodeMsPerToken, 'ms/token'),
  ].join('; ')
}

export function curveText(curve: Curve): string {
  const { parameters } = curve
  const parts = Object.entries(parameters).map(([name, parameter]) => parameterText(name, parameter))
  const rates = [
    rate('prefill', parameters['fresh'], 1e6),
    rate('decode', curve.law === 'decode' ? parameters['step'] : undefined, 1000),
  ]
  const counts = `${plural(curve.samples, 'sample')} in ${plural(curve.blocks, 'block')}`
  return [...parts, ...rates.filter((text) => text !== ''), ...lengthsOf(curve), counts].join('; ')
}

/** Contention is told at one pair of lengths; prefill and decode know any. */
function lengthsOf({ law, validity }: Curve): string[] {
  const { prompt, output } = validity
  if (law !== 'contention' || prompt === undefined) return []
  const text = ([low, high]: readonly [number, number]): string =>
    low === high ? whole(low) : `${whole(low)}-${whole(high)}`
  return [
    `at ${text(prompt)} prompt tokens${output === undefined ? '' : ` and ${text(output)} output tokens`}`,
  ]
}

/** A rate is the inverse of a time a token, so its interval turns round. */
function rate(name: string, parameter: Parameter | undefined, per: number): string {
  if (parameter === undefined || parameter.value <= 0) return ''
  const { value, low, high } = parameter
  const bounds = low > 0 ? ` ${interval(per / high, per / low)}` : ''
  return `${name} rate ${figure(per / value)}${bounds} tokens/s`
}

function parameterText(name: string, { value, low, high, unit, bounded, unverified }: Parameter): string {
  const marks = [bounded ? 'held at 0' : '', unverified ? 'unverified' : ''].filter((mark) => mark !== '')
  const mark = marks.length === 0 ? '' : ` (${marks.join(', ')})`
  // A count of tokens is exact: three digits of it would be another count.
  const shown =
    unit === 'tokens'
      ? `${whole(value)} [${whole(low)}, ${whole(high)}]`
      : `${figure(value)} ${interval(low, high)}`
  return `${name} ${shown} ${UNITS[unit]}${mark}`
}

function instrumentLine({ error, loopDelay, overloaded, workers }: InstrumentReport): string {
  const timing =
    error === null
      ? 'timing error not known'
      : `timing error p50 ${figure(error.p50)} ms, p99 ${figure(error.p99)} ms (${plural(error.streams, 'stream')}, ${plural(error.n, 'event')})`
  // A loop that turned at all was late by something.
  const loop =
    loopDelay.max === 0
      ? 'event-loop delay not measured'
      : `event-loop delay p99 ${figure(loopDelay.p99)} ms, max ${figure(loopDelay.max)} ms`
  const loops = workers === undefined ? '' : `; ${plural(workers, 'worker thread')}`
  return `${timing}; ${loop}${loops}${overloaded ? '; OVERLOADED: do not trust these numbers' : ''}`
}
