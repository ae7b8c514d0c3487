/** Looks through span files as `attribute` would read them, and says what they tell and what they lack. */
import { createSpanDoctor } from './doctor.js'
import type { DialectHealth } from './doctor.js'
import { shippedDialects } from './dialect-file.js'
import { createIntake } from './intake.js'
import type { IntakeCounts } from './intake.js'
import { listSpanFiles, readSpans } from './read-spans.js'
import type { OwnDialect } from './rules.js'

export type SpanExamination =
  { ok: true; counts: IntakeCounts; dialects: readonly DialectHealth[] } | { ok: false; message: string }

export interface ExamineSpansOptions {
  /** Dialects of the user's own; they win over those that ship. */
  own?: readonly OwnDialect[] | undefined
  /** What `-` reads. */
  input?: AsyncIterable<Uint8Array> | undefined
}

export async function examineSpans(
  paths: readonly string[],
  options: ExamineSpansOptions = {},
): Promise<SpanExamination> {
  const listed = await listSpanFiles(paths)
  if (!listed.ok) return listed
  const intake = createIntake({ own: [...(options.own ?? []), ...(await shippedDialects())] })
  const doctor = createSpanDoctor()
  for await (const spans of readSpans(listed.files, intake, options.input))
    for (const span of spans) doctor.see(span)
  return { ok: true, counts: intake.counts, dialects: doctor.report() }
}
