/** One run at a time in a results folder: a lock that a dead run cannot keep. */
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync, rmSync, utimesSync } from 'node:fs'
import { readFile, readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { diskProblem, fail } from './problem.js'
import type { Result } from './problem.js'
import { writeAtomically } from './write.js'

export interface Lock {
  path: string
  /** To be called every few seconds: another machine sees by it that this run lives. */
  renew(): void
  release(): void
}

const LOCK = '.lock'
/** A holder on another machine, whose process nobody here can see, is dead after this long without a renewal. */
const SILENCE_MS = 120_000
/** How long to wait for a rival that came at the same moment to step back: longer than any that is not stopped takes. */
const YIELD_MS = 30_000

const Holder = z.object({
  run: z.string(),
  pid: z.int().min(1),
  host: z.string(),
  bootId: z.string().nullable(),
  /** The pid namespace: in another container the same pid is another process. */
  namespace: z.string().nullable(),
  /** Start of the process since boot, clock ticks: tells it from a later one with its pid. */
  startTicks: z.string().nullable(),
  /** Of this module in its thread: which of a process's locks are its own to judge. */
  keeper: z.string().optional(),
  /** False: it has not made sure yet that it is alone, and may step back. */
  isHeld: z.boolean().optional(),
})
type Holder = z.infer<typeof Holder>

const keeper = randomBytes(8).toString('hex')
/** Names of the locks that this keeper holds: one of its own that is not among them was released and could not be removed. */
const held = new Set<string>()

/**
 * Takes the lock of `folder` for a run, or says who holds it.
 *
 * Every run publishes a lock file under a name of its own and then looks for others that are alive: whoever comes
 * second sees the first. So a dead run's lock can be removed without a race (nobody makes that name again), which a
 * single lock file cannot offer. Of two that see each other before either holds the folder the smaller name waits for
 * the other to step back, so that never both are refused.
 */
export async function acquireLock(folder: string, run: string): Promise<Result<Lock>> {
  const name = `${run}.${randomBytes(4).toString('hex')}${LOCK}`
  const path = join(folder, name)
  held.add(name)
  const release = (): void => {
    held.delete(name)
    try {
      rmSync(path, { force: true })
    } catch {
      // Left behind it holds nobody up: its process is gone, or knows that it holds it no more.
    }
  }
  const publish = (isHeld: boolean): Promise<Result<unknown>> =>
    writeAtomically(path, `${JSON.stringify({ ...thisProcess(run), isHeld })}\n`)
  const written = await publish(false)
  if (!written.ok) {
    release()
    return written
  }
  try {
    for (let waitedMs = 0; ; waitedMs += 20) {
      const others = (await liveLocks(folder)).filter((lock) => lock.name !== name)
      if (others.length === 0) {
        const settled = await publish(true)
        if (settled.ok) return { ok: true, value: { path, renew: () => renew(path), release } }
        release()
        return settled
      }
      const rival = others.find(isHolding) ?? others.reduce((a, b) => (a.name < b.name ? a : b))
      if (isHolding(rival) || rival.name < name || waitedMs >= YIELD_MS) {
        release()
        return fail('locked', folder, heldBy(rival))
      }
      await sleep(20)
    }
  } catch (error) {
    release()
    return { ok: false, problem: diskProblem(error, folder, 'read') }
  }
}

interface LiveLock {
  name: string
  /** Null: the file cannot be understood. */
  holder: Holder | null
}

function isHolding({ holder }: LiveLock): boolean {
  return holder?.isHeld !== false
}

/** The locks in a folder whose runs live; those of dead runs are removed. */
export async function liveLocks(folder: string): Promise<LiveLock[]> {
  const live: LiveLock[] = []
  for (const name of (await readdir(folder)).filter((entry) => entry.endsWith(LOCK))) {
    const path = join(folder, name)
    const found = await inspect(path)
    if (found === null) continue
    if (isAlive(name, found.holder, found.silentMs)) live.push({ name, holder: found.holder })
    else await rm(path, { force: true }).catch(() => undefined) // in a folder that we may only read it does no harm
  }
  return live
}

async function inspect(path: string): Promise<{ holder: Holder | null; silentMs: number } | null> {
  const stats = await stat(path).catch(() => null)
  const text = await readFile(path, 'utf8').catch(() => null)
  if (stats === null || text === null) return null // released in between
  return { holder: parseHolder(text), silentMs: Date.now() - stats.mtimeMs }
}

function parseHolder(text: string): Holder | null {
  try {
    return Holder.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}

function isAlive(name: string, holder: Holder | null, silentMs: number): boolean {
  const here = thisProcess('')
  if (holder?.host === here.host) {
    if (holder.bootId !== here.bootId) return false // this machine was started again since
    if (holder.namespace === here.namespace) {
      if (!isRunning(holder.pid) || holder.startTicks !== startTicks(holder.pid)) return false
      return holder.keeper !== keeper || held.has(name)
    }
  }
  return silentMs < SILENCE_MS
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

function thisProcess(run: string): Holder {
  return {
    run,
    pid: process.pid,
    host: hostname(),
    bootId: orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: orNull(() => readlinkSync('/proc/self/ns/pid')),
    startTicks: startTicks(process.pid),
    keeper,
  }
}

/** Field 22 of /proc/<pid>/stat (proc(5)); the name before it may hold spaces and brackets. Null without /proc. */
function startTicks(pid: number): string | null {
  const line = orNull(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  return line?.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? null
}

function orNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}

function renew(path: string): void {
  const now = new Date()
  orNull(() => utimesSync(path, now, now)) // gone: somebody removed it by hand, and the journal goes on
}

function heldBy({ name, holder }: LiveLock): string {
  const who = holder === null ? 'another run' : `run ${holder.run} (process ${holder.pid} on ${holder.host})`
  return `${who} is writing here: wait for it, or use another --out; if it is surely over, delete ${name}`
}
