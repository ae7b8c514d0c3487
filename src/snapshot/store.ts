/** The results folder: which file lies where, and which of them is the newest. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { systemCode } from '../border/system-error.js'
import { readSnapshot } from './format.js'
import { JOURNAL_ENDING } from './journal.js'
import { liveLocks } from './lock.js'
import type { Result } from './problem.js'
import { diskProblem, fail } from './problem.js'
import { syncFolder, writeAtomically } from './write.js'

const BASELINE = 'baseline.json'

/** Runs stay out of a repository, baselines are meant for it. */
const GITIGNORE = '*\n!*/\n!.gitignore\n!**/baseline.json\n'

/**
 * The id of a run, which is the name of its files: `20261123T090000Z-7f3a`. Names sort by time.
 * @param suffix tells apart two runs of one second
 */
export function runId(utcMs: number, suffix = randomBytes(2).toString('hex')): string {
  return `${stamp(utcMs)}-${suffix}`
}

function stamp(utcMs: number): string {
  return `${new Date(utcMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
}

/** The folder of one scenario. Whatever its name, it lies directly in `out`. */
export function resultsDir(out: string, scenario: string): string {
  const name = encodeURIComponent(scenario.replace(/\p{Cs}/gu, '_')).replace(/^\./, '%2E')
  return join(out, name === '' ? '_' : name)
}

export function snapshotPath(dir: string, id: string): string {
  return join(dir, `${id}.json`)
}

export function baselinePath(out: string, scenario: string): string {
  return join(resultsDir(out, scenario), BASELINE)
}

/** Makes the folder of a scenario, for its owner only; where `out` is new too, with a .gitignore on top. */
export async function makeResultsDir(out: string, scenario: string): Promise<Result<string>> {
  const dir = resultsDir(out, scenario)
  try {
    if (await makeFolder(resolve(out))) {
      const written = await writeAtomically(join(out, '.gitignore'), GITIGNORE)
      if (!written.ok) return written
    }
    await makeFolder(resolve(dir))
    return { ok: true, value: dir }
  } catch (error) {
    return { ok: false, problem: diskProblem(error, dir, 'written') }
  }
}

const OWNER_ONLY = 0o700

/**
 * Makes a folder and those above it, so that they outlive a power cut; false where it was there. By hand, because
 * Node's recursive mkdir answers ENOENT where the file system is read-only.
 */
export async function makeFolder(path: string, mode = OWNER_ONLY): Promise<boolean> {
  const isNew = await makeOne(path, mode)
  // What is synced in a folder is lost with it where its own name is not (fsync(2)). Where it was there already the
  // process that made it may have died before this.
  await syncFolder(dirname(path)).catch((error: unknown) => {
    if (!NOT_OURS.has(systemCode(error) ?? '')) throw error
  })
  return isNew
}

/** The folder above belongs to somebody else, who lets us make one in it and not read it, or whose disk takes no writes. */
const NOT_OURS: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS'])

async function makeOne(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode })
    return true
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return false
    if (code !== 'ENOENT' || dirname(path) === path) throw error
  }
  await makeFolder(dirname(path), mode)
  // Not by asking again: in /proc a folder whose parent is there is missing all the same.
  await mkdir(path, { mode })
  return true
}

/** The snapshots in a folder, oldest first: by the time in their names, else by when they were written. No baseline among them. */
export async function listSnapshots(dir: string): Promise<Result<string[]>> {
  try {
    const names = (await readdir(dir)).filter(
      (name) => name.endsWith('.json') && name !== BASELINE && !name.startsWith('.'),
    )
    const dated = await Promise.all(names.map(async (name) => ({ name, key: await timeKey(dir, name) })))
    dated.sort((a, b) => compareText(a.key, b.key) || compareText(a.name, b.name))
    return { ok: true, value: dated.map(({ name }) => join(dir, name)) }
  } catch (error) {
    return { ok: false, problem: diskProblem(error, dir, 'read') }
  }
}

/** A folder of results and the folders in it. */
export async function foldersIn(dir: string): Promise<Result<string[]>> {
  try {
    const entries = await readdir(dir, { withFileTypes: true })
    const inner = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name))
    return { ok: true, value: [dir, ...inner] }
  } catch (error) {
    return { ok: false, problem: diskProblem(error, dir, 'read') }
  }
}

async function timeKey(dir: string, name: string): Promise<string> {
  if (/^\d{8}T\d{6}Z-[0-9a-f]+\.json$/.test(name)) return name.slice(0, 16)
  return stamp((await stat(join(dir, name))).mtimeMs)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export async function newestSnapshot(dir: string): Promise<Result<string>> {
  const list = await listSnapshots(dir)
  if (!list.ok) return list
  const newest = list.value.at(-1)
  if (newest !== undefined) return { ok: true, value: newest }
  const baseline = await stat(join(dir, BASELINE)).catch(() => null)
  if (baseline !== null)
    return fail('not-found', dir, 'holds a baseline but no other snapshot; name the file')
  return fail('not-found', dir, 'holds no snapshot; name a folder that does, such as results/<scenario>')
}

/**
 * Journals that dead runs left and no whole snapshot was made of, oldest first. A folder that is not there has none.
 * One whose snapshot is whole was left by a run that died in its last moment: it goes.
 */
export async function findJournals(dir: string): Promise<Result<string[]>> {
  try {
    const names = await readdir(dir)
    const live = new Set((await liveLocks(dir)).map(({ holder }) => holder?.run))
    const dead = names
      .filter((name) => name.endsWith(JOURNAL_ENDING))
      .map((name) => name.slice(0, -JOURNAL_ENDING.length))
      .filter((run) => !live.has(run))
    const left: string[] = []
    for (const run of dead.toSorted(compareText)) {
      const path = join(dir, run + JOURNAL_ENDING)
      const isSaved = names.includes(`${run}.json`) && (await readSnapshot(snapshotPath(dir, run))).ok
      if (isSaved) await rm(path, { force: true }).catch(() => undefined)
      else left.push(path)
    }
    return { ok: true, value: left }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { ok: true, value: [] }
    return { ok: false, problem: diskProblem(error, dir, 'read') }
  }
}
