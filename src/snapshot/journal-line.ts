/** What stands in a journal: one JSON object a line, the header first. */
import { z } from 'zod'
import type { InstrumentReport } from '../instrument/report.js'
import type { Reported, WorstCase } from '../plan/budget.js'
import type { Sample } from '../sample/sample.js'
import { sampleSchema } from './schema-sample.js'
import { instrumentSchema, provenanceSchema, scenarioSchema, targetSchema } from './schema.js'
import type { Provenance, Snapshot, SnapshotTarget } from './snapshot.js'

export const JOURNAL_FORMAT = 'plumbline.journal/1'

/** All that a snapshot needs beside the samples. */
export interface JournalHeader {
  format: typeof JOURNAL_FORMAT
  /** The id of the snapshot to come. */
  run: string
  startedAt: string
  scenario: Snapshot['scenario']
  seed: number
  /** Over the plan's settings; a resumed run must come to the same. */
  planHash: string
  /** Of every cost in the journal; null where no price is known. */
  currency: string | null
  provenance: Provenance
  /** Null: calibrated later, see the `instrument` line. */
  instrument: InstrumentReport | null
  targets: readonly SnapshotTarget[]
}

/** A block of a probe: complete on these targets. */
export interface DoneBlock {
  probe: string
  block: number
  targets: readonly string[]
}

/** A line behind the header. */
export type JournalEntry =
  /** Before a request is sent: what it can cost at most. `id` is that of its sample. */
  | { kind: 'reserve'; id: string; worst: WorstCase }
  /** `reported` settles the reservation; null: the request never left, and cost nothing. */
  | { kind: 'sample'; sample: Sample; reported: Reported | null }
  | ({ kind: 'block' } & DoneBlock)
  /** The latest counts. */
  | { kind: 'instrument'; instrument: InstrumentReport }
  | { kind: 'targets'; targets: readonly SnapshotTarget[] }
  | { kind: 'note'; text: string }
  /** A later process went on here; blocks that were open are run again whole. */
  | { kind: 'resume'; at: string }

const text = z.string()
const number = z.number()

const worst: z.ZodType<WorstCase> = z.object({ promptTokens: number, outputTokens: number, cost: number })
const reported: z.ZodType<Reported> = z.object({
  promptTokens: number.optional(),
  outputTokens: number.optional(),
  cost: number.optional(),
})

export const headerSchema: z.ZodType<JournalHeader> = z.object({
  format: z.literal(JOURNAL_FORMAT),
  run: text,
  startedAt: text,
  scenario: scenarioSchema,
  seed: number,
  planHash: text,
  currency: text.nullable(),
  provenance: provenanceSchema,
  instrument: instrumentSchema.nullable(),
  targets: z.array(targetSchema),
})

export const entrySchema: z.ZodType<JournalEntry> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('reserve'), id: text, worst }),
  z.object({ kind: z.literal('sample'), sample: sampleSchema, reported: reported.nullable() }),
  z.object({ kind: z.literal('block'), probe: text, block: z.int(), targets: z.array(text) }),
  z.object({ kind: z.literal('instrument'), instrument: instrumentSchema }),
  z.object({ kind: z.literal('targets'), targets: z.array(targetSchema) }),
  z.object({ kind: z.literal('note'), text }),
  z.object({ kind: z.literal('resume'), at: text }),
])
