/** Making a snapshot the known-good one of its scenario. */
import { resolve } from 'node:path'
import { parseSnapshot } from './format.js'
import type { Places } from './locate.js'
import { readSource, resolveSnapshotPath, sourceName } from './locate.js'
import type { Result } from './problem.js'
import { fail } from './problem.js'
import type { Snapshot } from './snapshot.js'
import { baselinePath, makeResultsDir } from './store.js'
import { writeAtomically } from './write.js'

export interface Accepted {
  /** Where the baseline now lies, links followed. */
  path: string
  snapshot: Snapshot
  /** What it was accepted in spite of. */
  doubts: readonly string[]
}

/**
 * Copies a snapshot, byte for byte, to the baseline of its own scenario. One that is partial, or whose instrument was
 * overloaded, is no ground to judge others by: it is refused unless `force` is set.
 * @param argument anything that names one snapshot
 */
export async function acceptBaseline(
  argument: string,
  { force, ...places }: Places & { force: boolean },
): Promise<Result<Accepted>> {
  const source = await resolveSnapshotPath(argument, places)
  if (!source.ok) return source
  const name = sourceName(source.value)
  const text = await readSource(source.value)
  if (!text.ok) return text
  const read = parseSnapshot(text.value, name)
  if (!read.ok) return read
  const snapshot = read.value
  const doubts = doubtsOf(snapshot)
  if (doubts.length > 0 && !force) {
    return fail(
      'not-accepted',
      name,
      `${doubts.join('; ')}. Measure again, or accept it all the same with --force`,
    )
  }
  const out = resolve(places.cwd, places.outDir)
  const dir = await makeResultsDir(out, snapshot.scenario.name)
  if (!dir.ok) return dir
  const written = await writeAtomically(baselinePath(out, snapshot.scenario.name), text.value)
  return written.ok ? { ok: true, value: { path: written.value, snapshot, doubts } } : written
}

function doubtsOf(snapshot: Snapshot): string[] {
  const doubts: string[] = []
  if (snapshot.partial) doubts.push(`it is partial (${snapshot.partialReason ?? 'no reason is given'})`)
  if (snapshot.instrument.overloaded) doubts.push('its instrument was overloaded, so its times are too long')
  if (!snapshot.summary.some((row) => row.n > 0)) doubts.push('it holds no successful measurement')
  return doubts
}
