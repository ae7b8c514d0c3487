// @ts-check
/** Runs a check by simulation from test/check over the processors there are, and exits 1 where a line does not hold. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const root = fileURLToPath(new URL('../', import.meta.url))

if (!isMainThread && workerData?.simulation !== undefined) {
  const { check } = await import(workerData.simulation)
  parentPort?.on('message', (job) => {
    // What is thrown ends the worker, and with it the check.
    void Promise.resolve(check.work(job)).then((result) => parentPort?.postMessage(result))
  })
}

/**
 * @param {string} name of the file in test/check
 * `--only TEXT` keeps the settings that have TEXT in their name; `--seed N` tells one seed of a check that can replay it;
 * after `--minutes N` nothing more is begun, and it says how much was left.
 * @param {string} counted what `--<counted> N` counts
 * @param {number} usual
 */
export async function simulate(name, counted, usual) {
  const { values } = parseArgs({
    options: {
      [counted]: { type: 'string' },
      workers: { type: 'string' },
      only: { type: 'string' },
      seed: { type: 'string' },
      minutes: { type: 'string' },
    },
  })
  const repeats = Number(values[counted] ?? usual)
  const workers = Number(values['workers'] ?? availableParallelism())
  const minutes = Number(values['minutes'] ?? Infinity)
  if (
    !Number.isInteger(repeats) ||
    repeats < 1 ||
    !Number.isInteger(workers) ||
    workers < 1 ||
    !(minutes > 0)
  ) {
    process.stderr.write(
      `--${counted} and --workers want whole numbers from 1 up, --minutes a number above 0\n`,
    )
    process.exitCode = 2
    return
  }
  // Below the packages, so that what is compiled finds them.
  const folder = mkdtempSync(join(root, 'node_modules', '.plumbline-check-'))
  try {
    const file = compile(folder, name)
    if (file === null) {
      process.exitCode = 3
      return
    }
    const { check } = await import(file)
    if (values['seed'] !== undefined && check.replay !== undefined) {
      tell(await check.replay(Number(values['seed'])))
      return
    }
    const startedMs = performance.now()
    const only = values['only'] ?? ''
    const jobs = check
      .jobs(repeats)
      .filter((/** @type {unknown} */ job) => JSON.stringify(job).includes(only))
    const results = await spread(file, jobs, workers, startedMs + minutes * 60_000)
    const { lines, broken } = check.report(results, repeats)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0)
    if (results.length < jobs.length)
      lines.push(`the time was over after ${results.length} of ${jobs.length} parts`)
    process.stdout.write(
      `${[...lines, '', `${repeats} ${counted} a setting, ${seconds} s on ${workers} workers`].join('\n')}\n`,
    )
    tell(broken)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {readonly string[]} broken */
function tell(broken) {
  for (const line of broken) process.stdout.write(`does not hold: ${line}\n`)
  if (broken.length === 0) process.stdout.write('every line holds\n')
  else process.exitCode = 1
}

/**
 * @param {string} folder
 * @param {string} name
 */
function compile(folder, name) {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: { noEmit: false, rootDir: root, outDir: folder, allowJs: false },
      include: [],
      files: [join(root, 'test', 'check', `${name}.ts`)],
    }),
  )
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', folder], { stdio: 'inherit' })
  return status === 0 ? pathToFileURL(join(folder, 'test', 'check', `${name}.js`)).href : null
}

/**
 * @param {string} simulation
 * @param {unknown[]} jobs
 * @param {number} count of workers
 * @param {number} untilMs by `performance.now()`: nothing is begun any more
 * @returns {Promise<unknown[]>}
 */
async function spread(simulation, jobs, count, untilMs) {
  /** @type {unknown[]} */
  const results = []
  const waiting = [...jobs]
  /** @returns {Promise<void>} */
  const one = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { simulation } })
      const next = () => {
        const job = performance.now() < untilMs ? waiting.shift() : undefined
        if (job !== undefined) worker.postMessage(job)
        else void worker.terminate().then(() => resolve())
      }
      worker.on('error', reject)
      worker.on('message', (result) => {
        results.push(result)
        if (process.stderr.isTTY) process.stderr.write(`\r${results.length} of ${jobs.length} `)
        next()
      })
      next()
    })
  await Promise.all(Array.from({ length: Math.min(count, jobs.length) }, one))
  if (process.stderr.isTTY) process.stderr.write('\r')
  return results
}
