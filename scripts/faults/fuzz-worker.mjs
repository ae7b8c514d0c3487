// @ts-check
/** The thread that feeds the readers: it notes each input before it begins, so that one that hangs can be named. */
import { parentPort, workerData } from 'node:worker_threads'
import { examples } from './fuzz-examples.mjs'
import { readers } from './fuzz-readers.mjs'
import { mutated } from './mutate.mjs'
import { seeded } from './rig.mjs'

const SLOWEST_MS = 1000

/** @typedef {import('./fuzz-readers.mjs').Reader} Reader */
/** @typedef {{ name: string, seed: number, from: number, count: number }} Job */
/** @typedef {{ found: string[], slowestMs: number, rssMb: number }} Answer */

/** Time that this process has worked: a busy machine makes any reader wait. */
const workedMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Number of the input that is being read, since when by the machine's clock, and by the time worked; milliseconds. */
const now = new Float64Array(workerData.now)
/** @type {Map<string, Reader>} */
const made = new Map()

/** @param {Job} job @returns {Promise<Answer>} */
async function work({ name, seed, from, count }) {
  const reader = made.get(name) ?? (await readers[name]?.())
  if (reader === undefined) throw new Error(name)
  made.set(name, reader)
  const found = []
  let slowestMs = 0
  for (let i = from; i < from + count; i++) {
    const random = seeded(seed + i * 2654435761)
    const bytes = mutated(examples[name] ?? [], random)
    now[0] = i
    now[1] = Date.now()
    now[2] = workedMs()
    let { wrong, ms } = await tried(reader, bytes, random)
    // What took long because memory was collected does not take long again.
    for (let again = 0; ms > SLOWEST_MS && again < 2; again++)
      ({ wrong, ms } = await tried(reader, bytes, random))
    slowestMs = Math.max(slowestMs, ms)
    if (ms > SLOWEST_MS) wrong ??= `took ${Math.round(ms)} ms`
    if (wrong !== null && found.length < 3)
      found.push(
        `${name}, seed ${seed}, input ${i}: ${wrong}; ${JSON.stringify(bytes.toString('latin1').slice(0, 300))}`,
      )
  }
  now[1] = 0
  return { found, slowestMs, rssMb: process.memoryUsage.rss() / 2 ** 20 }
}

/** @param {Reader} reader @param {Buffer} bytes @param {() => number} random @returns {Promise<{ wrong: string | null, ms: number }>} */
async function tried(reader, bytes, random) {
  const startedMs = workedMs()
  try {
    return { wrong: await reader(bytes, random), ms: workedMs() - startedMs }
  } catch (error) {
    const place =
      error instanceof Error ? (error.stack ?? '').split('\n').slice(0, 3).join(' ') : String(error)
    return { wrong: `threw ${place}`, ms: workedMs() - startedMs }
  }
}

// What is thrown here is a fault of this script: it ends the worker, and the main thread hears of it.
parentPort?.on('message', (job) => void work(job).then((answer) => parentPort?.postMessage(answer)))
