// @ts-check
/**
 * What `plumbline schedule` is built on, under a clock that runs thirty times as fast, so that a cron expression fires each
 * other second: `schedule-victim.mjs perDay 6 <start>` in a folder with a.yaml and b.yaml. It ends once the cap has stopped both.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { built } from './rig.mjs'

const { createRandom, judgeRun, loadScenario, openState, run, runScheduler, systemClock } =
  await built('index')

const SPEED = 30
/** Long before the end of a day and of a month, so that all firings of a chain lie in one of each. */
const BEGIN_MS = Date.UTC(2026, 2, 2, 0, 0, 30)
const [cap = 'perDay', most = '0', startedMs = '0'] = process.argv.slice(2)
const OUT = 'results'

/** @type {Map<string, any>} */
const scenarios = new Map()
for (const file of ['a.yaml', 'b.yaml']) {
  const loaded = await loadScenario(file, { env: {}, allowCode: false })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  scenarios.set(loaded.scenario.name, loaded.scenario)
}

const caps = { perDay: null, perMonth: null, [cap]: Number(most) }
const opened = await openState(OUT, 'a', { caps, newSeed: () => '1' })
if (!opened.ok) {
  process.stderr.write(`error: ${opened.message}\n`)
  process.exit(2)
}
const { memory, ledger } = opened.state
const heldFromMs = Date.now()
const stop = new AbortController()
/** @type {Set<string>} */
const capped = new Set()
const clock = {
  nowNs: () => systemClock.nowNs() * SPEED,
  utcMs: () => BEGIN_MS + (Date.now() - Number(startedMs)) * SPEED,
}

await runScheduler({
  jobs: [...scenarios.keys()].map((name) => ({
    name,
    cron: '* * * * *',
    timezone: 'UTC',
    jitterMs: 0,
    targets: [name],
    worstCost: scenarios.get(name).budget.cost,
  })),
  clock,
  sleep: (/** @type {number} */ ms, /** @type {AbortSignal} */ signal) =>
    sleep(ms / SPEED, undefined, { signal }).catch(() => undefined),
  run: async (/** @type {{ name: string }} */ { name }) => {
    const never = new AbortController().signal
    const control = { drain: never, cut: never }
    const scenario = scenarios.get(name)
    const result = await run(scenario, {
      outDir: OUT,
      clock: systemClock,
      env: {},
      control,
      onEvent: () => undefined,
    })
    return judgeRun(scenario, result, OUT)
  },
  reload: async () => null,
  lastDueMs: memory.lastDueMs,
  remember: async (/** @type {string} */ name, /** @type {number} */ dueMs) =>
    void (await memory.set(name, { lastDueMs: dueMs })),
  ledger,
  random: createRandom(memory.seed),
  stop: stop.signal,
  onEvent: (/** @type {any} */ event) => {
    if (event.kind === 'missed' && event.reason === 'cap') capped.add(event.job)
    if (capped.size === scenarios.size) stop.abort()
  },
  atOnce: 2,
  startGapMs: 0,
})
const { day, month } = ledger.spent(clock.utcMs())
const heldToMs = Date.now()
opened.state.close()
process.stdout.write(JSON.stringify({ spent: cap === 'perDay' ? day : month, heldFromMs, heldToMs }))
