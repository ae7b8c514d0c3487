/** What the scheduler knows of a scenario, and what it tells of its runs. */
import type { Health } from './alert.js'
import type { Timetable } from './firing.js'

export interface Job extends Timetable {
  /** Of the scenario; no two jobs share one. */
  name: string
  /** What a run of it keeps busy: two jobs that share one never run at once. */
  targets: readonly string[]
  /** Most that a run may spend, by the budget of its scenario; 0 where it costs nothing. */
  worstCost: number
}

/** How a run ended. */
export interface Outcome {
  health: Health
  spent: number
  sentences: readonly string[]
  snapshot: string | null
}

/** Why a firing did not become a run. */
export type MissReason =
  | 'overlap' // the run before was still going, or waiting
  | 'late' // noticed too late: the machine slept, or its clock was set
  | 'stopped' // the scheduler was not running, or the job was taken away while it waited
  | 'cap' // it could have passed a cap on money
  | 'ledger' // what it may spend could not be written down

export type ScheduleEvent =
  | { kind: 'started'; job: string; dueMs: number; waitedMs: number }
  | { kind: 'finished'; job: string; dueMs: number; outcome: Outcome; tookMs: number }
  | { kind: 'missed'; job: string; reason: MissReason; firstMs: number; lastMs: number; count: number }
  /** A run of the process before this one never settled what it spent: it was killed, or the disk refused. It counts at its worst. */
  | { kind: 'unsettled'; job: string; dueMs: number }
  | { kind: 'clock-jump'; byMs: number }
  | { kind: 'configured'; jobs: readonly string[] }
  | { kind: 'configuration-refused'; problems: readonly string[] }
  | { kind: 'alert-failed'; job: string; message: string }
  /** What a run may spend, or has spent, could not be written down: it was not made, or counts at its worst. */
  | { kind: 'ledger-failed'; job: string; message: string }
