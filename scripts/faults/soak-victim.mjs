// @ts-check
/**
 * A run in a process that outlives it: `soak-victim.mjs <streams> <leak>` in a folder with s.yaml. It says a JSON line
 * before the run, one whenever every stream has ended once more, and one behind it; before and behind it waits to be told
 * to go on. Leak: so many kB are kept a request, to see that it would be seen.
 */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BroadcastChannel } from 'node:worker_threads'
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
const workers = loopsFor(streams)
const workerEntry = fileURLToPath(new URL('soak-worker.mjs', import.meta.url))
const channel = new BroadcastChannel('soak')

/** Garbage of the workers is collected; resolves to what their heaps hold free then, bytes. @returns {Promise<number>} */
function collectWorkers() {
  return new Promise((resolve) => {
    let left = workers
    let freeBytes = 0
    if (left === 0) return resolve(0)
    const hear = (/** @type {any} */ { data }) => {
      freeBytes += data.freeBytes
      if (--left > 0) return
      channel.removeEventListener('message', hear)
      resolve(freeBytes)
    }
    channel.addEventListener('message', hear)
    channel.postMessage('collect')
  })
}

/**
 * What is in use, behind a collection: resident less what the heaps hold free, of which V8 gives back as much and as late
 * as it likes.
 */
function memory(freeBytes = 0) {
  collect()
  const { rss, heapTotal, heapUsed } = process.memoryUsage()
  return { usedMb: (rss - (heapTotal - heapUsed) - freeBytes) / MB, heapMb: heapUsed / MB }
}

/** @param {object} fields */
const say = (fields) => console.log(JSON.stringify(fields))

/** As a run does it that begins now. @param {'before' | 'behind'} when @param {object} more */
async function look(when, more) {
  /** @type {{ p50: number, p99: number }[]} */
  const errors = []
  for (let i = 0; i < CALIBRATIONS; i++) {
    const crew = await startCrew({ workers, clock: systemClock })
    if ('problem' in crew) throw new Error(crew.problem)
    const connect = workers > 0 ? crew.connect : undefined
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
  if (++done % streams === 0) void between(done)
}

/** While the next streams are made ready. @param {number} count */
async function between(count) {
  const freeBytes = await collectWorkers()
  say({ when: 'amid', atMin: performance.now() / 60_000, done: count, ...memory(freeBytes) })
}

const loaded = await loadScenario('s.yaml', { env: {}, allowCode: false })
if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
await look('before', {})
const never = new AbortController().signal
const control = { drain: never, cut: never }
const options = { outDir: 'results', clock: systemClock, env: {}, control, onEvent, workerEntry }
let result = await run(loaded.scenario, options)
const { kind, message, stop, samples = [] } = result
const failed = samples.filter((/** @type {any} */ each) => each.outcome !== 'ok').length
const { heapMb } = memory()
samples.length = 0
result = null
// What the run was asked for takes memory too: what goes with its samples is theirs.
const sampleMb = (heapMb - memory().heapMb) / done
await look('behind', { kind, message, stop, failed, sampleMb })
process.exit(0)
