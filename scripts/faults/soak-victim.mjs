// @ts-check
/**
 * A run in a process that outlives it: `soak-victim.mjs <streams>` in a folder with s.yaml. It says a JSON line before the
 * run and one behind it, each with the timing error by calibration and the heap after a collection, and waits to be told to go on.
 */
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { built } from './rig.mjs'

const { loadScenario, run, systemClock } = await built('index')
const { calibrate } = await built('instrument/calibrate')
setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc')

const streams = Number(process.argv[2])
const CALIBRATIONS = 5

/** @param {'before' | 'after'} when @param {object} more */
async function look(when, more) {
  /** @type {{ p50: number, p99: number }[]} */
  const errors = []
  for (let i = 0; i < CALIBRATIONS; i++) {
    const { error } = await calibrate({ streams, clock: systemClock })
    if (error !== null) errors.push(error)
  }
  // The least disturbed one: what other programs add is no fault of this process.
  const least = (/** @type {'p50' | 'p99'} */ name) =>
    errors.map((error) => error[name]).sort((a, b) => a - b)[0] ?? null
  collect()
  const heapMb = process.memoryUsage().heapUsed / 2 ** 20
  console.log(JSON.stringify({ when, p50Ms: least('p50'), p99Ms: least('p99'), heapMb, ...more }))
  await once(process.stdin, 'data')
}

const loaded = await loadScenario('s.yaml', { env: {}, allowCode: false })
if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
await look('before', {})
const never = new AbortController().signal
const control = { drain: never, cut: never }
const { kind, message, stop, samples } = await run(loaded.scenario, {
  outDir: 'results',
  clock: systemClock,
  env: {},
  control,
  onEvent: () => undefined,
})
const outcome = {
  kind,
  message,
  stop,
  failed: samples?.filter((/** @type {any} */ each) => each.outcome !== 'ok').length,
}
await look('after', outcome)
process.exit(0)
