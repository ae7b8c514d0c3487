/** The journal of a run: every finished sample is in it before the next is printed, whatever then befalls the process. */
import { constants, ftruncateSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { JournalEntry, JournalHeader } from './journal-line.js'
import { JOURNAL_FORMAT } from './journal-line.js'
import type { JournalText } from './journal-reader.js'
import { readJournal } from './journal-reader.js'
import type { Lock } from './lock.js'
import { acquireLock } from './lock.js'
import type { Result, SnapshotProblem } from './problem.js'
import { diskProblem, fail } from './problem.js'
import { FILE_MODE, sweepTemporary, syncFolder, writeWhole } from './write.js'

/** Each method answers null, or what the disk refused; after that nothing more is written and sending must stop. */
export interface Journal {
  path: string
  /** Appends one whole line, in the page cache when it returns: it outlives the process, not yet a power cut. */
  append(entry: JournalEntry): SnapshotProblem | null
  /** Makes what was appended outlive a power cut: to be called each second, off the hot path. The disk's 4 ms pass on another thread. */
  sync(): Promise<SnapshotProblem | null>
  /** Syncs and frees the folder. The file stays: `--resume` or the next run finds it. */
  close(): Promise<SnapshotProblem | null>
  /** For when the snapshot is safe: the file goes. */
  discard(): Promise<SnapshotProblem | null>
}

export const JOURNAL_ENDING = '.journal'

export function journalPath(folder: string, run: string): string {
  return join(folder, run + JOURNAL_ENDING)
}

/**
 * Takes the folder for this run and opens its journal. Before the first paid request, so that a bad disk is found
 * free of charge.
 */
export async function createJournal(
  folder: string,
  header: Omit<JournalHeader, 'format'>,
): Promise<Result<Journal>> {
  const path = journalPath(folder, header.run)
  const lock = await acquireLock(folder, header.run)
  if (!lock.ok) return lock
  try {
    await sweepTemporary(folder, Date.now())
    const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL } = constants
    const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, FILE_MODE)
    const { journal, write } = writer(path, file, lock.value, 0)
    const problem = write({ kind: 'header', format: JOURNAL_FORMAT, ...header }) ?? (await journal.sync())
    if (problem !== null) {
      await journal.discard()
      return { ok: false, problem }
    }
    await syncFolder(folder)
    return { ok: true, value: journal }
  } catch (error) {
    lock.value.release()
    return { ok: false, problem: diskProblem(error, path, 'written') }
  }
}

/**
 * Takes up a journal that a dead run left: what stands in it, and the journal to go on with. A torn end is cut off.
 * @param at now, ISO 8601 UTC
 * @param refuse why the run cannot go on from this journal, or null; asked before anything is written to it
 */
export async function resumeJournal(
  path: string,
  at: string,
  refuse: (header: JournalHeader) => string | null = () => null,
): Promise<Result<{ journal: Journal; text: JournalText }>> {
  const lock = await acquireLock(dirname(path), basename(path, JOURNAL_ENDING))
  if (!lock.ok) return lock
  // Read only now: before the lock another process might have been appending.
  const read = await readJournal(path)
  if (!read.ok) {
    lock.value.release()
    return read
  }
  const text = read.value
  const refusal = refuse(text.header)
  if (refusal !== null) {
    lock.value.release()
    return fail('not-accepted', path, refusal)
  }
  try {
    const file = await open(path, constants.O_WRONLY | constants.O_APPEND)
    await file.truncate(text.wholeBytes)
    const { journal } = writer(path, file, lock.value, text.wholeBytes)
    const entry: JournalEntry = { kind: 'resume', at }
    const problem = journal.append(entry) ?? (await journal.sync())
    if (problem !== null) {
      await journal.close()
      return { ok: false, problem }
    }
    return { ok: true, value: { journal, text: { ...text, entries: [...text.entries, entry] } } }
  } catch (error) {
    lock.value.release()
    return { ok: false, problem: diskProblem(error, path, 'written') }
  }
}

/** @param wholeBytes length of the file so far, whole lines only */
function writer(
  path: string,
  file: FileHandle,
  lock: Lock,
  wholeBytes: number,
): { journal: Journal; write: (line: object) => SnapshotProblem | null } {
  let end = wholeBytes
  let syncedEnd = -1
  let problem: SnapshotProblem | null = null
  let syncing: Promise<void> = Promise.resolve()
  let isOpen = true

  /** Never two kinds of trouble at once: the first one stays, since what followed it was not written. */
  function guard(error: unknown): SnapshotProblem {
    problem ??= diskProblem(error, path, 'written')
    return problem
  }

  function write(line: object): SnapshotProblem | null {
    if (problem !== null) return problem
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
    try {
      writeWhole(file.fd, bytes)
      end += bytes.length
      return null
    } catch (error) {
      const refused = guard(error)
      cutTo(end)
      return refused
    }
  }

  /** Takes off the part of a line that fitted. If the disk refuses even that, the reader does it. */
  function cutTo(length: number): void {
    try {
      ftruncateSync(file.fd, length)
    } catch {
      return
    }
  }

  async function syncOnce(): Promise<void> {
    const reached = end
    if (reached === syncedEnd) return
    try {
      await file.datasync()
      syncedEnd = reached
    } catch (error) {
      guard(error)
    }
  }

  async function sync(): Promise<SnapshotProblem | null> {
    if (!isOpen) return problem
    lock.renew()
    syncing = syncing.then(syncOnce)
    await syncing
    return problem
  }

  async function close(): Promise<SnapshotProblem | null> {
    if (!isOpen) return problem
    await sync()
    isOpen = false
    try {
      await file.close()
    } catch (error) {
      guard(error)
    }
    lock.release()
    return problem
  }

  async function discard(): Promise<SnapshotProblem | null> {
    await close()
    try {
      await rm(path, { force: true })
    } catch (error) {
      return diskProblem(error, path, 'written')
    }
    return null
  }

  return { journal: { path, append: write, sync, close, discard }, write }
}
