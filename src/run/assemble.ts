/** From what was measured to a snapshot: curves fitted, cells summed up, money counted. */
import { fitCurves } from '../curve/fit-curves.js'
import type { InstrumentReport } from '../instrument/report.js'
import { joinByTime } from '../metrics/over-run.js'
import type { ServerMetrics } from '../metrics/server-metrics.js'
import type { Used } from '../plan/budget.js'
import { createRandom } from '../random/random.js'
import type { Sample } from '../sample/sample.js'
import type { Recovered } from '../snapshot/recover.js'
import type { Snapshot, SnapshotTarget, Spent, SummaryRow } from '../snapshot/snapshot.js'
import { SNAPSHOT_FORMAT } from '../snapshot/snapshot.js'
import { findings } from './findings.js'
import { summarise } from './summarise.js'

export interface Measured {
  id: string
  startedAt: string
  endedAt: string
  /** Why the plan was not finished, or null. */
  partialReason: string | null
  scenario: Snapshot['scenario']
  provenance: Snapshot['provenance']
  instrument: InstrumentReport
  targets: readonly SnapshotTarget[]
  samples: readonly Sample[]
  used: Used
  currency: string | null
  notes: readonly string[]
  serverMetrics: readonly ServerMetrics[]
  /** `summary`: the samples are left out once curves and rows are made of them; such a snapshot cannot be compared. */
  keep: 'samples' | 'summary'
  /** @default fitCurves */
  fit?: typeof fitCurves | undefined
}

export function assemble(measured: Measured): Omit<Snapshot, 'checksum'> {
  const { used, currency, partialReason, serverMetrics, fit = fitCurves } = measured
  const samples = joinByTime(measured.samples, serverMetrics)
  const summary = summarise(samples)
  const fitted = fit(withTheirLoad(samples, summary), {
    random: createRandom(`${measured.provenance.seed}/curves`),
    targets: measured.targets.map((target) => target.name),
  })
  const unfitted = fitted.notes.map((note) => `${note.target}: no ${note.law} curve: ${note.message}`)
  return {
    format: SNAPSHOT_FORMAT,
    id: measured.id,
    startedAt: measured.startedAt,
    endedAt: measured.endedAt,
    partial: partialReason !== null,
    partialReason: partialReason ?? undefined,
    scenario: measured.scenario,
    provenance: measured.provenance,
    instrument: measured.instrument,
    targets: measured.targets,
    curves: fitted.curves,
    summary,
    spent: {
      ...tokensOf(samples),
      requests: used.requests,
      cost: currency === null ? null : { currency, amount: used.cost },
      probes: spentByProbe(samples, currency),
    },
    ...(serverMetrics.length > 0 && { serverMetrics }),
    notes: [...new Set([...measured.notes, ...findings(samples), ...unfitted])],
    samples: measured.keep === 'samples' ? samples : [],
  }
}

/** A cell whose load a rate limit held back shows no contention. */
function withTheirLoad(samples: readonly Sample[], summary: readonly SummaryRow[]): readonly Sample[] {
  const limited = summary.filter(({ rateLimited = 0 }) => rateLimited > 0)
  if (limited.length === 0) return samples
  return samples.filter(
    ({ target, cell }) => !limited.some((row) => row.target === target && row.cell === cell),
  )
}

function tokensOf(samples: readonly Sample[]): { promptTokens: number; outputTokens: number } {
  return {
    promptTokens: total(samples, (sample) => sample.promptTokens ?? estimated(sample)),
    outputTokens: total(samples, (sample) => sample.outputTokens ?? 0),
  }
}

/** By what the samples report; a budget counts a request whose usage never came at its worst, so its total may be higher. */
function spentByProbe(samples: readonly Sample[], currency: string | null): Spent['probes'] {
  const probes = [...new Set(samples.map(({ probe }) => probe))].sort()
  return Object.fromEntries(
    probes.map((probe) => {
      const of = samples.filter((sample) => sample.probe === probe)
      const amount = total(of, ({ cost }) => cost?.amount ?? 0)
      const cost = currency === null ? null : { currency, amount }
      return [probe, { requests: of.length, ...tokensOf(of), cost }]
    }),
  )
}

/** Where no usage came: the asked length of a request that a server took up. The budget counts such a one at its worst. */
function estimated({ status, asked }: Sample): number {
  return status !== null && status < 400 ? asked.promptTokens : 0
}

function total(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return samples.reduce((sum, sample) => sum + of(sample), 0)
}

export const NOT_CALIBRATED: InstrumentReport = {
  timerNs: 0,
  error: null,
  loopDelay: { p50: 0, p99: 0, max: 0 },
  arrivals: [],
  overloaded: false,
  warnings: ['the run was broken off before its instrument was calibrated'],
}

/** The snapshot of a run that never ended, from its journal: marked partial. */
export function assembleRecovered(
  recovered: Recovered,
  used: Used,
  fit?: typeof fitCurves,
): Omit<Snapshot, 'checksum'> {
  const { header } = recovered
  return assemble({
    id: header.run,
    startedAt: header.startedAt,
    endedAt: recovered.endedAt,
    partialReason: recovered.reason,
    scenario: header.scenario,
    provenance: header.provenance,
    instrument: recovered.instrument ?? NOT_CALIBRATED,
    targets: recovered.targets,
    samples: recovered.samples,
    used,
    currency: header.currency,
    notes: recovered.notes,
    serverMetrics: [],
    keep: 'samples',
    fit,
  })
}
