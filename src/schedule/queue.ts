/** Which firings have come, and which of those that wait may start: arithmetic on instants, no clock. */
import type { Firing, NextFiring } from './firing.js'
import type { Job, MissReason } from './job.js'

/** A firing noticed later than this is not made up for. */
const GRACE_MS = 60_000

export interface Entry {
  job: Job
  next: NextFiring
  upcoming: Firing | null
  /** Waits for its targets, or for a free place. */
  waiting: Firing | null
  /** The last firing that was taken off the timetable, milliseconds since 1970; null before the first. */
  takenMs: number | null
  isRunning: boolean
  /** What was missed while one waits: told with it, so that whoever dies before tells each firing once. */
  untold: Missed[]
}

export interface Missed {
  reason: MissReason
  firstMs: number
  lastMs: number
  count: number
}

/** Takes what has come until `nowMs` off the timetable: the firing that is to run waits in the entry, the others are told. */
export function takeDue(entry: Entry, nowMs: number): Missed[] {
  const missed = new Map<MissReason, Missed>()
  while (entry.upcoming !== null && entry.upcoming.startMs <= nowMs) {
    const { dueMs, startMs } = entry.upcoming
    if (nowMs - startMs > GRACE_MS) note(missed, 'late', dueMs)
    else if (entry.isRunning || entry.waiting !== null) note(missed, 'overlap', dueMs)
    else entry.waiting = entry.upcoming
    entry.takenMs = dueMs
    entry.upcoming = entry.next(dueMs)
  }
  return [...missed.values()]
}

/** Firings in a span of time in which nobody watched; the last one that counts is before `untilMs`. */
export function firingsBetween(next: NextFiring, afterMs: number, untilMs: number): Missed | null {
  const missed = new Map<MissReason, Missed>()
  for (let firing = next(afterMs); firing !== null && firing.dueMs <= untilMs; firing = next(firing.dueMs)) {
    note(missed, 'stopped', firing.dueMs)
  }
  return missed.get('stopped') ?? null
}

/** The entry that starts next: of those that wait and whose targets are free the one that waits longest. */
export function nextToStart(entries: readonly Entry[]): Entry | null {
  const busy = new Set(entries.filter(({ isRunning }) => isRunning).flatMap(({ job }) => job.targets))
  const free = entries.filter(
    ({ waiting, isRunning, job }) =>
      waiting !== null && !isRunning && !job.targets.some((target) => busy.has(target)),
  )
  const startOf = ({ waiting }: Entry): number => waiting?.startMs ?? Infinity
  return free.reduce<Entry | null>(
    (best, entry) => (best === null || startOf(entry) < startOf(best) ? entry : best),
    null,
  )
}

function note(missed: Map<MissReason, Missed>, reason: MissReason, dueMs: number): void {
  const before = missed.get(reason)
  missed.set(reason, {
    reason,
    firstMs: before?.firstMs ?? dueMs,
    lastMs: dueMs,
    count: (before?.count ?? 0) + 1,
  })
}
