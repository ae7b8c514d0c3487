// @ts-check
/**
 * What we send over OTLP, as a real OpenTelemetry Collector understands it: built here from its Go modules with the OTLP
 * receiver and the debug exporter, which prints every field that it read. Needs Go; the first build takes some minutes.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build, isBuilt } from './build.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const main = join(root, 'dist', 'src', 'cli', 'main.js')
const CALLS = 200
/** A cron of every minute fires within one, and its run takes some seconds. */
const LONGEST_MS = 120_000

/** @returns {string | null} Path of the Collector; null where there is no Go. */
function collector() {
  if (spawnSync('go', ['version']).status !== 0) return null
  const folder = join(root, 'node_modules', '.cache', 'plumbline')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'otelcol')
  const cwd = join(root, 'scripts', 'collector')
  const built = spawnSync('go', ['build', '-trimpath', '-o', path, '.'], { cwd, stdio: 'inherit' })
  if (built.status !== 0) throw new Error('the Collector could not be built; what Go said stands above')
  return path
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 */
function start(command, args, cwd) {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { text: '' }
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said.text += text))
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => child.once('close', resolve))
  return { child, said, ended }
}

/** @param {string} cwd @param {string[]} args */
async function plumbline(cwd, ...args) {
  const { said, ended } = start(process.execPath, [main, ...args], cwd)
  const code = await ended
  if (code !== 0) throw new Error(`plumbline ${args.join(' ')} ended with ${code}: ${said.text}`)
  return said.text
}

/** @param {() => boolean} isTrue @param {string} what */
async function until(isTrue, what) {
  for (const beganMs = performance.now(); !isTrue(); await sleep(50))
    if (performance.now() - beganMs > LONGEST_MS)
      throw new Error(`${what}: not within ${LONGEST_MS / 1000} s`)
}

/** @param {string} text @param {RegExp} pattern */
const count = (text, pattern) => [...text.matchAll(pattern)].length

/** @param {string} path @param {string} here */
async function check(path, here) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: { debug: { verbosity: 'detailed', use_internal_logger: false } },
    service: {
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['debug'] },
        metrics: { receivers: ['otlp'], exporters: ['debug'] },
      },
    },
  }
  writeFileSync(join(here, 'config.yaml'), JSON.stringify(config)) // JSON is YAML
  const scenario = `name: otlp
targets: [{ name: sim, simulate: { profile: exact } }]
probes: [{ probe: prompt-length, promptTokens: [64, 256, 512], outputTokens: 16, blocks: 6 }]
warmup: { requests: 1 }
schedule: { cron: '* * * * *', timezone: UTC }
`
  writeFileSync(join(here, 'otlp.yaml'), scenario)
  const server = start(path, ['--config', 'config.yaml'], here)
  try {
    let listens = false
    await until(() => {
      const socket = connect(port, '127.0.0.1', () => {
        listens = true
        socket.destroy()
      }).on('error', () => {})
      return listens
    }, 'the Collector listens')
    await plumbline(here, 'run', 'otlp.yaml', '--quiet')
    const calls = ['--requests', String(CALLS), '--profile', 'exact', '--model', 'sim', '--seed', '7']
    await plumbline(here, 'simulate', '--spans', 'spans.jsonl', ...calls)
    const attributed = await plumbline(here, 'attribute', 'results/otlp', 'spans.jsonl', '--otlp', url)
    const traces = server.said.text
    server.said.text = ''

    const schedule = start(process.execPath, [main, 'schedule', 'otlp.yaml', '--otlp', url], here)
    await until(() => /gen_ai\.client\.token\.usage/.test(server.said.text), 'metrics of a scheduled run')
    schedule.child.kill('SIGTERM')
    const code = await schedule.ended
    const samples = readdirSync(join(here, 'results/otlp'))
      .filter((name) => /^\d{8}T.*\.json$/.test(name))
      .map((name) => JSON.parse(readFileSync(join(here, 'results/otlp', name), 'utf8')).samples.length)
    await sleep(1000) // the debug exporter prints what it was given after it has answered
    return judge({ traces, probes: server.said.text, told: attributed + schedule.said.text, code, samples })
  } finally {
    server.child.kill('SIGTERM')
    await server.ended
  }
}

/** @param {{ traces: string, probes: string, told: string, code: number | null, samples: number[] }} seen */
function judge({ traces, probes, told, code, samples }) {
  const metrics = [...probes.matchAll(/-> Name: (\S+)[\s\S]*?-> Unit: (\S+)\s+-> DataType: (\S+)/g)]
  const named = new Set(metrics.map(([, ...parts]) => parts.join(' ')))
  const wanted = [
    'gen_ai.client.operation.duration s Histogram',
    'gen_ai.client.operation.time_to_first_chunk s Histogram',
    'gen_ai.client.token.usage {token} Histogram',
  ]
  const verdicts = count(traces, /-> plumbline\.verdict: Str\(/g)
  const ids = count(traces, /^ *Trace ID +: [0-9a-f]{32}$/gm)
  const spans = count(traces, /^Span #\d+$/gm)
  const synthetic = count(probes, /^Span #\d+$[\s\S]*?-> user_agent\.synthetic\.type: Str\(test\)/gm)
  return [
    { name: 'a verdict for each call', passed: verdicts === CALLS, figures: `${verdicts} of ${CALLS}` },
    { name: 'every span has a trace id', passed: spans > CALLS && ids >= spans, figures: `${spans} spans` },
    {
      name: 'metrics have name, unit and kind',
      passed: wanted.every((one) => named.has(one)),
      figures: [...named].join('; '),
    },
    {
      name: 'each probe is a span, marked synthetic',
      passed: samples.includes(synthetic),
      figures: `${synthetic}; runs of ${samples.join(', ')}`,
    },
    {
      name: 'the senders were not refused',
      passed: code === 0 && !/OTLP (?:receiver|address)/.test(told),
      figures: `exit ${code}`,
    },
  ]
}

const path = collector()
if (path === null) {
  console.log('check:otlp is skipped: there is no Go here, which builds the Collector')
  console.log('0 passed, 0 failed, 1 skipped')
} else if (!isBuilt() && !build()) process.exitCode = 1
else {
  const here = mkdtempSync(join(tmpdir(), 'plumbline-otlp-'))
  try {
    const checks = await check(path, here)
    const width = Math.max(...checks.map(({ name }) => name.length))
    for (const { name, passed, figures } of checks)
      console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(width)}  ${figures}`)
    const failed = checks.filter(({ passed }) => !passed).length
    console.log(`${checks.length - failed} passed, ${failed} failed`)
    process.exitCode = failed === 0 ? 0 : 1
  } finally {
    rmSync(here, { recursive: true, force: true })
  }
}
