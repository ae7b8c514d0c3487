/** `attribute --suggest`: prints a scenario that probes what the spans do. */
import { resolve } from 'node:path'
import { createPopulation } from '../attribute/population.js'
import { suggestScenario } from '../attribute/suggest.js'
import { createIntake } from '../span/intake.js'
import type { IntakeOptions } from '../span/intake.js'
import { listSpanFiles, readSpans } from '../span/read-spans.js'
import { terminalText } from '../border/escape.js'
import { nothingText } from '../report/attribution.js'
import type { ExitCode, Io } from './io.js'
import { refuse } from './io.js'

export async function suggest(
  paths: readonly string[],
  own: IntakeOptions['own'],
  io: Io,
): Promise<ExitCode> {
  const listed = await listSpanFiles(paths.map((path) => (path === '-' ? path : resolve(io.cwd, path))))
  if (!listed.ok) return refuse([listed.message], false, io)
  const intake = createIntake({ own })
  const population = createPopulation()
  for await (const spans of readSpans(listed.files, intake)) for (const span of spans) population.add(span)
  const suggestion = suggestScenario(population.result())
  if (suggestion === undefined) {
    if (intake.counts.spans === 0) return refuse([nothingText(intake.counts, listed.files)], false, io)
    const message = `no model has five calls with token counts among ${intake.counts.spans} calls: plumbline doctor says what the spans lack`
    return refuse([message], false, io)
  }
  for (const [kind, count] of Object.entries(intake.counts.faults))
    io.err(`note: unreadable: ${count} × ${terminalText(kind, 200)}\n`)
  for (const note of suggestion.notes) io.err(`note: ${terminalText(note, 2000)}\n`)
  io.out(suggestion.text)
  return 0
}
