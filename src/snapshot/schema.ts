/** Format 1 as a check: closed for what we rely on, open for fields that a later version of the format may add. */
import { z } from 'zod'
import type { Curve } from '../curve/curve.js'
import type { InstrumentReport } from '../instrument/report.js'
import type { ServerMetrics } from '../metrics/server-metrics.js'
import { sampleSchema } from './schema-sample.js'
import {
  arrivals,
  cacheAsked,
  connection,
  count,
  failures,
  law,
  money,
  nullableNumber,
  number,
  strings,
  text,
  unit,
} from './schema-words.js'
import type { Provenance, Snapshot, SnapshotTarget, SummaryRow } from './snapshot.js'
import { SNAPSHOT_FORMAT } from './snapshot.js'

const parameter = z.object({
  value: number,
  low: number,
  high: number,
  se: number,
  unit,
  bounded: z.boolean().optional(),
  unverified: z.boolean().optional(),
  blocks: count.optional(),
})

const curve: z.ZodType<Curve> = z.object({
  target: text,
  law,
  parameters: z.record(text, parameter),
  residual: z.object({ quantiles: z.array(number), sd: number }),
  validity: z.record(text, z.tuple([number, number])),
  samples: count,
  blocks: count,
  regimes: count,
  fast: z
    .object({ parameters: z.record(text, parameter), share: number, ratio: number, spell: number })
    .optional(),
  warnings: strings,
})

const spread = z.object({ p50: number, p99: number, max: number })

export const instrumentSchema: z.ZodType<InstrumentReport> = z.object({
  timerNs: number,
  workers: z.int().min(1).optional(),
  error: z.object({ p50: number, p99: number, streams: count, n: count }).nullable(),
  loopDelay: spread,
  arrivals: z.array(
    z.object({
      target: text,
      cell: text,
      process: text,
      asked: number,
      delivered: number,
      gapCv: nullableNumber,
      dispersion: nullableNumber,
      startDelay: spread,
    }),
  ),
  overloaded: z.boolean(),
  warnings: strings,
})

export const targetSchema: z.ZodType<SnapshotTarget> = z.object({
  name: text,
  provider: text,
  protocol: text,
  baseUrl: text,
  model: text,
  region: text.optional(),
  tokenizer: text,
  quirks: z
    .object({
      maxTokensField: z.enum(['max_tokens', 'max_completion_tokens']),
      streamOptions: z.boolean(),
      ignoreEos: z.boolean(),
      temperature: nullableNumber,
    })
    .optional(),
  tokenCorrection: z.object({ overhead: number, ratio: number, pairs: count }).optional(),
})

const quantiles = z.object({
  p50: number,
  p50Low: nullableNumber,
  p50High: nullableNumber,
  p90: nullableNumber,
  p99: nullableNumber,
})

const errors = z.record(text, count).superRefine((value, context) => {
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(failures, name)) context.addIssue(`${name} is no kind of failure`)
  }
}) as z.ZodType<SummaryRow['errors']> // zod's own partial record would want the list a second time

const summaryRow: z.ZodType<SummaryRow> = z.object({
  target: text,
  probe: text,
  cell: text,
  promptTokens: count,
  prefixTokens: count,
  outputTokens: count,
  cache: cacheAsked,
  concurrency: nullableNumber,
  rate: nullableNumber,
  arrivals: arrivals.optional(),
  connection,
  n: count,
  errors,
  cacheStates: z.object({ confirmed: count, contradicted: count, unverified: count }),
  ttft: quantiles.nullable(),
  tpot: quantiles.nullable(),
  e2e: quantiles.nullable(),
  requestsPerS: nullableNumber,
  outputTokensPerS: nullableNumber,
  rateLimited: count.optional(),
  goodput: number.optional(),
  answers: z.object({ right: count, wrong: count }).optional(),
})

export const scenarioSchema: z.ZodType<Snapshot['scenario']> = z.object({
  name: text,
  file: text.nullable(),
  hash: text,
  text,
  gate: z.object({ margins: z.record(z.string(), number), detect: z.record(z.string(), number) }).optional(),
})

export const provenanceSchema: z.ZodType<Provenance> = z.object({
  harness: text,
  commit: text.nullable(),
  node: text,
  os: text,
  cpu: text,
  seed: number,
  runId: text,
  definitions: z.record(text, text),
})

const spent = z.object({ requests: count, promptTokens: count, outputTokens: count, cost: money.nullable() })

const gauge = z.object({ mean: number, max: number })
export const serverMetricsSchema: z.ZodType<ServerMetrics> = z.object({
  target: text,
  engine: text,
  url: text,
  intervalS: number,
  scrapes: count,
  failed: count,
  running: gauge.optional(),
  waiting: gauge.optional(),
  kvUse: gauge.optional(),
  cacheHitShare: number.optional(),
  requests: number.optional(),
  queueMs: number.optional(),
  prefillMs: number.optional(),
  decodeMs: number.optional(),
  ttftMs: number.optional(),
  prefillUsPerToken: number.optional(),
  decodeMsPerToken: number.optional(),
  readings: z.array(
    z.object({
      atMs: number,
      running: number.optional(),
      waiting: number.optional(),
      kvUse: number.optional(),
    }),
  ),
})

export const snapshotSchema: z.ZodType<Snapshot> = z.object({
  format: z.literal(SNAPSHOT_FORMAT),
  id: text,
  checksum: text,
  startedAt: text,
  endedAt: text,
  partial: z.boolean(),
  partialReason: text.optional(),
  scenario: scenarioSchema,
  provenance: provenanceSchema,
  instrument: instrumentSchema,
  targets: z.array(targetSchema),
  curves: z.array(curve),
  summary: z.array(summaryRow),
  spent: spent.extend({ probes: z.record(text, spent).optional() }),
  serverMetrics: z.array(serverMetricsSchema).optional(),
  notes: strings,
  samples: z.array(sampleSchema),
})
