/** The result file of one run: format 1. */
import type { Curve } from '../curve/curve.js'
import type { InstrumentReport } from '../instrument/report.js'
import type { ServerMetrics } from '../metrics/server-metrics.js'
import type { ArrivalProcess, CacheAsked, ConnectionMode } from '../plan/probe.js'
import type { Outcome, Sample } from '../sample/sample.js'
import type { Target } from '../scenario/scenario.js'

export const SNAPSHOT_FORMAT = 'plumbline.snapshot/1'

/** A target as it was resolved: no secret, not even the name of a header's value. */
export interface SnapshotTarget {
  name: string
  provider: string
  protocol: string
  baseUrl: string
  model: string
  region?: string | undefined
  tokenizer: string
  /** Which parameters its requests carried; what its server refused at the warm-up is left out, and a note says so. */
  quirks?: Target['quirks'] | undefined
  /** Tokens added by the server's chat template and the ratio of its count to ours, where learned from usage. */
  tokenCorrection?: { overhead: number; ratio: number; pairs: number } | undefined
}

export interface Quantiles {
  p50: number
  /** 95 % interval of the median from order statistics; null below 6 samples. */
  p50Low: number | null
  p50High: number | null
  /** Null where n cannot carry a two-sided 95 % statement on it (29 for p90, 299 for p99). */
  p90: number | null
  p99: number | null
}

/** One cell of one target, summed up. Latencies in milliseconds, over successful samples that count. */
export interface SummaryRow {
  target: string
  probe: string
  cell: string
  promptTokens: number
  prefixTokens: number
  outputTokens: number
  cache: CacheAsked
  concurrency: number | null
  rate: number | null
  arrivals?: ArrivalProcess | undefined
  connection: ConnectionMode
  /** Samples behind the latencies. */
  n: number
  errors: Readonly<Partial<Record<Exclude<Outcome, 'ok'>, number>>>
  cacheStates: { confirmed: number; contradicted: number; unverified: number }
  ttft: Quantiles | null
  tpot: Quantiles | null
  e2e: Quantiles | null
  /** Tokens per second of prefill over this cell's median, base not removed; the curve's slope is the clean figure. */
  requestsPerS: number | null
  outputTokensPerS: number | null
  /** Requests that a rate limit refused or held back: the load was not delivered. Absent: it was. */
  rateLimited?: number | undefined
  /** Share of all requests inside the limits that the cell was held against; absent where it was held against none. */
  goodput?: number | undefined
  /** Answers to questions with one right answer. */
  answers?: { right: number; wrong: number } | undefined
}

export interface Provenance {
  /** Version of Plumbline. */
  harness: string
  /** Git commit of the harness where it runs from a checkout, else null. */
  commit: string | null
  node: string
  os: string
  cpu: string
  seed: number
  runId: string
  definitions: Readonly<Record<string, string>>
}

export interface Spent {
  requests: number
  promptTokens: number
  outputTokens: number
  cost: { currency: string; amount: number } | null
  /** The same by probe, from the samples; warm-up under `warm-up`, primes under their probe. */
  probes?: Readonly<Record<string, Omit<Spent, 'probes'>>> | undefined
}

export interface Snapshot {
  format: typeof SNAPSHOT_FORMAT
  id: string
  /** `sha256:` over the canonical JSON of everything else. */
  checksum: string
  startedAt: string
  endedAt: string
  /** Not every planned request was made; `partialReason` says why. */
  partial: boolean
  partialReason?: string | undefined
  scenario: {
    name: string
    file: string | null
    hash: string
    text: string
    /** What the scenario asks of a comparison; shares by metric. */
    gate?: { margins: Readonly<Record<string, number>>; detect: Readonly<Record<string, number>> } | undefined
  }
  provenance: Provenance
  instrument: InstrumentReport
  targets: readonly SnapshotTarget[]
  curves: readonly Curve[]
  summary: readonly SummaryRow[]
  spent: Spent
  /** What the targets' own metrics said, for those that were asked for them. */
  serverMetrics?: readonly ServerMetrics[] | undefined
  /** What a reader must know: cells dropped, load not delivered, parameters refused. */
  notes: readonly string[]
  samples: readonly Sample[]
}
