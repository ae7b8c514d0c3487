// @ts-check
/**
 * A run in a process that outlives it: `soak-victim.mjs <streams> <leak>` in a folder with s.yaml. It says a JSON line
 * before the run, one whenever every stream has ended once more, and one behind it; before and behind it waits to be told
 * to go on. Leak: so many kB are kept a request, to see that it would be seen.
 */
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { built } from './rig.mjs'

const { loadScenario, run, systemClock } = await built('index')
const { calibrate } = await built('instrument/calibrate')
const { startCrew } = await built('run/crew')
const { loopsFor } = await built('run/workers')
setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc')

const [streams = 1, leakKb = 0] = process.argv.slice(2).map(Number)
const CALIBRATIONS = 5
const MB = 2 ** 20

/** What is in use: resident less what the heap holds free, of which V8 gives back as much and as late as it likes. */
function memory() {
  collect()
  const { rss, heapTotal, heapUsed } = process.memoryUsage()
  return { usedMb: (rss - (heapTotal - heapUsed)) / MB, heapMb: heapUsed / MB }
}

/** @param {object} fields */
const say = (fields) => console.log(JSON.stringify(fields))

/** As a run does it that begins now. @param {'before' | 'behind'} when @param {object} more */
async function look(when, more) {
  /** @type {{ p50: number, p99: number }[]} */
  const errors = []
  for (let i = 0; i < CALIBRATIONS; i++) {
    const crew = await startCrew({ workers: loopsFor(streams), clock: systemClock })
    if ('problem' in crew) throw new Error(crew.problem)
    const connect = crew.workers > 0 ? crew.connect : undefined
    const { error } = await calibrate({ streams, clock: systemClock, connect })
    await crew.close()
    if (error !== null) errors.push(error)
  }
  // The least disturbed one: what other programs add is no fault of this process.
  const least = (/** @type {'p50' | 'p99'} */ name) =>
    errors.map((error) => error[name]).sort((a, b) => a - b)[0] ?? null
  say({ when, p50Ms: least('p50'), p99Ms: least('p99'), ...memory(), ...more })
  await once(process.stdin, 'data')
}

/** @type {unknown[]} */
const leaked = []
let done = 0

/** @param {{ kind: string, sample?: { warmup: boolean } }} event */
function onEvent({ kind, sample }) {
  if (kind !== 'sample' || sample?.warmup !== false) return
  if (leakKb > 0) leaked.push(Buffer.alloc(leakKb * 1024, 1))
  if (++done % streams === 0) say({ when: 'amid', atMin: performance.now() / 60_000, done, ...memory() })
}

const loaded = await loadScenario('s.yaml', { env: {}, allowCode: false })
if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
await look('before', {})
const never = new AbortController().signal
const control = { drain: never, cut: never }
let result = await run(loaded.scenario, { outDir: 'results', clock: systemClock, env: {}, control, onEvent })
const { kind, message, stop, samples = [] } = result
const failed = samples.filter((/** @type {any} */ each) => each.outcome !== 'ok').length
const { heapMb } = memory()
samples.length = 0
result = null
// What the run was asked for takes memory too: what goes with its samples is theirs.
const sampleMb = (heapMb - memory().heapMb) / done
await look('behind', { kind, message, stop, failed, sampleMb })
process.exit(0)
