/** Where a run writes: folder and journal opened before the first request, the snapshot written at the end. */
import { randomInt } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Used } from '../plan/budget.js'
import { createBudget } from '../plan/budget.js'
import { systemReason } from '../border/system-error.js'
import { definitions } from '../sample/sample.js'
import type { Sample } from '../sample/sample.js'
import type { Scenario } from '../scenario/scenario.js'
import { readSnapshot, sha256, writeSnapshot } from '../snapshot/format.js'
import type { JournalHeader } from '../snapshot/journal-line.js'
import { readJournal } from '../snapshot/journal-reader.js'
import type { Journal } from '../snapshot/journal.js'
import { createJournal, resumeJournal } from '../snapshot/journal.js'
import type { Result, SnapshotProblem } from '../snapshot/problem.js'
import { readProvenance } from '../snapshot/provenance.js'
import type { Recovered, Reserved } from '../snapshot/recover.js'
import { recover } from '../snapshot/recover.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { findJournals, makeResultsDir, newestSnapshot, runId, snapshotPath } from '../snapshot/store.js'
import { assembleRecovered } from './assemble.js'
import type { Stop } from './events.js'
import type { LiveTarget } from './live-target.js'
import { toSnapshotTarget } from './live-target.js'
import type { Refused, RunOptions, RunResult } from './contract.js'

/** What an earlier part of the run left; empty for a run that begins. */
export interface Before {
  samples: readonly Sample[]
  usedIds: ReadonlySet<string>
  used: Used
  notes: readonly string[]
  isDone(probe: string, target: string, block: number): boolean
  /** How often the run was taken up again: part of every nonce. */
  resumptions: number
}

export interface OpenResults {
  kind: 'open'
  folder: string
  journal: Journal
  run: {
    id: string
    startedAt: string
    seed: number
    currency: string | null
    scenario: Snapshot['scenario']
    provenance: Snapshot['provenance']
  }
  before: Before
}

const NOTHING_USED: Used = { requests: 0, promptTokens: 0, outputTokens: 0, cost: 0 }
const NOTHING: Before = {
  samples: [],
  usedIds: new Set(),
  used: NOTHING_USED,
  notes: [],
  isDone: () => false,
  resumptions: 0,
}

export async function openResults(
  scenario: Scenario,
  lives: readonly LiveTarget[],
  options: RunOptions,
): Promise<OpenResults | Refused> {
  const made = await makeResultsDir(options.outDir, scenario.name)
  if (!made.ok) return refusal(made.problem)
  const folder = made.value
  const left = await findJournals(folder)
  if (!left.ok) return refusal(left.problem)
  const newest = left.value.at(-1)
  if (options.resume === true) {
    if (newest === undefined) return { kind: 'refused', exit: 2, message: await nothingToResume(folder) }
    return takeUp(newest, folder, scenario, options)
  }
  for (const journal of left.value) await turnIntoSnapshot(journal, folder, options)
  return begin(folder, scenario, lives, options)
}

async function begin(
  folder: string,
  scenario: Scenario,
  lives: readonly LiveTarget[],
  options: RunOptions,
): Promise<OpenResults | Refused> {
  const utcMs = options.clock.utcMs()
  const seed = options.seed ?? scenario.seed ?? randomInt(2 ** 31)
  const id = runId(utcMs)
  const run: OpenResults['run'] = {
    id,
    startedAt: new Date(utcMs).toISOString(),
    seed,
    currency: scenario.targets.find((target) => target.price !== null)?.price?.currency ?? null,
    scenario: {
      name: scenario.name,
      file: scenario.file,
      hash: sha256(scenario.text),
      text: scenario.text,
      gate: { margins: scenario.margins, detect: scenario.detect },
    },
    provenance: readProvenance({ seed, runId: id, definitions }),
  }
  const { currency, startedAt, provenance } = run
  const journal = await createJournal(folder, {
    run: id,
    startedAt,
    scenario: run.scenario,
    seed,
    planHash: (await planHasher(scenario))(seed),
    currency,
    provenance,
    instrument: null,
    targets: lives.map(toSnapshotTarget),
  })
  if (!journal.ok) return refusal(journal.problem)
  return { kind: 'open', folder, journal: journal.value, run, before: NOTHING }
}

async function takeUp(
  path: string,
  folder: string,
  scenario: Scenario,
  options: RunOptions,
): Promise<OpenResults | Refused> {
  const hashFor = await planHasher(scenario)
  const resumed = await resumeJournal(path, new Date(options.clock.utcMs()).toISOString(), (header) => {
    if (options.seed !== undefined && options.seed !== header.seed)
      return `was begun with seed ${header.seed}: leave --seed out, or run without --resume`
    if (header.planHash === hashFor(header.seed)) return null
    return `was begun with another plan of ${scenario.name} (targets, probes, prompts or load): restore it, or run without --resume`
  })
  if (!resumed.ok) return refusal(resumed.problem)
  const { journal, text } = resumed.value
  const recovered = recover(text)
  return {
    kind: 'open',
    folder,
    journal,
    run: runOf(recovered.header),
    before: {
      ...recovered,
      used: usedOf(recovered.reserved),
      resumptions: text.entries.filter((entry) => entry.kind === 'resume').length,
    },
  }
}

function runOf(header: JournalHeader): OpenResults['run'] {
  const { run: id, startedAt, seed, currency, scenario, provenance } = header
  return { id, startedAt, seed, currency, scenario, provenance }
}

/** A run that lives holds its journal; one killed in its last moment had saved its snapshot. */
async function nothingToResume(folder: string): Promise<string> {
  const names = await readdir(folder).catch((): string[] => [])
  const held = names.find((name) => name.endsWith('.journal'))
  if (held !== undefined)
    return `${folder}: the process of ${held} is still there: wait for its end, then run --resume again`
  const newest = await newestSnapshot(folder)
  const saved = newest.ok
    ? `; its newest run is saved in ${basename(newest.value)} and over (as one is that Ctrl-C ended)`
    : ''
  return `${folder} holds no journal to resume${saved}: run without --resume`
}

/** The next run saves what a dead one left, as a snapshot marked partial. */
async function turnIntoSnapshot(path: string, folder: string, { onEvent, fit }: RunOptions): Promise<void> {
  const read = await readJournal(path)
  if (!read.ok) {
    // Torn inside its first line: nothing was measured.
    if (read.problem.kind === 'cut') return discard(path, onEvent)
    onEvent({ kind: 'note', text: `left as it is: ${read.problem.message}` })
    return
  }
  const recovered: Recovered = recover(read.value)
  if (recovered.samples.length === 0) return discard(path, onEvent)
  const target = snapshotPath(folder, recovered.header.run)
  const written = await writeKept(target, assembleRecovered(recovered, usedOf(recovered.reserved), fit))
  if (written.ok) await discard(path, onEvent)
  const text = written.ok
    ? `an earlier run was broken off: its ${recovered.samples.length} samples are saved in ${written.value} (partial)`
    : `an earlier run was broken off and could not be saved: ${written.problem.message}`
  onEvent({ kind: 'note', text })
}

/** One that cannot be removed costs nothing but a look at the next run. */
async function discard(journal: string, onEvent: RunOptions['onEvent']): Promise<void> {
  try {
    await rm(journal, { force: true })
  } catch (error) {
    onEvent({
      kind: 'note',
      text: `${journal} is of no more use and could not be removed: ${systemReason(error)}`,
    })
  }
}

/** A cap holds over any number of crashes: what was reserved and never settled counts at its worst. */
function usedOf(reserved: readonly Reserved[]): Used {
  const budget = createBudget({ requests: null, tokens: null, cost: null })
  for (const { worst, settled } of reserved) {
    const reservation = budget.reserve(worst)
    if (!('passed' in reservation)) reservation.settle(settled === 'open' ? {} : settled)
  }
  return budget.used()
}

/**
 * What a resumed run must have in common with the part before it: targets, probes and their settings, the bytes of the
 * user's files, load and order. Not what only looks at the results: expectations, output, comments.
 */
async function planHasher(scenario: Scenario): Promise<(seed: number) => string> {
  const fileHash = async (path: string): Promise<string> =>
    sha256(await readFile(path, 'utf8').catch(() => ''))
  const probes = await Promise.all(
    scenario.probes.map(async ({ probe, settings, targets, file, precision = null }) => {
      return [probe.name, settings, targets, precision, file === null ? null : await fileHash(file)]
    }),
  )
  const prompts = scenario.prompts === null ? null : [scenario.prompts, await fileHash(scenario.prompts.file)]
  const { load, order, warmupRequests } = scenario
  // Where a price was looked up changes nothing of the plan.
  const targets = scenario.targets.map((target) => ({
    ...target,
    price: target.price === null ? null : { ...target.price, source: undefined },
  }))
  return (seed) => sha256(JSON.stringify([targets, probes, prompts, load, order, warmupRequests, seed]))
}

/** Writes the snapshot and reads it back; the journal goes once it is safe, and stays where it is not. */
export async function finishResults(
  snapshot: Omit<Snapshot, 'checksum'>,
  samples: readonly Sample[],
  { folder, journal }: OpenResults,
  stop: Stop | null,
): Promise<RunResult> {
  await journal.sync()
  const written = await writeKept(snapshotPath(folder, snapshot.id), snapshot)
  const read = written.ok ? await readSnapshot(written.value) : written
  if (!written.ok || !read.ok) {
    await journal.close()
    const why = read.ok ? '' : read.problem.message
    return {
      kind: 'refused',
      exit: 3,
      spent: snapshot.spent.cost?.amount,
      message: `${why}; the samples are in ${journal.path}: run again with --resume`,
    }
  }
  await journal.discard()
  return { kind: 'finished', snapshot: read.value, samples, path: written.value, stop }
}

/** A run too long for one file is kept as a summary: less is lost than with nothing. */
export async function writeKept(path: string, snapshot: Omit<Snapshot, 'checksum'>): Promise<Result<string>> {
  const written = await writeSnapshot(path, snapshot)
  if (written.ok || written.problem.kind !== 'too-long') return written
  const note = `the ${snapshot.samples.length} samples are too many for one file and were left out; --samples FILE keeps them`
  return writeSnapshot(path, { ...snapshot, samples: [], notes: [...snapshot.notes, note] })
}

function refusal({ message }: SnapshotProblem): Refused {
  return { kind: 'refused', exit: 2, message }
}
