// @ts-check
/** Real input: measures llama.cpp's server with the built command and holds the result against the engine's own times. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, isBuilt } from './build.mjs'
import { findEngine, NoEngine } from './engine/install.mjs'
import { judge } from './engine/judge.mjs'
import { startServer } from './engine/server.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))

/** @param {string} line */
const say = (line) => process.stderr.write(`${line}\n`)

try {
  const checks = await check()
  const width = Math.max(...checks.map(({ name }) => name.length))
  for (const { name, passed, figures } of checks) {
    console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(width)}  ${figures}`)
  }
  const failed = checks.filter(({ passed }) => !passed).length
  console.log(`${checks.length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
} catch (error) {
  if (!(error instanceof NoEngine)) throw error
  console.log(`check:engine failed: ${error.message}`)
  console.log('0 passed, 1 failed')
  process.exitCode = 1
}

async function check() {
  if (!isBuilt() && !build()) throw new NoEngine('the build failed; what the compiler found stands above')
  const engine = findEngine(join(root, '.venv-engine'), process.env, say)
  const server = await startServer(engine)
  const results = mkdtempSync(join(tmpdir(), 'plumbline-engine-'))
  try {
    say(`llama.cpp: ${basename(engine.model)}, ${server.options}`)
    const path = await runScenario(server.origin, basename(engine.model), results)
    const snapshot = JSON.parse(readFileSync(path, 'utf8'))
    console.log(await summary(snapshot))
    return judge(snapshot)
  } finally {
    await server.stop()
    rmSync(results, { recursive: true, force: true })
  }
}

/** Path of the snapshot that the command wrote. @param {string} origin @param {string} model @param {string} results */
async function runScenario(origin, model, results) {
  const args = ['dist/src/cli/main.js', 'run', 'scenarios/llama-cpp.yaml', '--json', '--out', results]
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LLAMA_URL: `${origin}/v1`, LLAMA_MODEL: model },
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
  const exit = await new Promise((resolve) => child.once('close', resolve))
  const path = output === '' ? undefined : JSON.parse(output).runs?.[0]?.path
  if (typeof path !== 'string') throw new NoEngine(`plumbline ended with ${exit} and wrote no snapshot`)
  return path
}

/** As `plumbline run` prints it without --json. @param {unknown} snapshot @returns {Promise<string>} */
async function summary(snapshot) {
  const from = (/** @type {string} */ file) => import(pathToFileURL(join(root, 'dist/src/report', file)).href)
  const { summaryOf } = await from('summary.js')
  const { terminalSummary } = await from('terminal.js')
  return terminalSummary(summaryOf(snapshot))
}
