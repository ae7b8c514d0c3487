/** What runs on the simulated machine: all that `plumbline schedule` does, with this world's network and without curves. */
import { randomUUID } from 'node:crypto'
import { fitCurves } from '../../src/curve/fit-curves.js'
import { createRandom } from '../../src/random/random.js'
import { loadScenario } from '../../src/run/load-scenario.js'
import { run } from '../../src/run/run.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { nextAlertState } from '../../src/schedule/alert.js'
import type { Job, Outcome } from '../../src/schedule/job.js'
import { judgeRun } from '../../src/schedule/judge.js'
import { runScheduler } from '../../src/schedule/scheduler.js'
import { openState } from '../../src/schedule/state.js'
import { systemClock } from '../../src/units/time.js'
import type { Diary, RunDiary } from './diary.js'
import { ROOT } from './machine.js'
import type { Machine } from './machine.js'
import type { Plant } from './plants.js'
import type { Provider } from './provider.js'
import type { Known } from './rules.js'
import { steady } from './setting.js'
import type { Setting } from './setting.js'

export const OUT = `${ROOT}/results`
export const FILE = `${ROOT}/month.yaml`
export const FOLDER = `${OUT}/month`
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

export interface World {
  setting: Setting
  machine: Machine
  provider: Provider
  diary: Diary
  plant: Plant
  known: Known
}

/** The whole of a process: until it is stopped, or cannot begin. */
export async function serve(world: World, control: { drain: AbortSignal; cut: AbortSignal }): Promise<void> {
  const { setting, diary, plant } = world
  const scenario = await scenarioOf(world)
  if (scenario === null) return
  const opened = await openState(OUT, scenario.name, { caps: setting.caps, newSeed: randomUUID })
  if (!opened.ok) {
    diary.refused(opened.message)
    return
  }
  const { memory, ledger, lock, unsettled } = opened.state
  diary.note(`up, ${unsettled} unsettled`)
  const renewal = setInterval(() => lock.renew(), 10 * MINUTE_MS)
  const job: Job = {
    name: scenario.name,
    cron: `${setting.minute} ${setting.hour} * * *`,
    timezone: setting.timezone,
    jitterMs: (scenario.schedule?.jitterS ?? 0) * 1000,
    targets: scenario.targets.map(({ baseUrl, model }) => `${baseUrl} ${model}`),
    worstCost: setting.budget.cost,
  }
  const remember = plant.remember(async (part: Parameters<typeof memory.set>[1]): Promise<void> => {
    const fault = await memory.set(job.name, part)
    if (fault === null) return
    diary.forgot.push(world.machine.utcMs())
    diary.note(`not remembered: ${fault}`)
  })
  await runScheduler({
    jobs: [job],
    clock: systemClock,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        signal.addEventListener(
          'abort',
          () => {
            clearTimeout(timer)
            resolve()
          },
          { once: true },
        )
      }),
    async run() {
      const entry = diary.runBegins()
      world.provider.setRun(entry.number)
      const outcome = await runOnce(world, scenario, entry, control)
      const next = nextAlertState(memory.alert(job.name), outcome.health, {
        nowMs: systemClock.utcMs(),
        repeatMs: DAY_MS,
      })
      await remember({ alert: next.state })
      return outcome
    },
    reload: () => Promise.resolve(null),
    lastDueMs: memory.lastDueMs,
    remember: (_, dueMs) => remember({ lastDueMs: dueMs }),
    ledger: plant.ledger(ledger),
    random: createRandom(memory.seed),
    stop: control.drain,
    onEvent: (event) => diary.scheduled(event),
    longestSleepMs: 5 * MINUTE_MS,
  })
  clearInterval(renewal)
  opened.state.close()
}

export async function scenarioOf({ setting, diary }: World): Promise<Scenario | null> {
  const loaded = await loadScenario(FILE, { env: {}, allowCode: false })
  if (!loaded.ok) {
    const said = loaded.problems.join('; ')
    // The disk may refuse; that the scenario is wrong would be a mistake of the world's.
    if (!said.includes('cannot be read')) throw new Error(said)
    diary.refused(said)
    return null
  }
  const { scenario } = loaded
  if (!setting.steady) return scenario
  const targets = scenario.targets.map(({ name }) => name)
  return { ...scenario, probes: [{ probe: steady, settings: {}, targets, file: null }] }
}

/** Curve fitting is left out of the snapshot; where a probe asks for a precision its looks are rough ones. */
const roughly: typeof fitCurves = (samples, options) =>
  options.laws === undefined ? { curves: [], notes: [] } : fitCurves(samples, { ...options, resamples: 19 })

export async function runOnce(
  { provider, diary, plant }: World,
  scenario: Scenario,
  entry: RunDiary,
  control: { drain: AbortSignal; cut: AbortSignal },
): Promise<Outcome> {
  const result = await run(scenario, {
    outDir: OUT,
    clock: systemClock,
    env: {},
    connect: plant.connect(provider.connect),
    fit: roughly,
    control,
    onEvent: (event) => diary.runTold(entry, event, FOLDER),
  })
  const outcome = plant.outcome(await judgeRun(scenario, result, OUT))
  diary.runEnded(entry, result, outcome)
  return outcome
}
