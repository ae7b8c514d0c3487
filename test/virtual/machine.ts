/**
 * A simulated machine under this process: while it is switched on, the program's clocks, timers, chance and everything
 * below `ROOT` are its own. So the program runs as it is, a month in a second, and the same for the same seed.
 */
import childProcess from 'node:child_process'
import crypto from 'node:crypto'
import os from 'node:os'
import perfHooks from 'node:perf_hooks'
import { createAgenda } from '../../src/simulate/agenda.js'
import type { Random } from '../../src/random/random.js'
import { createDisk, systemError } from './disk.js'
import type { Disk } from './disk.js'
import { patchFiles } from './files.js'
import { createPatches } from './patches.js'

export const ROOT = '/simulated-machine'

/** Makes the call fail: a system's code, or `short` for a write of a part. Null: it goes through. */
export type Trouble = (call: string, path: string) => string | null

export interface Machine {
  disk: Disk
  /** Time that only goes forward, milliseconds; stands while the machine is suspended. */
  nowMs(): number
  utcMs(): number
  /** Sets the wall clock. */
  setClock(byMs: number): void
  /** Of the living process: lost when it dies. */
  after(ms: number, run: () => void): () => void
  /** Starts a process; `main` is all that runs in it. It dies at its `dieAtCall`-th call to the system. */
  boot(main: () => Promise<void>, dieAtCall: number): void
  /** Lets time pass until then by the wall clock, or until the process has ended or died. */
  runUntil(utcMs: number): Promise<void>
  /** Time in which no process runs. */
  idle(ms: number): void
  /** `running`, `ended` by itself, `crashed` with an error that nobody caught, or `killed`. */
  state(): 'running' | 'ended' | 'crashed' | 'killed'
  crash(): unknown
  /** As `kill -9`. */
  kill(): Promise<void>
  /** The machine is off; what was not synced is gone. It is switched on again at once. */
  powerCut(): Promise<void>
  /** Counts the process's calls so far; the world's faults are counted elsewhere. */
  calls(): number
  setTrouble(trouble: Trouble): void
  /** Gives the process's surroundings back. */
  switchOff(): void
}

/** @param random of delays and of what the program draws from the system */
export function switchOn(startUtcMs: number, random: Random): Machine {
  const agenda = createAgenda()
  const delays = random.fork('delays')
  const entropy = random.fork('entropy')
  const cuts = random.fork('power cuts')
  const { replace, restore } = createPatches()
  const disk = createDisk(ROOT, () => nowMs)
  const turn = setImmediate
  let nowMs = 1_000
  let offsetMs = startUtcMs - nowMs
  /** Of the process that runs, or ran last. */
  let life = 0
  let boots = 1
  let isAlive = false
  let state: ReturnType<Machine['state']> = 'ended'
  let crash: unknown = null
  let calls = 0
  let dieAtCall = Infinity
  let trouble: Trouble = () => null

  function die(how: 'killed' | 'crashed'): void {
    isAlive = false
    state = how
    disk.processDied()
  }

  /** Everything that has no time to wait for: promises that are settled already. */
  const settle = (): Promise<void> => new Promise((resolve) => void turn(resolve))

  function after(ms: number, run: () => void): () => void {
    const own = life
    let isWanted = isAlive
    agenda.at(nowMs + Math.max(0, ms), () => {
      if (isWanted && isAlive && own === life) run()
    })
    return () => void (isWanted = false)
  }

  /** One call to the system: it may fail, and it may be the process's last, done or not. */
  function call<T>(name: string, path: string, done: (most?: number) => T): T {
    if (!isAlive) throw systemError('EIO', name, path)
    nowMs += 0.002
    const isLast = ++calls === dieAtCall
    if (isLast && delays.int(2) === 0) {
      if (name === 'write') done(delays.int(40))
      die('killed')
      throw systemError('EIO', name, path)
    }
    const code = trouble(name, path)
    if (code === 'ENOSPC' && name === 'write' && delays.int(2) === 0) done(delays.int(200))
    if (code !== null && code !== 'short') throw systemError(code, name, path)
    const answer = done(code === 'short' ? 1 + delays.int(60) : undefined)
    if (isLast) die('killed')
    return answer
  }

  function patchTime(): void {
    replace(Date, 'now', () => Math.floor(nowMs + offsetMs))
    // A clock that stood between two readings would be spun on for ever.
    replace(performance, 'now', () => (nowMs += 0.0001))
    const timer = (repeat: boolean) => (run: unknown, ms: unknown) => {
      if (typeof run !== 'function') throw new TypeError('a timer needs a function')
      const waitMs = Math.max(1, typeof ms === 'number' && ms <= 2 ** 31 - 1 ? ms : 1)
      let cancel = (): void => undefined
      const begin = (): void => {
        cancel = after(waitMs + delays.next() * 0.5, () => {
          if (repeat) begin()
          run()
        })
      }
      begin()
      const handle = { unref: () => handle, ref: () => handle, cancel: () => cancel() }
      return handle
    }
    const clear = (handle: unknown): void => {
      if (typeof handle === 'object' && handle !== null && 'cancel' in handle) {
        if (typeof handle.cancel === 'function') handle.cancel()
      }
    }
    replace(globalThis, 'setTimeout', timer(false))
    replace(globalThis, 'setInterval', timer(true))
    replace(globalThis, 'clearTimeout', clear)
    replace(globalThis, 'clearInterval', clear)
    replace(globalThis, 'setImmediate', (run: unknown) => {
      if (typeof run === 'function') after(0.02, () => run())
      return {}
    })
  }

  /** What else the program asks of the system. No process can be started: so the instrument is not calibrated, and says so. */
  function patchSystem(): void {
    const bytes = (count: unknown): Buffer =>
      Buffer.from(Array.from({ length: Number(count) }, () => entropy.int(256)))
    replace(crypto, 'randomBytes', bytes)
    replace(crypto, 'randomUUID', () => bytes(16).toString('hex'))
    replace(crypto, 'randomInt', (below: unknown) => entropy.int(Number(below)))
    replace(os, 'uptime', () => nowMs / 1000)
    replace(perfHooks, 'monitorEventLoopDelay', () => {
      return { max: 0, percentile: () => 0, enable: () => true, disable: () => true }
    })
    replace(childProcess, 'spawn', () => {
      throw systemError('ENOSYS', 'spawn')
    })
  }

  patchTime()
  patchSystem()
  patchFiles(replace, {
    root: ROOT,
    disk,
    call,
    after: (run) => after(0.05 + delays.next() * 3, run),
    utcMs: () => nowMs + offsetMs,
    identity: () => ({ bootId: `boot-${boots}`, startTicks: String(life) }),
  })

  const runs = (): boolean => isAlive
  async function pass(untilUtcMs: number): Promise<void> {
    await settle()
    for (; runs(); await settle()) {
      const nextMs = agenda.nextMs()
      if (nextMs + offsetMs > untilUtcMs) break
      nowMs = Math.max(nowMs, nextMs)
      agenda.runDue(nextMs)
    }
    // Where a process has ended or died, its end is the time.
    if (isAlive) nowMs = Math.max(nowMs, untilUtcMs - offsetMs)
  }

  return {
    disk,
    nowMs: () => nowMs,
    utcMs: () => nowMs + offsetMs,
    setClock: (byMs) => void (offsetMs += byMs),
    after,
    boot(main, lastCall) {
      if (isAlive) throw new Error('a process runs already')
      const own = ++life
      isAlive = true
      state = 'running'
      calls = 0
      dieAtCall = lastCall
      const end = (how: typeof state, error: unknown): void => {
        if (own !== life || !isAlive) return
        if (how === 'crashed') crash = error
        isAlive = false
        state = how
        disk.processDied()
      }
      main().then(
        () => end('ended', null),
        (error: unknown) => end('crashed', error),
      )
    },
    async runUntil(utcMs) {
      const before = process.listeners('unhandledRejection')
      process.removeAllListeners('unhandledRejection')
      process.on('unhandledRejection', (error) => {
        if (!isAlive) return // of a process that is gone
        crash = error
        die('crashed')
      })
      try {
        await pass(utcMs)
      } finally {
        process.removeAllListeners('unhandledRejection')
        for (const listener of before) process.on('unhandledRejection', listener)
      }
    },
    idle: (ms) => void (nowMs += ms),
    state: () => state,
    crash: () => crash,
    async kill() {
      if (isAlive) die('killed')
      await settle()
    },
    async powerCut() {
      if (isAlive) die('killed')
      await settle()
      disk.powerCut(cuts)
      boots++
    },
    calls: () => calls,
    setTrouble: (next) => void (trouble = next),
    switchOff: restore,
  }
}
