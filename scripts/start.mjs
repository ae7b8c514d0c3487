// @ts-check
/** Runs the quickstart on a fresh clone: installs and builds what is missing, and does neither again. */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const OLDEST = [20, 18, 1]

/** Exit codes as the command line has them: 2, what was asked cannot work here; 3, it failed. */
const WRONG = 2
const FAILED = 3

if (isOlder(process.versions.node, OLDEST)) {
  fail(WRONG, `Plumbline needs Node ${OLDEST.join('.')} or newer; this is ${process.versions.node}.`)
}
install()
const { build, isBuilt } = await import('./build.mjs')
if (!isBuilt()) {
  say('Building (once)…')
  if (!build()) fail(FAILED, 'The build failed; what the compiler found stands above.')
}
runQuickstart(process.argv.slice(2))

/** @param {string} version @param {number[]} least */
function isOlder(version, least) {
  const have = version.split('.').map(Number)
  const differs = least.findIndex((number, index) => number !== have[index])
  return differs >= 0 && Number(have[differs]) < Number(least[differs])
}

/** `npm ci` where node_modules is missing or belongs to another package-lock.json. */
function install() {
  const lock = join(root, 'package-lock.json')
  const installed = join(root, 'node_modules', '.package-lock.json') // written by npm at the end of an install
  const marker = join(root, 'node_modules', '.plumbline-lock')
  const hash = createHash('sha256').update(readFileSync(lock)).digest('hex')
  if (existsSync(installed)) {
    if (existsSync(marker) && readFileSync(marker, 'utf8') === hash) return
    if (statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  }
  say('Installing (once): npm ci…')
  const args = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env.npm_execpath
  // Under `npm start` npm names itself; a shell finds npm.cmd on Windows.
  const { status } = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) fail(FAILED, 'npm ci failed: what npm says stands above.')
  writeFileSync(marker, hash)
}

/** @param {string[]} more */
function runQuickstart(more) {
  const args = [join('dist', 'src', 'cli', 'main.js'), 'run', join('scenarios', 'quickstart.yaml'), ...more]
  say(`Running: plumbline run scenarios/quickstart.yaml ${more.join(' ')}`.trimEnd())
  // In a process group of its own: a Ctrl-C then reaches it only through us, and so once.
  const detached = process.platform !== 'win32'
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', detached })

  let lastMs = -Infinity
  /** @param {NodeJS.Signals} signal */
  function forward(signal) {
    // npm hands on the Ctrl-C that the terminal has sent us already: two within this time are one.
    const nowMs = performance.now()
    if (nowMs - lastMs < 200) return
    lastMs = nowMs
    if (detached) child.kill(signal)
  }
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, forward)

  child.on('error', (error) => fail(FAILED, `The command did not start: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? FAILED
    else {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
  })
}

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`)
}

/** @param {number} code @param {string} line @returns {never} */
function fail(code, line) {
  say(line)
  process.exit(code)
}
