/** Pages of every kind, from runs of known laws. */
import { compareSnapshots } from '../../src/compare/compare-snapshots.js'
import { conclude } from '../../src/compare/conclude.js'
import { seriesOf, toHistory } from '../../src/compare/history.js'
import { historyTrend, trendVerdict } from '../../src/compare/history-trend.js'
import { createRandom } from '../../src/random/random.js'
import { createAttributionTally } from '../../src/report/page-attributions.js'
import type { ReportInput } from '../../src/report/report-page.js'
import { summarise } from '../../src/run/summarise.js'
import type { Sample } from '../../src/sample/sample.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { causes, phases } from '../../src/span/causes.js'
import { LAW, simulatedSnapshot, snapshotOf } from '../compare/simulated-snapshot.js'
import { lognormal, NINE_CELLS, simulatedRun, type CellDesign, type TrueLaw } from '../curve/simulated-run.js'

const DAY_MS = 86_400_000

const BARE = { against: null, histories: [], attributions: null, notes: [] } as const

export function runPage(): ReportInput {
  return { ...BARE, snapshot: measured('run') }
}

/** Prefill costs a third more. */
export function comparedPage(): ReportInput {
  const base = measured('base')
  const snapshot = measured('candidate', { ...LAW, fresh: 1.33 * LAW.fresh })
  return { ...BARE, snapshot, against: { base, conclusion: conclude(compareSnapshots(base, snapshot)) } }
}

/** Decode becomes slower on the 30th of 50 days, and one day was slow. */
export function historyPage(): ReportInput {
  const days = Array.from({ length: 50 }, (_, day) => {
    const law = { ...LAW, step: LAW.step * (day < 30 ? 1 : 1.25), base: LAW.base * (day === 12 ? 2.5 : 1) }
    const startedAt = new Date(Date.UTC(2026, 8, 1, 9) + day * DAY_MS).toISOString()
    return simulatedSnapshot(
      `day ${day}`,
      { law, blocks: 6, cells: NINE_CELLS },
      { resamples: 9, change: { startedAt } },
    )
  })
  const points = days.flatMap(toHistory)
  const trends = historyTrend(points)
  const verdict = trendVerdict(trends, { recentDays: 30, leastDays: 14 })
  const series = new Map(
    trends.map(({ target }) => [target, seriesOf(points.filter((p) => p.target === target))]),
  )
  return {
    ...BARE,
    snapshot: measured('newest'),
    histories: [{ scenario: 'daily', trends, verdict, notes: [], points: series }],
  }
}

export function spansPage(text = 'checkout'): ReportInput {
  const random = createRandom('spans')
  const tally = createAttributionTally()
  for (let i = 0; i < 3000; i++) {
    const cause = causes[Math.floor(random.next() ** 2 * causes.length)] ?? 'retry'
    const isSlow = random.next() < 0.3
    const ms = isSlow ? 300 + 3000 * random.next() : 0
    const problem = tally.add({
      traceId: 't',
      spanId: `s${i}`,
      service: text,
      operation: 'chat',
      startedAt: new Date(Date.UTC(2026, 10, 23, 8) + i * 9000).toISOString(),
      durationMs: 900 + ms,
      phases: {
        ...Object.fromEntries(phases.map((phase) => [phase, 0])),
        network: 100,
        decode: 800,
        queue: ms,
      },
      causes: isSlow ? [{ cause, ms, probability: 0.9, evidence: [`${text}: ttft above the curve`] }] : [],
      unknownMs: isSlow ? 20 : 0,
      verdict: isSlow ? cause : 'none',
      confidence: 0.9,
      tier: 'B',
    })
    if (problem !== null) throw new Error(problem)
  }
  return { ...BARE, snapshot: null, attributions: tally.done() }
}

/** A text that others wrote, in every place where such a text may stand. */
export function hostilePage(text: string): ReportInput {
  const sound = measured('hostile')
  const cell = sound.samples[0]!.cell
  const samples = sound.samples.map((sample, i): Sample => {
    const probe = i % 2 === 0 ? sample.probe : text
    const failed = {
      outcome: 'http-5xx',
      status: 500,
      ttft: null,
      tpot: null,
      e2e: null,
      detail: text,
    } as const
    const cut = i % 40 === 7 ? failed : {}
    return {
      ...sample,
      ...cut,
      target: text,
      probe,
      cell: sample.cell === cell ? text : sample.cell,
      route: { fingerprint: text },
    }
  })
  const target = {
    ...sound.targets[0]!,
    name: text,
    model: text,
    baseUrl: text,
    region: text,
    tokenizer: text,
  }
  const snapshot: Snapshot = {
    ...sound,
    samples,
    targets: [target],
    curves: sound.curves.map((curve) => ({ ...curve, target: text, warnings: [text] })),
    summary: summarise(samples),
    notes: [text],
    scenario: { name: text, file: text, hash: text, text: `name: ${text}\n${text}` },
    partial: true,
    partialReason: text,
  }
  return {
    ...spansPage(text),
    snapshot,
    against: { base: snapshot, conclusion: conclude(compareSnapshots(snapshot, snapshot)) },
    notes: [text],
  }
}

const CELLS: readonly CellDesign[] = [
  ...NINE_CELLS,
  ...[1, 4, 8].map((concurrency) => ({ probe: 'concurrency', promptTokens: 256, concurrency })),
]

/** @param blocks passes over the cells; each is 22 samples */
export function measured(id: string, law: TrueLaw = LAW, blocks = 20): Snapshot {
  const busy = { ...law, ttftPerPeer: 30, tpotPerPeer: 0.2 }
  const random = createRandom(id)
  const samples = simulatedRun({ law: busy, cells: CELLS, blocks, noise: lognormal(0.05), random })
  return { ...snapshotOf(id, samples), summary: summarise(samples) }
}
