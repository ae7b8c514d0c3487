/** What the scheduler counts, in memory: one model, from which the Prometheus page and the OTLP request are made. */
import type { Sample } from '../sample/sample.js'
import type { MissReason, Outcome } from '../schedule/job.js'
import type { Snapshot, SnapshotTarget } from '../snapshot/snapshot.js'

export interface Histogram {
  /** Upper bounds; one more bucket lies above the last. */
  bounds: readonly number[]
  counts: number[]
  sum: number
  count: number
}

/** Requests of one target of one scenario. */
export interface TargetCounts {
  scenario: string
  target: SnapshotTarget
  /** Successful requests that count: seconds to the first output, and to the end. */
  ttftS: Histogram
  durationS: Histogram
  /** Tokens a request, as its server counted them. */
  inputTokens: Histogram
  outputTokens: Histogram
  /** Of failed requests: seconds until they had failed, by outcome. */
  failedS: Map<string, Histogram>
  /** Of the newest run: `prefill.fresh` and the like. */
  parameters: Map<string, { value: number; unit: string }>
}

export interface JobCounts {
  scenario: string
  runs: Map<Outcome['health'], number>
  missed: Map<MissReason, number>
  health: Outcome['health'] | null
  /** Seconds since 1970; null: never, or none is due. */
  lastRunS: number | null
  lastGoodS: number | null
  nextS: number | null
}

export interface Counts {
  startedMs: number
  jobs: Map<string, JobCounts>
  targets: Map<string, TargetCounts>
}

export function createCounts(startedMs: number): Counts {
  return { startedMs, jobs: new Map(), targets: new Map() }
}

/** OpenTelemetry's advice for these metrics (semantic conventions, generative AI, metrics). */
const TTFT_BOUNDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const DURATION_BOUNDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]
const TOKEN_BOUNDS = [
  1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
]

export function countRun(
  counts: Counts,
  run: {
    scenario: string
    outcome: Outcome
    endedMs: number
    snapshot: Snapshot | null
    samples: readonly Sample[]
  },
): void {
  const { scenario, outcome, endedMs, snapshot, samples } = run
  const job = jobOf(counts, scenario)
  job.runs.set(outcome.health, (job.runs.get(outcome.health) ?? 0) + 1)
  job.health = outcome.health
  job.lastRunS = endedMs / 1000
  if (outcome.health === 'ok' || outcome.health === 'undecided') job.lastGoodS = endedMs / 1000
  if (snapshot === null) return
  for (const target of snapshot.targets) {
    const of = targetOf(counts, scenario, target)
    for (const sample of samples) if (sample.target === target.name && !sample.warmup) countSample(of, sample)
    of.parameters = new Map(
      snapshot.curves
        .filter((curve) => curve.target === target.name)
        .flatMap(({ law, parameters }) =>
          Object.entries(parameters).flatMap(([name, { value, unit }]) =>
            Number.isFinite(value) ? [[`${law}.${name}`, { value, unit }] as const] : [],
          ),
        ),
    )
  }
}

export function jobOf(counts: Counts, scenario: string): JobCounts {
  const found = counts.jobs.get(scenario)
  if (found !== undefined) return found
  const made: JobCounts = {
    scenario,
    runs: new Map(),
    missed: new Map(),
    health: null,
    lastRunS: null,
    lastGoodS: null,
    nextS: null,
  }
  counts.jobs.set(scenario, made)
  return made
}

function targetOf({ targets }: Counts, scenario: string, target: SnapshotTarget): TargetCounts {
  const key = `${scenario} ${target.name}`
  const found = targets.get(key)
  // The address or the model of a target may have been changed: the counts go on under what it is now.
  const made: TargetCounts = {
    ...(found ?? {
      scenario,
      ttftS: histogram(TTFT_BOUNDS),
      durationS: histogram(DURATION_BOUNDS),
      inputTokens: histogram(TOKEN_BOUNDS),
      outputTokens: histogram(TOKEN_BOUNDS),
      failedS: new Map(),
      parameters: new Map(),
    }),
    target,
  }
  targets.set(key, made)
  return made
}

function countSample(of: TargetCounts, sample: Sample): void {
  const { outcome, ttft, e2e, promptTokens, outputTokens } = sample
  if (outcome !== 'ok') {
    const failed = of.failedS.get(outcome) ?? histogram(DURATION_BOUNDS)
    observe(failed, (e2e ?? sample.ttfb ?? 0) / 1000)
    of.failedS.set(outcome, failed)
    return
  }
  if (ttft !== null) observe(of.ttftS, ttft / 1000)
  if (e2e !== null) observe(of.durationS, e2e / 1000)
  if (promptTokens !== undefined) observe(of.inputTokens, promptTokens)
  if (outputTokens !== undefined) observe(of.outputTokens, outputTokens)
}

function histogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0, count: 0 }
}

function observe(histogramOf: Histogram, value: number): void {
  const { bounds, counts } = histogramOf
  const bucket = bounds.findIndex((bound) => value <= bound)
  const at = bucket === -1 ? bounds.length : bucket
  counts[at] = (counts[at] ?? 0) + 1
  histogramOf.sum += value
  histogramOf.count++
}
