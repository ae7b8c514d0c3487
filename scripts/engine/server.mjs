// @ts-check
/** Runs llama.cpp's server on a free loopback port, set up so that what it reports is all that it did. */
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { NoEngine } from './install.mjs'

const START_MS = 120_000
const STOP_MS = 5_000
const LOG_CHARACTERS = 4_000

/**
 * One thread: the client needs the other core. One slot where nobody asks for more: a second one has a cache of its own.
 * Options that a server does not know are left out.
 * @param {number} slots
 */
const optionsOf = (slots) => [
  ['--threads', '1'],
  ['--threads-batch', '1'],
  ['--parallel', String(slots)],
  ['--ctx-size', '4096'],
  // A model with a sliding window forgets a prefix, and then computes it again, unless it keeps the whole of it.
  ['--swa-full'],
  // Saving states for prompts to come takes time before and inside a prefill that no prompt of ours gains from.
  ['--ctx-checkpoints', '0'],
  ['--cache-ram', '0'],
  ['--no-webui'],
]

/**
 * Starts it and waits until it is ready. Throws `NoEngine` with the end of its log where it does not come up.
 * @param {{ server: string, model: string }} engine @param {number} slots requests that it serves at once
 */
export async function startServer({ server, model }, slots = 1) {
  const port = await freePort()
  const { stdout, stderr } = spawnSync(server, ['--help'], { encoding: 'utf8' })
  const known = `${stdout}${stderr}`
  const options = optionsOf(slots)
    .filter(([name = '']) => known.includes(name))
    .flat()
  const args = ['--model', model, '--host', '127.0.0.1', '--port', String(port), ...options]
  const child = spawn(server, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  let ended = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-LOG_CHARACTERS)))
  }
  const over = new Promise((resolve) => {
    child.once('error', (error) => resolve((log += error.message)))
    child.once('exit', resolve)
  }).then(() => (ended = true))

  const origin = `http://127.0.0.1:${port}`
  const stop = async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await over
    clearTimeout(timer)
  }
  const deadline = performance.now() + START_MS
  while (!(await isReady(origin))) {
    if (!ended && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      continue
    }
    await stop()
    throw new NoEngine(
      `${server} did not come up${ended ? '' : ` within ${START_MS / 1000} s`}\n${log.trimEnd()}`,
    )
  }
  return { origin, options: options.join(' '), stop }
}

/** @param {string} origin */
async function isReady(origin) {
  try {
    const { status } = await fetch(`${origin}/health`, { signal: AbortSignal.timeout(5_000) })
    return status === 200
  } catch {
    return false
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0))
    })
  })
}
