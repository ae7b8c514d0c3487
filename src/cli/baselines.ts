/** The baselines of `attribute`: a snapshot, or all that lie in a folder. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { knownTargets } from '../attribute/known.js'
import type { Known } from '../attribute/known.js'
import { readSnapshot } from '../snapshot/format.js'
import { loadSnapshot } from '../snapshot/locate.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { foldersIn, listSnapshots } from '../snapshot/store.js'
import type { BaselineName } from '../report/attribution-coverage.js'
import type { ExitCode } from './io.js'

export interface Baselines {
  known: Known[]
  names: Map<string, BaselineName>
  notes: string[]
}

export type FoundBaselines =
  { ok: true; baselines: Baselines } | { ok: false; problem: string; exit: ExitCode }

export function noBaselines(): FoundBaselines {
  return { ok: true, baselines: { known: [], names: new Map(), notes: [] } }
}

/** Samples are let go as soon as the curves are read. */
export async function loadBaselines(
  argument: string,
  places: { cwd: string; outDir: string },
): Promise<FoundBaselines> {
  const path = resolve(places.cwd, argument)
  const isFolder = (await stat(path).catch(() => null))?.isDirectory() === true
  const baselines: Baselines = { known: [], names: new Map(), notes: [] }
  if (!isFolder) {
    const loaded = await loadSnapshot(argument, places)
    if (!loaded.ok) {
      const exit = loaded.problem.kind === 'newer-format' ? 5 : 2
      return { ok: false, problem: loaded.problem.message, exit }
    }
    add(baselines, loaded.value)
  } else {
    for (const file of await filesIn(path, baselines.notes)) {
      const read = await readSnapshot(file)
      if (read.ok) add(baselines, read.value)
      else baselines.notes.push(`left out: ${read.problem.message}`)
    }
  }
  if (baselines.known.length > 0) return { ok: true, baselines }
  if (baselines.names.size === 0) {
    const [first] = baselines.notes
    return {
      ok: false,
      exit: 2,
      problem: `${argument} holds no snapshot that can be read: name a file, or a folder like results/<scenario>${first === undefined ? '' : ` (${first})`}`,
    }
  }
  return {
    ok: false,
    exit: 2,
    problem: `${argument} holds no prefill curve, so no span can be read against it: run a scenario with the probes prompt-length and output-length`,
  }
}

function add({ known, names, notes }: Baselines, snapshot: Snapshot): void {
  // An accepted baseline lies beside the run that it was.
  if (names.has(snapshot.id)) return
  names.set(snapshot.id, { scenario: snapshot.scenario.name, file: snapshot.scenario.file })
  const targets = knownTargets(snapshot)
  // What is doubtful of one without curves is of no concern: nothing is read against it.
  if (targets.length === 0) return
  known.push(...targets)
  if (snapshot.partial) notes.push(`baseline ${snapshot.id} is partial: its curves are less sure`)
  if (snapshot.instrument.overloaded)
    notes.push(`baseline ${snapshot.id} was measured by an overloaded client: its times are too long`)
}

/** The snapshots of a folder and of the folders in it, accepted baselines too; what cannot be listed is noted. */
async function filesIn(path: string, notes: string[]): Promise<string[]> {
  const folders = await foldersIn(path)
  if (!folders.ok) notes.push(`left out: ${folders.problem.message}`)
  const files: string[] = []
  for (const folder of folders.ok ? folders.value : []) {
    const list = await listSnapshots(folder)
    if (list.ok) files.push(...list.value)
    else notes.push(`left out: ${list.problem.message}`)
    const accepted = join(folder, 'baseline.json')
    if (await stat(accepted).catch(() => null)) files.push(accepted)
  }
  return files
}
