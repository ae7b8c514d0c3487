/** From what a user writes for a snapshot to the snapshot. */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { terminalText } from '../border/escape.js'
import { jsonLimits } from '../border/json.js'
import { parseSnapshot, readText } from './format.js'
import type { Result } from './problem.js'
import { diskProblem, fail } from './problem.js'
import type { Snapshot } from './snapshot.js'
import { baselinePath, newestSnapshot } from './store.js'

export interface Places {
  cwd: string
  /** The results folder; may be relative to `cwd`. */
  outDir: string
}

export type SnapshotSource =
  | { kind: 'file'; path: string }
  /** A file as it stands in a commit; `path` counts from the top of the repository, or from `cwd` when it starts with ./ */
  | { kind: 'git'; ref: string; path: string; cwd: string }

/**
 * A file, a folder (its newest snapshot), `baseline:<scenario>` or `git:<ref>:<path>`. That a file is there is only
 * known once it is read.
 */
export async function resolveSnapshotPath(argument: string, places: Places): Promise<Result<SnapshotSource>> {
  const { cwd, outDir } = places
  const [scheme, ...rest] = argument.split(':')
  const tail = rest.join(':')
  if (scheme === 'baseline' && tail !== '') {
    return { ok: true, value: { kind: 'file', path: baselinePath(resolve(cwd, outDir), tail) } }
  }
  if (scheme === 'git' && rest.length > 0) return gitSource(argument, tail, cwd)
  const path = resolve(cwd, argument)
  try {
    if (!(await stat(path)).isDirectory()) return { ok: true, value: { kind: 'file', path } }
  } catch (error) {
    return { ok: false, problem: diskProblem(error, argument, 'read') }
  }
  const newest = await newestSnapshot(path)
  return newest.ok ? { ok: true, value: { kind: 'file', path: newest.value } } : newest
}

function gitSource(argument: string, tail: string, cwd: string): Result<SnapshotSource> {
  const colon = tail.indexOf(':')
  const ref = tail.slice(0, colon)
  const path = tail.slice(colon + 1)
  if (colon < 1 || path === '') return fail('not-found', argument, 'is not of the form git:<ref>:<path>')
  // Git would take it for an option.
  if (ref.startsWith('-')) return fail('not-found', argument, 'a git ref cannot start with "-"')
  return { ok: true, value: { kind: 'git', ref, path, cwd } }
}

/** How problems and reports call a source. */
export function sourceName(source: SnapshotSource): string {
  return source.kind === 'file' ? source.path : `git:${source.ref}:${source.path}`
}

export async function loadSnapshot(argument: string, places: Places): Promise<Result<Snapshot>> {
  const source = await resolveSnapshotPath(argument, places)
  if (!source.ok) return source
  const text = await readSource(source.value)
  if (!text.ok && text.problem.kind === 'missing' && argument.startsWith('baseline:')) {
    const how = '`plumbline accept <snapshot>` makes one'
    return fail('missing', text.problem.path, `no baseline of this scenario was accepted; ${how}`)
  }
  return text.ok ? parseSnapshot(text.value, sourceName(source.value)) : text
}

export async function readSource(source: SnapshotSource): Promise<Result<string>> {
  if (source.kind === 'file') return readText(source.path)
  const { ref, path, cwd } = source
  try {
    // Not `git show`, which runs the filters that a repository's configuration may name.
    const { stdout } = await promisify(execFile)('git', ['cat-file', 'blob', `${ref}:${path}`], {
      cwd,
      maxBuffer: jsonLimits.maxLength,
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
    })
    return { ok: true, value: stdout }
  } catch (error) {
    return fail('not-found', sourceName(source), gitReason(error))
  }
}

function gitReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'ENOENT') return 'cannot be read: git is not installed'
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'is longer than a snapshot can be'
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
  return `git does not find it (${terminalText(stderr.trim().split('\n')[0] ?? '', 200)})`
}
