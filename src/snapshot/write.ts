/** Writing a file so that a reader finds the old one or the new one whole, whenever the process dies. */
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { open, readdir, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { systemCode } from '../border/system-error.js'
import { diskProblem } from './problem.js'
import type { Result } from './problem.js'

/** Results may hold what a provider answered: for their owner only. */
export const FILE_MODE = 0o600

/**
 * Replaces the file at `path`, or makes it. A symbolic link there stays and its target is replaced. Resolves to the
 * path that was written, links followed.
 */
export async function writeAtomically(path: string, content: string | Uint8Array): Promise<Result<string>> {
  let temporary: string | null = null
  try {
    const target = await realTarget(path)
    // Of this write alone: with one shared name two writers renamed each other's halves.
    temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}${TEMPORARY}`)
    const file = await open(temporary, 'wx', FILE_MODE)
    try {
      await writeAll(file, typeof content === 'string' ? Buffer.from(content) : content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, target)
    temporary = null
    await syncFolder(dirname(target))
    return { ok: true, value: target }
  } catch (error) {
    const problem = diskProblem(error, path, 'written')
    return { ok: false, problem }
  } finally {
    if (temporary !== null) await rm(temporary, { force: true }).catch(() => undefined)
  }
}

/** The whole of `bytes`, or an exception; a short write is no error to the system, so it goes on from there. */
export function writeWhole(fd: number, bytes: Uint8Array): void {
  let written = 0
  while (written < bytes.length) written += writeSync(fd, bytes, written)
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0
  while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten
}

/** Makes a new name in a folder last through a power cut. Where a system cannot do that, nothing is lost by going on. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    if (systemCode(error) !== 'EINVAL') throw error
  } finally {
    await handle.close()
  }
}

/** Where a write to `path` lands: links are followed, the last one too, even when it points to nothing yet. */
async function realTarget(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
  const folder = await realpath(dirname(path))
  const inFolder = join(folder, basename(path))
  const link = await readlink(inFolder).catch(() => null)
  return link === null ? inFolder : realTarget(resolve(folder, link))
}

const TEMPORARY = '.tmp'
const HOUR_MS = 3_600_000

/** Removes what atomic writes left in a folder when they were killed: temporary files that nobody writes any more. */
export async function sweepTemporary(folder: string, utcMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('.') || !name.endsWith(TEMPORARY)) continue
    const path = join(folder, name)
    const age = await stat(path)
      .then((stats) => utcMs - stats.mtimeMs)
      .catch(() => 0)
    if (age > HOUR_MS) await rm(path, { force: true }).catch(() => undefined)
  }
}
