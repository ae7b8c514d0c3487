/** Whether what is asked fits: each scenario into its interval, all scenarios of a target into the day, money into its caps. */
import type { Caps } from './ledger.js'
import type { NextFiring } from './firing.js'
import { rhythmOf } from './firing.js'
import type { Job } from './job.js'

export interface Planned {
  job: Job
  next: NextFiring
  /** How long a run takes: the newest snapshot's time; null where it never ran. */
  runMs: number | null
}

const DAY_MS = 86_400_000

/** Why the schedule cannot be kept, one sentence each; empty: it can, as far as is known. */
export function faultsOfSchedule(
  planned: readonly Planned[],
  { atMs, caps }: { atMs: number; caps: Caps },
): string[] {
  const faults: string[] = []
  const shareOfTarget = new Map<string, number>()
  for (const { job, next, runMs } of planned) {
    const rhythm = rhythmOf(next, atMs)
    if (rhythm === null) {
      faults.push(`${job.name}: '${job.cron}' never comes`)
      continue
    }
    const { shortestMs, perDay } = rhythm
    const needMs = (runMs ?? 0) + job.jitterMs
    if (needMs >= shortestMs) {
      const what =
        runMs === null ? 'its jitter is' : `its last run took ${minutes(runMs)}, with jitter that is`
      faults.push(
        `${job.name}: ${what} ${minutes(needMs)}, and '${job.cron}' asks for one every ${minutes(shortestMs)}: ask less often, or for fewer samples`,
      )
    }
    for (const target of job.targets) {
      shareOfTarget.set(target, (shareOfTarget.get(target) ?? 0) + ((runMs ?? 0) * perDay) / DAY_MS)
    }
    for (const [cap, name] of [
      [caps.perDay, 'day'],
      [caps.perMonth, 'month'],
    ] as const) {
      if (cap !== null && job.worstCost > cap) {
        faults.push(
          `${job.name}: its budget of ${job.worstCost} a run is above the cap of ${cap} a ${name}, so it would never run: lower budget.cost, or raise the cap`,
        )
      }
    }
  }
  for (const [target, share] of shareOfTarget) {
    if (share >= 1) {
      faults.push(
        `${target}: all scenarios together would keep it busy ${(share * 24).toFixed(1)} hours a day: ask less often, or for fewer samples`,
      )
    }
  }
  return faults
}

function minutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
