// @ts-check
/** Real engine logs: queues at llama.cpp's server under open-loop load, attributed and held against its own times. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, isBuilt } from './build.mjs'
import { findEngine, NoEngine } from './engine/install.mjs'
import { judgeSpans, truthOf } from './engine/judge-spans.mjs'
import { underLoad } from './engine/load.mjs'
import { startServer } from './engine/server.mjs'
import { kinds, spanId } from './engine/spans.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))

/** What the engine serves at once. */
const WORLDS = [
  { slots: 1, requests: 150 },
  { slots: 2, requests: 100 },
]
/** Share of the idle engine's time that is asked for: queues come and go. */
const LOAD = 0.85
/** @type {{ promptTokens: [number, number], outputTokens: [number, number] }} */
const LENGTHS = { promptTokens: [24, 220], outputTokens: [12, 48] }

/** @param {string} line */
const say = (line) => process.stderr.write(`${line}\n`)

/** @typedef {import('./engine/load.mjs').Record} Record */
/** @typedef {{ slots: number, model: string, frontMs: number, baseline: string, records: Record[] }} World */

// A folder: what was measured is kept there, or judged again where it is already.
const [kept] = process.argv.slice(2)
const folder = kept ?? mkdtempSync(join(tmpdir(), 'plumbline-engine-'))
try {
  if (!isBuilt() && !build()) throw new NoEngine('the build failed; what the compiler found stands above')
  mkdirSync(folder, { recursive: true })
  const checks = (await worldsIn(folder)).map((world) => judged(world))
  const all = (await Promise.all(checks)).flat()
  for (const { name, passed, figures } of all)
    console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name}\n        ${figures}`)
  const failed = all.filter(({ passed }) => !passed).length
  console.log(`${all.length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
} catch (error) {
  if (!(error instanceof NoEngine)) throw error
  console.log(`check-engine-spans failed: ${error.message}`)
  console.log('0 passed, 1 failed')
  process.exitCode = 1
} finally {
  if (kept === undefined) rmSync(folder, { recursive: true, force: true })
}

/** @param {string} path @returns {Promise<World[]>} */
async function worldsIn(path) {
  const engine = () => findEngine(join(root, '.venv-engine'), process.env, say)
  /** @type {World[]} */
  const worlds = []
  for (const { slots, requests } of WORLDS) {
    const file = join(path, `slots-${slots}.json`)
    const known = readJson(file)
    if (known !== undefined) worlds.push(known)
    else {
      const world = await measured(engine(), slots, requests, path)
      writeFileSync(file, JSON.stringify(world))
      worlds.push(world)
    }
  }
  return worlds
}

/** @param {string} file @returns {World | undefined} */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * @param {{ server: string, model: string }} engine @param {number} slots @param {number} requests
 * @param {string} path @returns {Promise<World>}
 */
async function measured(engine, slots, requests, path) {
  const server = await startServer(engine, slots)
  const model = basename(engine.model)
  try {
    say(`llama.cpp with ${slots} slot${slots === 1 ? '' : 's'}: the curves of the idle engine`)
    const results = join(path, `results-${slots}`)
    const env = { LLAMA_URL: `${server.origin}/v1`, LLAMA_MODEL: model }
    const run = await plumbline(
      ['run', 'scripts/engine/idle.yaml', '--json', '--quiet', '--out', results],
      env,
    )
    const baseline = run === '' ? undefined : JSON.parse(run).runs?.[0]?.path
    if (typeof baseline !== 'string') throw new NoEngine('plumbline run wrote no snapshot')
    const snapshot = JSON.parse(readFileSync(baseline, 'utf8'))
    const ratePerS = LOAD / servedS(snapshot)
    say(`${requests} requests, ${ratePerS.toFixed(2)} a second`)
    const { createRandom } = await fromDist('random/random.js')
    const random = createRandom(`engine-spans/${slots}/${Date.now()}`)
    const load = { requests, ratePerS, ...LENGTHS }
    const records = await underLoad(server.origin, load, () => random.next(), say)
    return { slots, model, frontMs: frontOf(snapshot), baseline, records }
  } finally {
    await server.stop()
  }
}

/**
 * @typedef {{
 *   outcome: string, warmup: boolean, ttft: number | null, promptTokens?: number, outputTokens?: number,
 *   serverTimings?: { prefillMs?: number, decodeMs?: number },
 * }} Sample
 */

/** Seconds that a request of middling lengths keeps the idle engine busy. @param {{ samples: Sample[] }} snapshot */
function servedS({ samples }) {
  const mean = (/** @type {[number, number]} */ [low, high]) => (high - low) / Math.log(high / low)
  const each = (/** @type {(sample: Sample) => number} */ of) => median(good(samples).map(of))
  const promptMs = each(
    ({ serverTimings, promptTokens }) => (serverTimings?.prefillMs ?? NaN) / (promptTokens ?? NaN),
  )
  const outputMs = each(
    ({ serverTimings, outputTokens }) => (serverTimings?.decodeMs ?? NaN) / (outputTokens ?? NaN),
  )
  return (promptMs * mean(LENGTHS.promptTokens) + outputMs * mean(LENGTHS.outputTokens)) / 1000
}

/** Time before the engine's own clock starts, when nobody waits: the median of TTFT less `prompt_ms`. @param {{ samples: Sample[] }} snapshot */
function frontOf({ samples }) {
  return median(
    good(samples).map(({ ttft, serverTimings }) => (ttft ?? NaN) - (serverTimings?.prefillMs ?? NaN)),
  )
}

/** @param {Sample[]} samples */
function good(samples) {
  return samples.filter(({ outcome, warmup }) => outcome === 'ok' && !warmup)
}

/** @param {number[]} values */
function median(values) {
  const told = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  return told[Math.floor(told.length / 2)] ?? 0
}

/** @param {World} world */
async function judged({ slots, model, frontMs, baseline, records }) {
  const { otlpLine } = await fromDist('span/otlp-envelope.js')
  const truths = truthOf(records, frontMs)
  const checks = []
  for (const [kind, spansOf] of Object.entries(kinds)) {
    const lines = truths
      .map((record, index) => ({ record, index, queueMs: record.queueMs, model }))
      .sort((a, b) => a.record.startMs + a.record.durationMs - (b.record.startMs + b.record.durationMs))
      .map((of) => otlpLine(spansOf(of)))
    const said = await plumbline(
      ['attribute', baseline, '-', '--format', 'ndjson', '--quiet'],
      {},
      `${lines.join('\n')}\n`,
    )
    const found = new Map(
      said.split('\n').flatMap((line) => (line === '' ? [] : [[JSON.parse(line).spanId, JSON.parse(line)]])),
    )
    const side = kind.startsWith('server') ? 'server' : 'client'
    const name = `${slots} slot${slots === 1 ? '' : 's'}, ${kind}`
    checks.push(...judgeSpans(name, truths, (index) => found.get(spanId(index, side))))
  }
  return checks
}

/** @param {string} file */
function fromDist(file) {
  return import(pathToFileURL(join(root, 'dist/src', file)).href)
}

/** What the command printed. @param {string[]} args @param {Readonly<{ [name: string]: string }>} env @param {string} [input] @returns {Promise<string>} */
async function plumbline(args, env, input = '') {
  const child = spawn(process.execPath, ['dist/src/cli/main.js', ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
  child.stdin.end(input)
  const exit = await new Promise((resolve) => child.once('close', resolve))
  if (exit !== 0) throw new NoEngine(`plumbline ${args[0]} ended with ${exit}`)
  return output
}
