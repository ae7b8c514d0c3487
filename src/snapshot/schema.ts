/** Format 1 as a check: closed for what we rely on, open for fields that a later version of the format may add. */
import { z } from 'zod'
import type { Curve, ParameterUnit } from '../curve/curve.js'
import type { InstrumentReport } from '../instrument/report.js'
import type { ServerMetrics } from '../metrics/server-metrics.js'
import type { ArrivalProcess, CacheAsked, ConnectionMode, Law } from '../plan/probe.js'
import type { CacheState, Outcome, Sample } from '../sample/sample.js'
import type { Provenance, Snapshot, SnapshotTarget, SummaryRow } from './snapshot.js'
import { SNAPSHOT_FORMAT } from './snapshot.js'

/** The members of a union as a check; one that is missing here does not compile. */
function oneOf<T extends string>(members: Record<T, true>): z.ZodType<T> {
  const names = Object.keys(members)
  const isMember = (value: unknown): boolean => typeof value === 'string' && names.includes(value)
  return z.custom<T>(isMember, `must be one of ${names.join(', ')}`)
}

const law = oneOf<Law>({ prefill: true, decode: true, contention: true, cache: true })
const cacheAsked = oneOf<CacheAsked>({ fresh: true, warm: true, any: true })
const connection = oneOf<ConnectionMode>({ reused: true, new: true })
const arrivals = oneOf<ArrivalProcess>({
  constant: true,
  poisson: true,
  gamma: true,
  ramp: true,
  step: true,
  trace: true,
})
const cacheState = oneOf<CacheState>({ confirmed: true, contradicted: true, unverified: true })
const unit = oneOf<ParameterUnit>({
  ms: true,
  'us/token': true,
  'us/token^2': true,
  'ms/token': true,
  'us/token/token': true,
  tokens: true,
  s: true,
})

const failures: Record<Exclude<Outcome, 'ok'>, true> = {
  refused: true,
  dns: true,
  tls: true,
  reset: true,
  closed: true,
  truncated: true,
  malformed: true,
  goaway: true,
  timeout: true,
  oversized: true,
  aborted: true,
  resource: true,
  'http-400': true,
  'http-401': true,
  'http-403': true,
  'http-404': true,
  'http-429': true,
  'http-4xx': true,
  'http-5xx': true,
  redirect: true,
  'not-streaming': true,
  'stream-error': true,
  empty: true,
}
const outcome = oneOf<Outcome>({ ok: true, ...failures })

const text = z.string()
const number = z.number() // finite: NaN and infinities are refused
const nullableNumber = number.nullable()
const count = z.int().min(0)
const strings = z.array(text)
const money = z.object({ currency: text, amount: number })

const parameter = z.object({
  value: number,
  low: number,
  high: number,
  se: number,
  unit,
  bounded: z.boolean().optional(),
  unverified: z.boolean().optional(),
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

const limits = z.object({ ttft: number.optional(), tpot: number.optional(), e2e: number.optional() })
const question = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('recall'), depth: number }),
  z.object({ kind: z.enum(['arithmetic', 'echo', 'json']) }),
])

export const askedSchema: z.ZodType<Sample['asked']> = z.object({
  promptTokens: count,
  prefixTokens: count,
  outputTokens: count,
  cache: cacheAsked,
  concurrency: nullableNumber,
  rate: nullableNumber,
  arrivals: arrivals.optional(),
  maxInFlight: number.optional(),
  burstiness: number.optional(),
  rateTo: number.optional(),
  steps: number.optional(),
  ageS: number.optional(),
  connection,
  search: z.literal(true).optional(),
  limits: limits.optional(),
  question: question.optional(),
})

export const sampleSchema: z.ZodType<Sample> = z.object({
  id: text,
  target: text,
  probe: text,
  cell: text,
  block: z.int(),
  attempt: z.int().min(1),
  warmup: z.boolean(),
  outcome,
  status: z.int().nullable(),
  detail: text.optional(),
  asked: askedSchema,
  startedAt: text,
  atMs: number,
  startDelay: number,
  reused: z.boolean(),
  dns: number,
  connect: number,
  tls: number,
  ttfb: nullableNumber,
  ttfe: nullableNumber,
  ttft: nullableNumber,
  ttfvt: nullableNumber,
  ttftIntended: nullableNumber,
  tpot: nullableNumber,
  decodeRate: nullableNumber,
  e2e: nullableNumber,
  e2eIntended: nullableNumber,
  itl: z.object({ count, mean: number, p50: number, p90: number, p99: number, max: number }).nullable(),
  coalesced: count,
  // Whatever a server reported, even nonsense, was kept: it is the sample's state that says what to think of it.
  promptTokens: number.optional(),
  promptAssumed: z.literal(true).optional(),
  cachedTokens: number.optional(),
  cacheWriteTokens: number.optional(),
  cacheWritesByLifetime: z.record(text, number).optional(),
  outputTokens: number.optional(),
  reasoningTokens: number.optional(),
  tokenSource: z.enum(['usage', 'counted']).nullable(),
  cacheState,
  finishReason: text.optional(),
  bytes: count,
  cost: money.optional(),
  serverTimings: z
    .object({
      loadMs: number.optional(),
      queueMs: number.optional(),
      prefillMs: number.optional(),
      decodeMs: number.optional(),
      totalMs: number.optional(),
      toHeadersMs: number.optional(),
      raw: z.record(text, z.union([text, number])),
    })
    .optional(),
  route: z
    .object({
      requestId: text.optional(),
      model: text.optional(),
      fingerprint: text.optional(),
      region: text.optional(),
      serviceTier: text.optional(),
      upstream: text.optional(),
      raw: z.record(text, text).optional(),
    })
    .optional(),
  limits: z
    .object({
      limitRequests: number.optional(),
      remainingRequests: number.optional(),
      resetRequestsS: number.optional(),
      limitTokens: number.optional(),
      remainingTokens: number.optional(),
      resetTokensS: number.optional(),
    })
    .optional(),
  comments: count.optional(),
  heldBack: number.optional(),
  server: z
    .object({ running: number.optional(), waiting: number.optional(), kvUse: number.optional() })
    .optional(),
  answer: z.enum(['right', 'wrong']).optional(),
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
