/** What the world saw of the program: firings, runs, samples told, and what was done to it. */
import type { RunResult } from '../../src/run/contract.js'
import type { RunEvent } from '../../src/run/events.js'
import type { Outcome, ScheduleEvent } from '../../src/schedule/job.js'
import type { Machine } from './machine.js'

export interface Told {
  id: string
  atMs: number
  attempt: number
  block: number
  /** Actual start − intended start, milliseconds. */
  startDelay: number
}

export interface RunDiary {
  number: number
  /** UTC day on which the ledger counts it; that of a run by hand is empty: it has no ledger. */
  day: string
  /** The firing that it was made for; null: by hand. */
  dueMs: number | null
  /** Name of its journal and of its snapshot; known with the first sample. */
  id: string | null
  /** Samples told as finished while its journal took them. */
  told: Told[]
  /** The disk refused a call on its journal: what is told from then on is only promised for the snapshot. */
  isJournalBroken: boolean
  ended: { health: string; stop: string | null; refused: string | null } | null
  /** When its process died in the midst of it; null: it did not. */
  diedMs: number | null
}

export interface Diary {
  /** When the last process came up, by the wall clock: what is due until then has been told. */
  watchedUntilMs: number
  /** When the disk refused what was to be remembered over a restart, by the wall clock. */
  forgot: number[]
  events: { event: ScheduleEvent; atMs: number; utcMs: number }[]
  runs: RunDiary[]
  /** When processes ended, each by the wall clock and the other. */
  deaths: { utcMs: number; atMs: number; lostPower: boolean }[]
  stops: number[]
  /** Rules seen broken at once. */
  broken: string[]
  faults: Record<string, number>
  note(line: string): void
  fault(kind: string): void
  break(...lines: string[]): void
  stopped(atMs: number): void
  died(atMs: number, lostPower: boolean): void
  diskFailed(path: string): void
  refused(message: string): void
  scheduled(event: ScheduleEvent): void
  runBegins(): RunDiary
  runTold(run: RunDiary, event: RunEvent, folder: string): void
  runEnded(run: RunDiary, result: RunResult, outcome: Outcome): void
}

const BY_HAND = { day: '', dueMs: null }

export function createDiary(machine: Machine, write: (line: string) => void): Diary {
  let current: RunDiary | null = null
  let next: { day: string; dueMs: number | null } = BY_HAND
  let journalsBefore = new Set<string>()
  const isHeard = (): boolean => machine.state() === 'running'

  function journals(folder: string): string[] {
    try {
      return machine.disk.list(folder).filter((name) => name.endsWith('.journal'))
    } catch {
      return []
    }
  }

  const diary: Diary = {
    watchedUntilMs: 0,
    forgot: [],
    events: [],
    runs: [],
    deaths: [],
    stops: [],
    broken: [],
    faults: {},
    note: write,
    fault: (kind) => void (diary.faults[kind] = (diary.faults[kind] ?? 0) + 1),
    break(...lines) {
      diary.broken.push(...lines)
      for (const line of lines) write(`BROKEN ${line}`)
    },
    stopped(atMs) {
      diary.stops.push(atMs)
      write('asked to stop')
    },
    died(atMs, lostPower) {
      diary.deaths.push({ utcMs: machine.utcMs(), atMs, lostPower })
      if (current !== null) current.diedMs = atMs
      current = null
      next = BY_HAND
    },
    diskFailed(path) {
      if (current !== null && path.endsWith('.journal')) current.isJournalBroken = true
    },
    refused(message) {
      if (!isHeard()) return
      write(`refused: ${message}`)
      if (message.includes('damaged')) diary.break(`what it wrote is damaged: ${message}`)
    },
    scheduled(event) {
      if (!isHeard()) return
      diary.events.push({ event, atMs: machine.nowMs(), utcMs: machine.utcMs() })
      write(JSON.stringify(event))
      if (event.kind === 'started') next = { day: dayOf(machine.utcMs()), dueMs: event.dueMs }
    },
    runBegins() {
      if (current !== null) diary.break('two runs of one target at once')
      current = {
        number: diary.runs.length,
        ...next,
        id: null,
        told: [],
        isJournalBroken: false,
        ended: null,
        diedMs: null,
      }
      diary.runs.push(current)
      return current
    },
    runTold(run, event, folder) {
      if (!isHeard()) return
      if (event.kind === 'phase' && event.text === 'warming up') {
        run.id =
          journals(folder)
            .find((name) => !journalsBefore.has(name))
            ?.replace('.journal', '') ?? null
        journalsBefore = new Set(journals(folder))
      }
      if (event.kind === 'note') write(`note: ${event.text}`)
      if (event.kind !== 'sample') return
      const { id, outcome, attempt, block, startDelay, atMs, e2e } = event.sample
      write(`sample ${id} ${outcome} ${attempt} ${atMs} ${e2e}`)
      if (!run.isJournalBroken) run.told.push({ id, atMs: machine.nowMs(), attempt, block, startDelay })
    },
    runEnded(run, result, { health, spent }) {
      if (!isHeard()) return
      const refused = result.kind === 'refused' ? result.message : null
      const stop = result.kind === 'finished' ? (result.stop?.reason ?? null) : null
      run.ended = { health, stop, refused }
      if (current === run) current = null
      write(`run ${run.number} ended: ${health}, ${stop ?? refused ?? 'whole'}, spent ${spent}`)
    },
  }
  return diary
}

function dayOf(utcMs: number): string {
  return new Date(utcMs).toISOString().slice(0, 10)
}
