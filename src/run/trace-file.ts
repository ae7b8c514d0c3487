/** Reads the recorded arrivals of a scenario's load, so that its plan knows them. */
import { readFile } from 'node:fs/promises'
import { readTrace } from '../plan/arrivals-trace.js'
import type { Scenario } from '../scenario/scenario.js'

/** The scenario with the arrivals of its trace in the load; one without a trace as it is. */
export async function withTrace(
  scenario: Scenario,
): Promise<{ ok: true; scenario: Scenario } | { ok: false; message: string }> {
  const { load } = scenario
  if (load.kind === 'closed' || load.trace === undefined) return { ok: true, scenario }
  const { file, speed } = load.trace
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    return {
      ok: false,
      message: `${file}: cannot be read; load.trace.file is taken from the scenario's own folder`,
    }
  }
  const read = readTrace(text, speed)
  if (!read.ok) return { ok: false, message: `${file}: ${read.problem}` }
  const rate = Number(read.ratePerS.toPrecision(4)) // it stands in the names of cells
  return { ok: true, scenario: { ...scenario, load: { ...load, rate, offsetsMs: read.offsetsMs } } }
}
