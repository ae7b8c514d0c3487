/** What can be wrong with a file of results: a closed list, each with a sentence for a person. */
import { systemCode } from '../border/system-error.js'

export type ProblemKind =
  // The disk
  | 'no-space'
  | 'no-permission'
  | 'read-only'
  | 'size-limit'
  | 'open-files'
  | 'missing'
  | 'exists'
  | 'io'
  // The content
  | 'cut' // ends inside
  | 'malformed'
  | 'checksum' // not what was written
  | 'newer-format' // exit 5; every other kind is 2 before a run and 3 within one
  | 'too-long'
  // The folder
  | 'locked' // another run writes there
  | 'not-accepted' // unfit for a baseline
  | 'not-found'

export interface SnapshotProblem {
  kind: ProblemKind
  path: string
  /** Names the file, says what is wrong and how to mend it. */
  message: string
}

export type Result<T> = { ok: true; value: T } | { ok: false; problem: SnapshotProblem }

export function fail(
  kind: ProblemKind,
  path: string,
  message: string,
): { ok: false; problem: SnapshotProblem } {
  return { ok: false, problem: { kind, path, message: `${path}: ${message}` } }
}

/** A failed system call as a problem. An error that is none is a bug of ours and thrown on. */
export function diskProblem(error: unknown, path: string, doing: 'read' | 'written'): SnapshotProblem {
  const code = systemCode(error)
  if (code === null) throw error
  const { kind, reason } = meaningOf(code)
  return { kind, path, message: `${path}: cannot be ${doing}: ${reason}` }
}

function meaningOf(code: string): { kind: ProblemKind; reason: string } {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return {
        kind: 'no-space',
        reason: `no space or no inodes left on its disk (${code}); free some or choose another folder with --out`,
      }
    case 'EACCES':
    case 'EPERM':
      return {
        kind: 'no-permission',
        reason: `this user has no permission (${code}); change the owner or choose another folder with --out`,
      }
    case 'EROFS':
      return {
        kind: 'read-only',
        reason: 'its file system is read-only (EROFS); choose another folder with --out',
      }
    case 'EFBIG':
      return {
        kind: 'size-limit',
        reason: 'it would pass the limit on the size of a file (EFBIG); see `ulimit -f`',
      }
    case 'EMFILE':
    case 'ENFILE':
      return {
        kind: 'open-files',
        reason: `too many files and sockets are open (${code}); raise \`ulimit -n\` or lower the concurrency`,
      }
    case 'ENOENT':
      return { kind: 'missing', reason: 'there is no such file or folder (ENOENT)' }
    case 'ENOTDIR':
      return { kind: 'missing', reason: 'a part of the path is no folder (ENOTDIR)' }
    case 'EISDIR':
      return { kind: 'exists', reason: 'it is a folder (EISDIR)' }
    case 'EEXIST':
      return { kind: 'exists', reason: 'it is there already (EEXIST)' }
    case 'ENAMETOOLONG':
      return { kind: 'io', reason: 'its name is too long for the file system (ENAMETOOLONG)' }
    default:
      return { kind: 'io', reason: `the system answered ${code}` }
  }
}
