// @ts-check
/**
 * Hostile input for all that reads what others wrote: valid examples, changed at random from a seed. Each input must be
 * answered without an exception, within a second, in bounded memory; a reader that hangs is ended and its input named.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { readers } from './fuzz-readers.mjs'
import { enough } from './rig.mjs'

const WORKER = fileURLToPath(new URL('fuzz-worker.mjs', import.meta.url))
/** Worked at one input, or waited for it: that is a hang. */
const HANG_MS = 10_000
const STILL_MS = 300_000
/** Inputs of a kind in turn; YAML takes ten times as long as any other. */
const BATCH = 500
const batchOf = (/** @type {string} */ name) => (name === 'yaml' ? BATCH / 5 : BATCH)
const MOST_MB = 1024
/** A heap that grows beyond ends the thread: that is a finding. */
const MOST_HEAP_MB = 512

/** @typedef {import('./fuzz-worker.mjs').Job} Job */
/** @typedef {import('./fuzz-worker.mjs').Answer} Answer */

/**
 * @param {{ inputs?: number, minutes?: number, seed: number }} options so many inputs in all, or for so long
 * @returns {Promise<{ line: string, broken: string[] }>}
 */
export async function fuzz({ inputs = Infinity, minutes = Infinity, seed }) {
  const names = Object.keys(readers)
  const startMs = performance.now()
  const untilMs = startMs + minutes * 60_000
  let thread = begin()
  /** @type {string[]} */
  const broken = []
  const turn = names.reduce((sum, name) => sum + batchOf(name), 0)
  let done = 0
  let slowestMs = 0
  let rssMb = 0
  const isOver = () => done >= inputs || performance.now() >= untilMs || broken.length >= 20 || enough.isTrue
  for (let round = 0; !isOver(); round++) {
    const share = Math.min(1, (inputs - done) / turn)
    for (const name of names) {
      const count = Math.ceil(batchOf(name) * share)
      const from = round * batchOf(name)
      const answer = await ask(thread, { name, seed, from, count })
      if (typeof answer === 'string') {
        broken.push(`${name}, seed ${seed}, input ${thread.now[0]}: ${answer}`)
        await thread.worker.terminate()
        thread = begin()
        continue
      }
      done += count
      broken.push(...answer.found)
      slowestMs = Math.max(slowestMs, answer.slowestMs)
      rssMb = Math.max(rssMb, answer.rssMb)
    }
  }
  await thread.worker.terminate()
  if (rssMb > MOST_MB) broken.push(`memory grew to ${Math.round(rssMb)} MB`)
  const rate = done / ((performance.now() - startMs) / 1000)
  return {
    line: `fuzz: ${done.toLocaleString('en')} inputs of ${names.length} kinds (${names.join(', ')}), seed ${seed}, ${Math.round(rate)} a second; slowest ${slowestMs.toFixed(0)} ms, memory at most ${Math.round(rssMb)} MB`,
    broken,
  }
}

/** @typedef {{ worker: Worker, now: Float64Array }} Thread */

/** @returns {Thread} */
function begin() {
  const now = new SharedArrayBuffer(24)
  const worker = new Worker(WORKER, {
    workerData: { now },
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB },
  })
  return { worker, now: new Float64Array(now) }
}

/** What the thread found, or what became of it. @param {Thread} thread @param {Job} job @returns {Promise<Answer | string>} */
async function ask({ worker, now }, job) {
  const over = new AbortController()
  /** @type {Promise<Answer | string>} */
  const answer = new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', (error) =>
      'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? resolve('ran out of memory')
        : reject(error),
    )
  })
  worker.postMessage(job)
  const hang = async () => {
    while (!over.signal.aborted) {
      await sleep(500, undefined, { signal: over.signal }).catch(() => undefined)
      const [, sinceMs = 0, beganMs = 0] = now
      const { user, system } = process.cpuUsage()
      const workedMs = (user + system) / 1000 - beganMs
      if (sinceMs > 0 && (workedMs > HANG_MS || Date.now() - sinceMs > STILL_MS)) return 'hangs'
    }
    return 'over'
  }
  const first = await Promise.race([answer, hang()])
  over.abort()
  worker.removeAllListeners('message').removeAllListeners('error')
  return first
}
