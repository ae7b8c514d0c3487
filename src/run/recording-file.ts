/** The file of a recording: one JSON object a line; a header, an exchange each, and how the run ended. */
import { z } from 'zod'
import type { InstrumentReport } from '../instrument/report.js'
import type { ServerMetrics } from '../metrics/server-metrics.js'
import type { Used } from '../plan/budget.js'
import type { ProtocolName } from '../protocol/protocol.js'
import { askedSchema } from '../snapshot/schema-sample.js'
import {
  instrumentSchema,
  provenanceSchema,
  scenarioSchema,
  serverMetricsSchema,
  targetSchema,
} from '../snapshot/schema.js'
import type { Snapshot, SnapshotTarget } from '../snapshot/snapshot.js'
import { isTokenizerName } from '../tokens/load-tokenizer.js'
import type { TokenizerName } from '../tokens/tokenizer.js'
import type { RecordedExchange } from '../wire/recording.js'
import { recordedExchangeSchema } from '../wire/recording.js'
import type { SampleFacts } from './measure.js'
import { isProtocolName } from './tables.js'

export const RECORDING_FORMAT = 'plumbline.recording/1'
export const RECORDING_ENDING = '.recording.ndjson'

export interface RecordingHeader {
  format: typeof RECORDING_FORMAT
  run: string
  /** Zero of every time in the file, ISO 8601 UTC. */
  startedAt: string
  scenario: Snapshot['scenario']
  provenance: Snapshot['provenance']
  currency: string | null
  targets: readonly SnapshotTarget[]
}

export type RecordingEntry =
  | {
      kind: 'exchange'
      /** What the sample needs beside the exchange; its own times are in nanoseconds since the run began as well. */
      facts: SampleFacts
      protocol: ProtocolName
      tokenizer: TokenizerName
      /** The body only where prompts were asked for; headers never. */
      request: { method: string; path: string; body?: string | undefined }
      exchange: RecordedExchange
    }
  | {
      kind: 'end'
      endedAt: string
      partialReason: string | null
      instrument: InstrumentReport
      targets: readonly SnapshotTarget[]
      used: Used
      notes: readonly string[]
      serverMetrics: readonly ServerMetrics[]
    }

const text = z.string()
const number = z.number()

export const recordingHeaderSchema: z.ZodType<RecordingHeader> = z.object({
  format: z.literal(RECORDING_FORMAT),
  run: text,
  startedAt: z.iso.datetime(),
  scenario: scenarioSchema,
  provenance: provenanceSchema,
  currency: text.nullable(),
  targets: z.array(targetSchema),
})

// Loose: what a later version adds to the facts must reach the measurement.
const facts: z.ZodType<SampleFacts> = z.looseObject({
  id: text,
  target: z.looseObject({ name: text, url: text, model: text, apiKeyEnv: text.nullable() }),
  probe: text,
  cell: text,
  block: z.int(),
  attempt: z.int().min(1),
  warmup: z.boolean(),
  asked: askedSchema,
  intendedNs: number,
  templateTokens: number.optional(),
  cacheRules: z.looseObject({ minimumTokens: number, stepTokens: number, reported: z.boolean() }),
  price: z
    .looseObject({
      currency: text,
      inputPerM: number,
      cachedPerM: number.optional(),
      outputPerM: number,
    })
    .optional(),
  heldBackMs: number,
})

export const recordingEntrySchema: z.ZodType<RecordingEntry> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('exchange'),
    facts,
    protocol: z.custom<ProtocolName>(isProtocolName, 'is no protocol'),
    tokenizer: z.custom<TokenizerName>(isTokenizerName, 'is no tokenizer'),
    request: z.object({ method: text, path: text, body: text.optional() }),
    exchange: recordedExchangeSchema,
  }),
  z.object({
    kind: z.literal('end'),
    endedAt: text,
    partialReason: text.nullable(),
    instrument: instrumentSchema,
    targets: z.array(targetSchema),
    used: z.object({ requests: number, promptTokens: number, outputTokens: number, cost: number }),
    notes: z.array(text),
    serverMetrics: z.array(serverMetricsSchema),
  }),
])
