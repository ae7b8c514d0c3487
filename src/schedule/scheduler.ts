/** The loop: waits for firings and starts runs; clock, sleep and run are parameters, so a year passes in seconds. */
import type { Random } from '../random/random.js'
import type { Clock } from '../units/time.js'
import { nsToMs } from '../units/time.js'
import { createTimetable } from './firing.js'
import type { Job, Outcome, ScheduleEvent } from './job.js'
import type { Ledger } from './ledger.js'
import { firingsBetween, nextToStart, takeDue } from './queue.js'
import type { Entry } from './queue.js'

/** New jobs, or why the file that holds them cannot be used; null where nothing changed. */
export type Reloaded = { ok: true; jobs: readonly Job[] } | { ok: false; problems: readonly string[] } | null

export interface SchedulerOptions {
  jobs: readonly Job[]
  clock: Clock
  /** Resolves after so long by the monotonic clock, or when the signal fires; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Makes a run and tells who must be told. It never rejects for what a target did. */
  run(job: Job): Promise<Outcome>
  reload(): Promise<Reloaded>
  /** The last firing of a job that became a run or was told as missed, by this process or one before. */
  lastDueMs(job: string): number | null
  /** Remembers it over a restart. */
  remember(job: string, dueMs: number): Promise<void>
  ledger: Ledger
  random: Random
  /** Ends the loop; what runs is waited for. */
  stop: AbortSignal
  onEvent(event: ScheduleEvent): void
  /** Told at each turn of the loop: it is alive. `nextMs`: the next start of each job. */
  onTurn?(next: ReadonlyMap<string, number>): void
  /** Runs at once, on targets apart. More than one disturbs the timing of the others. @default 1 */
  atOnce?: number | undefined
  /** Between two starts: a client's calibration wants the machine to itself. @default 2000 */
  startGapMs?: number | undefined
  /** Between two looks at the clock and the files. @default 30000 */
  longestSleepMs?: number | undefined
}

/** A step of the wall clock against the monotonic one that is told, and after which the timetable is looked at anew. */
const JUMP_MS = 5_000
/** A clock that was set back by more than this had been wrong before. */
const WRONG_CLOCK_MS = 86_400_000

export async function runScheduler(options: SchedulerOptions): Promise<void> {
  const { clock, ledger, random, stop, onEvent, atOnce = 1 } = options
  const { startGapMs = 2_000, longestSleepMs = 30_000 } = options
  let entries: Entry[] = []
  const running = new Set<Promise<void>>()
  let lastStartMs = -Infinity
  /** Cuts the sleep short. */
  let wake = new AbortController()
  const onStop = (): void => wake.abort()
  stop.addEventListener('abort', onStop)
  let seen = readClocks()

  function readClocks(): { utcMs: number; ms: number } {
    return { utcMs: clock.utcMs(), ms: nsToMs(clock.nowNs()) }
  }

  async function configure(jobs: readonly Job[], isStart: boolean): Promise<void> {
    const nowMs = clock.utcMs()
    const before = new Map(entries.map((entry) => [entry.job.name, entry]))
    const made: Entry[] = []
    for (const job of jobs) {
      const next = createTimetable(job, random.fork(job.name))
      const old = before.get(job.name)
      if (isStart) tellUnsettled(job.name)
      const lastMs = lastDueMs(job.name)
      if (isStart && lastMs !== null && lastMs < nowMs) {
        const missed = firingsBetween(next, lastMs, nowMs)
        if (missed !== null) {
          onEvent({ kind: 'missed', job: job.name, ...missed })
          await options.remember(job.name, missed.lastMs)
        }
      }
      // From now on somebody watches: what is missed is told from here.
      if (lastMs === null) await options.remember(job.name, nowMs)
      // Never a firing again that was taken before, whatever the clock says now.
      const fromMs = lastMs !== null && lastMs < nowMs + WRONG_CLOCK_MS ? Math.max(nowMs, lastMs) : nowMs
      const isSame = old !== undefined && sameTimetable(old.job, job)
      made.push({
        job,
        next,
        upcoming: isSame ? old.upcoming : next(fromMs),
        waiting: old?.waiting ?? null,
        takenMs: old?.takenMs ?? null,
        isRunning: old?.isRunning ?? false,
        untold: old?.untold ?? [],
      })
    }
    const gone = entries.filter(({ job }) => !jobs.some(({ name }) => name === job.name))
    for (const entry of gone) await giveUpWaiting(entry)
    // What still runs keeps its targets busy, also where its scenario is gone from the list.
    const busy = gone.filter(({ isRunning }) => isRunning)
    entries = [...made, ...busy.map((entry) => ({ ...entry, upcoming: null }))]
    onEvent({ kind: 'configured', jobs: jobs.map(({ name }) => name) })
  }

  /** A run is in the ledger before it is remembered: who dies between the two must not make it again. */
  function lastDueMs(name: string): number | null {
    const remembered = options.lastDueMs(name)
    const reserved = ledger.last(name)?.dueMs ?? null
    return remembered === null || reserved === null
      ? (remembered ?? reserved)
      : Math.max(remembered, reserved)
  }

  /** Told once: what it holds becomes what it spent. */
  function tellUnsettled(name: string): void {
    const last = ledger.last(name)
    if (last === null || last.isSettled || last.dueMs === null) return
    onEvent({ kind: 'unsettled', job: name, dueMs: last.dueMs })
    settle(name, last.id, last.amount)
  }

  function settle(name: string, reservation: string, amount: number): void {
    const message = ledger.settle(reservation, amount)
    if (message !== null) onEvent({ kind: 'ledger-failed', job: name, message })
  }

  function watchClock(): void {
    const now = readClocks()
    const byMs = now.utcMs - seen.utcMs - (now.ms - seen.ms)
    seen = now
    if (Math.abs(byMs) < JUMP_MS) return
    onEvent({ kind: 'clock-jump', byMs })
    if (byMs > -WRONG_CLOCK_MS) return
    for (const entry of entries) if (entry.upcoming !== null) entry.upcoming = entry.next(now.utcMs)
  }

  async function takeAllDue(nowMs: number): Promise<void> {
    for (const entry of entries) {
      entry.untold.push(...takeDue(entry, nowMs))
      if (entry.untold.length > 0) await tellTaken(entry)
    }
  }

  /** Not while one waits: who dies before it started tells it as missed after the restart. */
  async function tellTaken({ job, waiting, takenMs, untold }: Entry): Promise<void> {
    if (waiting !== null || takenMs === null) return
    for (const missed of untold.splice(0)) onEvent({ kind: 'missed', job: job.name, ...missed })
    await options.remember(job.name, takenMs)
  }

  /** It will not start any more: the scheduler ends, or its scenario is gone. */
  async function giveUpWaiting(entry: Entry): Promise<void> {
    if (entry.waiting === null) return
    const { dueMs } = entry.waiting
    entry.waiting = null
    const { job } = entry
    onEvent({ kind: 'missed', job: job.name, reason: 'stopped', firstMs: dueMs, lastMs: dueMs, count: 1 })
    await tellTaken(entry)
  }

  async function startWaiting(): Promise<void> {
    // Asked each time: a stop may come while what was told is being remembered.
    while (!isStopped(stop) && running.size < atOnce && nsToMs(clock.nowNs()) - lastStartMs >= startGapMs) {
      const entry = nextToStart(entries)
      if (entry?.waiting == null) return
      const { dueMs, startMs } = entry.waiting
      entry.waiting = null
      const { name, worstCost } = entry.job
      const nowMs = clock.utcMs()
      const reserved = ledger.reserve({ scenario: name, amount: worstCost, dueMs }, nowMs)
      if (!('id' in reserved)) {
        if ('problem' in reserved) onEvent({ kind: 'ledger-failed', job: name, message: reserved.problem })
        const reason = 'passed' in reserved ? 'cap' : 'ledger'
        onEvent({ kind: 'missed', job: name, reason, firstMs: dueMs, lastMs: dueMs, count: 1 })
        await tellTaken(entry)
        continue
      }
      lastStartMs = nsToMs(clock.nowNs())
      onEvent({ kind: 'started', job: name, dueMs, waitedMs: Math.max(0, nowMs - startMs) })
      setRunning(name, true)
      const one = go(entry, dueMs, reserved.id).finally(() => {
        running.delete(one)
        setRunning(name, false)
        wake.abort()
      })
      running.add(one)
    }
  }

  async function go(entry: Entry, dueMs: number, reservation: string): Promise<void> {
    const { job } = entry
    await tellTaken(entry)
    const startMs = nsToMs(clock.nowNs())
    const outcome = await options.run(job)
    settle(job.name, reservation, outcome.spent)
    onEvent({ kind: 'finished', job: job.name, dueMs, outcome, tookMs: nsToMs(clock.nowNs()) - startMs })
  }

  function setRunning(name: string, isRunning: boolean): void {
    for (const entry of entries) if (entry.job.name === name) entry.isRunning = isRunning
  }

  function untilNextMs(nowMs: number): number {
    const isWaiting = running.size < atOnce && nextToStart(entries) !== null
    const gapMs = isWaiting ? Math.max(0, lastStartMs + startGapMs - nsToMs(clock.nowNs())) : Infinity
    const next = Math.min(...entries.map(({ upcoming }) => upcoming?.startMs ?? Infinity))
    return Math.max(1, Math.min(next - nowMs, gapMs, longestSleepMs))
  }

  await configure(options.jobs, true)
  while (!stop.aborted) {
    wake = new AbortController()
    watchClock()
    await takeAllDue(clock.utcMs())
    const reloaded = await options.reload()
    if (reloaded?.ok === true) await configure(reloaded.jobs, false)
    else if (reloaded?.ok === false) {
      onEvent({ kind: 'configuration-refused', problems: reloaded.problems })
    }
    if (isStopped(stop)) break
    await startWaiting()
    const starts = entries.flatMap(({ job, upcoming }) =>
      upcoming === null ? [] : [[job.name, upcoming.startMs] as const],
    )
    options.onTurn?.(new Map(starts))
    await options.sleep(untilNextMs(clock.utcMs()), wake.signal)
  }
  for (const entry of entries) await giveUpWaiting(entry)
  await Promise.all(running)
  stop.removeEventListener('abort', onStop)
}

/** Asked anew: it may have fired since the loop's own condition was. */
function isStopped(stop: AbortSignal): boolean {
  return stop.aborted
}

function sameTimetable(a: Job, b: Job): boolean {
  return a.cron === b.cron && a.timezone === b.timezone && a.jitterMs === b.jitterMs
}
