/** Whether a cron expression names any time at all. */
import { Cron } from 'croner'

/** What is wrong with an expression of five fields, or null. */
export function faultOfCron(cron: string): string | null {
  try {
    const next = new Cron(cron, { mode: '5-part', timezone: 'UTC', paused: true }).nextRun()
    return next === null ? 'never comes: no such day is in any calendar' : null
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
    return `cannot be read: ${why}`
  }
}
