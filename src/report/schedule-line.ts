/** What a scheduler tells, a line an event. */
import { terminalText } from '../border/escape.js'
import type { ScheduleEvent } from '../schedule/job.js'
import { duration } from './numbers.js'

const REASONS = {
  overlap: 'the run before was not over',
  late: 'the machine slept, or its clock was set',
  stopped: 'the scheduler was not running, or was stopped',
  cap: 'the run could have passed a cap on money',
  ledger: 'what it may spend could not be written down',
} as const

export function scheduleLine(event: ScheduleEvent, atMs: number): string {
  return `${instant(atMs)} ${terminalText(sentence(event), 4000)}`
}

function sentence(event: ScheduleEvent): string {
  switch (event.kind) {
    case 'started': {
      const waited = event.waitedMs < 1000 ? '' : `, ${duration(event.waitedMs)} later: others ran`
      return `${event.job}: started, due ${instant(event.dueMs)}${waited}`
    }
    case 'finished': {
      const { health, sentences, snapshot } = event.outcome
      const where = snapshot === null ? '' : ` (${snapshot})`
      const why = sentences.length === 0 ? '' : `: ${sentences.join(' ')}`
      return `${event.job}: ${health} after ${duration(event.tookMs)}${where}${why}`
    }
    case 'missed': {
      const { job, reason, firstMs, lastMs, count } = event
      const when =
        count === 1
          ? `the run due ${instant(firstMs)} was`
          : `${count} runs due from ${instant(firstMs)} to ${instant(lastMs)} were`
      return `${job}: ${when} not made: ${REASONS[reason]}`
    }
    case 'unsettled':
      return `${event.job}: the run due ${instant(event.dueMs)} was never settled: its process died, or the ledger could not be written; it counts at its worst`
    case 'clock-jump':
      return `the clock was set ${duration(Math.abs(event.byMs))} ${event.byMs > 0 ? 'ahead' : 'back'}, or the machine slept`
    case 'configured':
      return `watching ${event.jobs.join(', ')}`
    case 'configuration-refused':
      return `the changed files are not applied, the old ones stay: ${event.problems.join('; ')}`
    case 'alert-failed':
      return `${event.job}: the alert was not delivered: ${event.message}; it is tried again after the next run`
    case 'ledger-failed':
      return `${event.job}: ${event.message}; until it can be written no run is made, and one that was counts at its worst`
    default:
      return event satisfies never
  }
}

/** Without milliseconds. */
function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
