/** What a snapshot says of the software and the machine that measured. */
import { readFileSync, statSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Provenance } from './snapshot.js'

const PACKAGE = 'llm-plumbline'

/** By hand: every start of the command line reads it, and a schema would be most of what that loads. */
function versionIn(packageFile: string): string | null {
  const read: unknown = JSON.parse(packageFile)
  if (typeof read !== 'object' || read === null || !('name' in read) || !('version' in read)) return null
  return read.name === PACKAGE && typeof read.version === 'string' ? read.version : null
}

/** The package this file belongs to: the sources and the built files lie at different depths below it. */
function findPackage(from: string): { folder: string; version: string } | null {
  const text = readOrNull(join(from, 'package.json'))
  const version = text === null ? null : versionIn(text)
  if (version !== null) return { folder: from, version }
  const parent = dirname(from)
  return parent === from ? null : findPackage(parent)
}

const ourPackage = findPackage(dirname(fileURLToPath(import.meta.url)))

/** Version of Plumbline, from its package.json. */
export const harnessVersion = ourPackage?.version ?? 'unknown'

export function readProvenance(run: Pick<Provenance, 'seed' | 'runId' | 'definitions'>): Provenance {
  const processors = cpus()
  return {
    harness: harnessVersion,
    commit: ourPackage === null ? null : commitOf(ourPackage.folder),
    node: process.version,
    os: `${process.platform} ${release()} ${process.arch}`,
    cpu: `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}`,
    ...run,
  }
}

/**
 * The commit that a checkout stands at; null where `folder` is no checkout of its own (as in node_modules, whose
 * repository is the user's). Read from the files of .git (gitrepository-layout(5)): no process is started.
 */
export function commitOf(folder: string): string | null {
  const gitDir = gitDirOf(folder)
  if (gitDir === null) return null
  const head = readOrNull(join(gitDir, 'HEAD'))?.trim() ?? ''
  if (isCommit(head)) return head
  const ref = /^ref: (refs\/[\w./-]+)$/.exec(head)?.[1]
  if (ref === undefined || ref.includes('..')) return null
  // A worktree keeps its HEAD to itself and shares the branches.
  const common = resolve(gitDir, readOrNull(join(gitDir, 'commondir'))?.trim() ?? '.')
  const loose = readOrNull(join(common, ref))?.trim() ?? ''
  if (isCommit(loose)) return loose
  const packed = readOrNull(join(common, 'packed-refs')) ?? ''
  const line = packed.split('\n').find((entry) => entry.endsWith(` ${ref}`))
  const commit = line?.split(' ')[0] ?? ''
  return isCommit(commit) ? commit : null
}

function gitDirOf(folder: string): string | null {
  const path = join(folder, '.git')
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path
  const target = /^gitdir: (.+)$/m.exec(readOrNull(path) ?? '')?.[1]
  return target === undefined ? null : resolve(folder, target)
}

function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
