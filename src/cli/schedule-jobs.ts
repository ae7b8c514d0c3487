/** From scenario files to jobs: everything is checked before anything is scheduled. */
import { isAbsolute, join } from 'node:path'
import { createRandom } from '../random/random.js'
import { dryRun } from '../run/dry-run.js'
import { loadScenario } from '../run/load-scenario.js'
import type { Scenario } from '../scenario/scenario.js'
import { createTimetable } from '../schedule/firing.js'
import { faultsOfSchedule } from '../schedule/fits.js'
import type { Job } from '../schedule/job.js'
import type { Caps } from '../schedule/ledger.js'
import { readSnapshot } from '../snapshot/format.js'
import { listSnapshots, resultsDir } from '../snapshot/store.js'
import type { Io } from './io.js'

export interface ScheduleFiles {
  files: readonly string[]
  out: string | undefined
  code: boolean
  caps: Caps
}

export type LoadedJobs =
  | { ok: true; jobs: Job[]; scenarios: ReadonlyMap<string, Scenario>; warnings: string[] }
  | { ok: false; problems: string[] }

export async function loadJobs({ files, out, code, caps }: ScheduleFiles, io: Io): Promise<LoadedJobs> {
  const problems: string[] = []
  const warnings: string[] = []
  const scenarios = new Map<string, Scenario>()
  const jobs: Job[] = []
  for (const file of files) {
    const loaded = await loadScenario(file, { env: io.env, allowCode: code })
    if (!loaded.ok) {
      problems.push(...loaded.problems)
      continue
    }
    const { scenario } = loaded
    warnings.push(...loaded.warnings)
    if (scenarios.has(scenario.name)) problems.push(`${file}: a scenario named ${scenario.name} came before`)
    scenarios.set(scenario.name, scenario)
    const job = await jobOf(file, scenario, caps)
    if (typeof job === 'string') problems.push(job)
    else jobs.push(job)
  }
  const currencies = new Set([...scenarios.values()].flatMap(currenciesOf))
  if (currencies.size > 1 && (caps.perDay !== null || caps.perMonth !== null)) {
    problems.push(`a cap cannot be kept over prices in ${[...currencies].join(' and ')}`)
  }
  if (problems.length > 0) return { ok: false, problems }

  const planned = await Promise.all(
    jobs.map(async (job) => {
      const scenario = scenarios.get(job.name)
      const outDir = scenario === undefined ? 'results' : outDirOf(scenario, out, io)
      // Any seed: only the distance of two firings counts.
      const next = createTimetable({ ...job, jitterMs: 0 }, createRandom(0))
      return { job, next, runMs: await lastRunMs(resultsDir(outDir, job.name)) }
    }),
  )
  const faults = faultsOfSchedule(planned, { atMs: Date.now(), caps })
  return faults.length > 0 ? { ok: false, problems: faults } : { ok: true, jobs, scenarios, warnings }
}

export function outDirOf(scenario: Scenario, out: string | undefined, io: Io): string {
  const dir = out ?? scenario.output.dir
  return isAbsolute(dir) ? dir : join(io.cwd, dir)
}

/** A sentence where it cannot be scheduled. */
async function jobOf(file: string, scenario: Scenario, caps: Caps): Promise<Job | string> {
  const { name, schedule, targets, budget } = scenario
  if (schedule === null) return `${file}: has no schedule: add schedule: { cron: "17 3 * * *" }`
  const plan = await dryRun(scenario, undefined)
  if (plan.kind === 'refused') return plan.message
  const isCapped = caps.perDay !== null || caps.perMonth !== null
  if (isCapped && !plan.isFree && budget.cost === null) {
    return `${file}: a cap on money needs budget: { cost: … } in each scenario, so that the worst case of a run is known`
  }
  return {
    name,
    cron: schedule.cron,
    timezone: schedule.timezone,
    jitterMs: schedule.jitterS * 1000,
    // Each run starts simulators of its own.
    targets: targets.map(({ name: own, baseUrl, model }) =>
      baseUrl === null ? `${name}/${own}` : `${baseUrl} ${model}`,
    ),
    worstCost: plan.isFree ? 0 : (budget.cost ?? 0),
  }
}

function currenciesOf({ targets }: Scenario): string[] {
  return targets.flatMap(({ simulate, price }) =>
    simulate !== null || price === null ? [] : [price.currency],
  )
}

/** Of the newest whole run; null where there is none. */
async function lastRunMs(dir: string): Promise<number | null> {
  const list = await listSnapshots(dir)
  const newest = list.ok ? list.value.at(-1) : undefined
  if (newest === undefined) return null
  const read = await readSnapshot(newest)
  if (!read.ok || read.value.partial) return null
  return Date.parse(read.value.endedAt) - Date.parse(read.value.startedAt)
}
