/** What a scheduler keeps on the disk, beside the results: one at a time may hold it. */
import { join, resolve } from 'node:path'
import { acquireLock } from '../snapshot/lock.js'
import type { Lock } from '../snapshot/lock.js'
import { diskProblem } from '../snapshot/problem.js'
import { makeFolder, makeResultsDir } from '../snapshot/store.js'
import { syncFolder } from '../snapshot/write.js'
import type { Caps, Ledger } from './ledger.js'
import { openLedger } from './ledger.js'
import type { Memory } from './memory.js'
import { openMemory } from './memory.js'

/** No scenario's folder is called so: theirs do not begin with a dot. */
const FOLDER = '.schedule'

export interface State {
  lock: Lock
  memory: Memory
  ledger: Ledger
  /** Runs that were killed before they were settled: their worst case counts as spent. */
  unsettled: number
  close(): void
}

/** @param scenario one of those to be scheduled: its folder is made too, and the `.gitignore` above it */
export async function openState(
  out: string,
  scenario: string,
  { caps, newSeed }: { caps: Caps; newSeed: () => string },
): Promise<{ ok: true; state: State } | { ok: false; message: string }> {
  const made = await makeResultsDir(out, scenario)
  if (!made.ok) return { ok: false, message: made.problem.message }
  const folder = join(out, FOLDER)
  try {
    await makeFolder(resolve(folder))
  } catch (error) {
    return { ok: false, message: diskProblem(error, folder, 'written').message }
  }
  const taken = await acquireLock(folder, 'schedule')
  if (!taken.ok) return { ok: false, message: taken.problem.message }
  const lock = taken.value
  const memory = await openMemory(join(folder, 'state.json'), newSeed)
  if (!memory.ok) {
    lock.release()
    return memory
  }
  const books = openLedger(join(folder, 'ledger.ndjson'), caps)
  if (!books.ok) {
    lock.release()
    return books
  }
  const { ledger, unsettled } = books
  try {
    // The ledger syncs what stands in it, not its own name.
    await syncFolder(folder)
  } catch (error) {
    ledger.close()
    lock.release()
    return { ok: false, message: diskProblem(error, folder, 'written').message }
  }
  return {
    ok: true,
    state: {
      lock,
      memory: memory.memory,
      ledger,
      unsettled,
      close() {
        ledger.close()
        lock.release()
      },
    },
  }
}
