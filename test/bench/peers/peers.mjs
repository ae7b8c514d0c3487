// @ts-check
/**
 * aiperf, guidellm and Plumbline in turn against one paced server of known truth.
 * `--venvs /tmp/peers --streams 50 --tokens 200`
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { warmJudge } from './warm-judge.mjs'

const { values } = parseArgs({
  options: {
    venvs: { type: 'string', default: '/tmp/peers' },
    streams: { type: 'string', default: '50' },
    tokens: { type: 'string', default: '200' },
    /** How long one tool may take, seconds. */
    limit: { type: 'string', default: '180' },
  },
})
const streams = Number(values.streams)
const tokens = Number(values.tokens)
const BASE_MS = 300
const GAP_MS = 20
const folder = mkdtempSync(join(tmpdir(), 'peers-'))
const here = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url))

/** @typedef {{ ttftMs: number, gapMs: number, tokens: number }} Seen one request, as the tool tells it */
/** @typedef {{ name: string, version: string[] | null, missing: string | null, command: (url: string, n: number) => string[], read: () => Seen[] }} Tool */

/** @param {string} name */
const venv = (name) => join(values.venvs, `venv-${name}`, 'bin')
/** aiperf takes no folder, so the tokenizer lies as in a cache that was filled by a download. */
const cached = join(folder, 'hub', 'models--peers--words')
const REVISION = 'a'.repeat(40)
const tokenizer = join(cached, 'snapshots', REVISION)

/** @param {unknown} value @param {...(string | number)} path @returns {any} what a peer wrote, whose types nobody knows */
function at(value, ...path) {
  let found = /** @type {any} */ (value)
  for (const key of path) found = found?.[key]
  return found
}

/** @param {string} file */
const lines = (file) =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : []

/** @type {Tool[]} */
const tools = [
  {
    name: 'plumbline',
    version: [process.execPath, here('../../../dist/src/cli/main.js'), '--version'],
    missing: existsSync(here('../../../dist/src/cli/main.js')) ? null : 'npm run build makes it',
    command: (url, n) => [
      process.execPath,
      here('../../../dist/src/cli/main.js'),
      ...['probe', `${url}/v1`, '--model', 'truth', '--prompt-tokens', '64', '--output-tokens', `${tokens}`],
      ...[
        '--concurrency',
        `${n}`,
        '--requests',
        `${n}`,
        '--samples',
        'samples.ndjson',
        '--quiet',
        '--out',
        'results',
      ],
    ],
    read: () =>
      lines(join(folder, 'samples.ndjson'))
        .filter((sample) => sample.warmup === false && sample.outcome === 'ok')
        .map((sample) => ({
          ttftMs: sample.ttft,
          gapMs: sample.tpot,
          tokens: sample.itl.count + 1 + sample.coalesced,
        })),
  },
  {
    name: 'aiperf',
    version: [join(venv('aiperf'), 'aiperf'), '--version'],
    missing: existsSync(join(venv('aiperf'), 'aiperf')) ? null : `pip install aiperf into ${venv('aiperf')}`,
    command: (url, n) => [
      join(venv('aiperf'), 'aiperf'),
      ...['profile', '--model', 'truth', '--url', url, '--endpoint-type', 'chat', '--streaming'],
      ...['--tokenizer', 'peers/words', '--concurrency', `${n}`, '--request-count', `${n}`, '--isl', '64'],
      ...['--osl', `${tokens}`, '--artifact-dir', 'aiperf', '--ui', 'none', '--export-level', 'records'],
    ],
    read: () =>
      lines(join(folder, 'aiperf', 'profile_export.jsonl')).map(({ metrics }) => ({
        ttftMs: at(metrics, 'time_to_first_token', 'value'),
        gapMs: at(metrics, 'inter_token_latency', 'value'),
        tokens: at(metrics, 'output_sequence_length', 'value'),
      })),
  },
  {
    name: 'guidellm',
    version: [join(venv('guidellm'), 'guidellm'), '--version'],
    missing: existsSync(join(venv('guidellm'), 'guidellm'))
      ? null
      : `pip install guidellm into ${venv('guidellm')}`,
    command: (url, n) => [
      join(venv('guidellm'), 'guidellm'),
      ...['run', '--backend', `kind=openai_http,target=${url},model=truth`],
      ...['--profile', `kind=concurrent,streams=${n}`, '--constraint', `kind=max_requests,count=${n}`],
      ...['--tokenizer', `kind=huggingface_auto,model=${tokenizer}`],
      ...['--data', `kind=synthetic_text,prompt_tokens=64,output_tokens=${tokens}`],
      ...['--output', 'kind=json,path=guidellm.json', '--disable-console-interactive'],
    ],
    read() {
      const file = join(folder, 'guidellm.json')
      const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
      /** @type {any[]} */
      const requests = at(report, 'benchmarks', 0, 'requests', 'successful') ?? []
      return requests.map((request) => ({
        ttftMs: request.time_to_first_token_ms,
        gapMs: request.inter_token_latency_ms,
        tokens: request.output_tokens,
      }))
    },
  },
]

/** @param {string[]} command @returns {Promise<{ code: number | null, output: string, cpuS: number }>} */
function run(command) {
  const [file = '', ...args] = command
  return new Promise((resolve) => {
    // bash's own `times` counts a program with all its children.
    const script = '"$@" </dev/null; code=$?; times >&3; exit $code'
    const child = spawn('bash', ['-c', script, 'run', file, ...args], {
      cwd: folder,
      env: { ...process.env, HF_HOME: folder, HF_HUB_OFFLINE: '1', TRANSFORMERS_VERBOSITY: 'error' },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    })
    let output = ''
    let times = ''
    child.stdout?.on('data', (part) => (output += part))
    child.stderr?.on('data', (part) => (output += part))
    const told = child.stdio[3]
    if (told && 'on' in told) told.on('data', (part) => (times += part))
    const timer = setTimeout(
      () => {
        output += `\nnot done after ${values.limit} s`
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      },
      Number(values.limit) * 1000,
    )
    child.on('close', (code) => {
      clearTimeout(timer)
      const seconds = [...(times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)]
      resolve({ code, output, cpuS: seconds.reduce((sum, [, m, s]) => sum + 60 * Number(m) + Number(s), 0) })
    })
  })
}

async function startServer() {
  const options = JSON.stringify({ baseMs: BASE_MS, gapMs: GAP_MS, tokens })
  const child = spawn(process.execPath, [here('truth-server.mjs'), options], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const port = await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
  return { url: `http://127.0.0.1:${port}`, close: () => child.stdin.end() }
}

/** @param {number[]} list @param {number} p */
function quantile(list, p) {
  const sorted = list.filter(Number.isFinite).toSorted((a, b) => a - b)
  return Number((sorted[Math.floor(p * (sorted.length - 1))] ?? NaN).toFixed(3))
}

/** @param {Tool} tool */
async function judge(tool) {
  const server = await startServer()
  try {
    // What starting costs is no cost of events.
    const idle = await run(tool.command(server.url, 1))
    if (idle.code !== 0) return { problem: idle.output.trim().split('\n').at(-1) ?? 'no output' }
    await warmJudge(server.url)
    const ran = await run(tool.command(server.url, streams))
    if (ran.code !== 0) return { problem: ran.output.trim().split('\n').at(-1) ?? 'no output' }
    /** @type {any} */
    const truth = await (await fetch(`${server.url}/truth`)).json()
    /** @type {{ receivedNs: number, sentNs: number[] }[]} */
    const told = truth.streams.filter((/** @type {any} */ { sentNs }) => sentNs.length === tokens)
    // The pace is the server's: each of its streams is like the other, but for its own lateness.
    const ttft = quantile(
      told.map(({ receivedNs, sentNs }) => ((sentNs[0] ?? NaN) - receivedNs) / 1e6),
      0.5,
    )
    const gap = quantile(
      told.map(({ sentNs }) => ((sentNs.at(-1) ?? NaN) - (sentNs[0] ?? NaN)) / 1e6 / (tokens - 1)),
      0.5,
    )
    const seen = tool.read()
    const counted = seen.reduce((sum, each) => sum + each.tokens, 0)
    const ttftErrors = seen.map(({ ttftMs }) => ttftMs - ttft)
    return {
      requests: seen.length,
      'TTFT error p50, ms': quantile(ttftErrors, 0.5),
      'TTFT error p99, ms': quantile(ttftErrors, 0.99),
      'gap error p50, ms': quantile(
        seen.map(({ gapMs }) => gapMs - gap),
        0.5,
      ),
      'CPU per event, µs': Math.round(((ran.cpuS - idle.cpuS) * 1e6) / ((streams - 1) * tokens)),
      lost: streams * tokens - counted,
    }
  } finally {
    server.close()
  }
}

const maker = ['aiperf', 'guidellm']
  .map((name) => join(venv(name), 'python'))
  .find((file) => existsSync(file))
if (maker !== undefined) {
  await run([maker, here('tokenizer.py'), tokenizer])
  mkdirSync(join(cached, 'refs'), { recursive: true })
  writeFileSync(join(cached, 'refs', 'main'), REVISION)
}
console.log(
  `${streams} streams x ${1000 / GAP_MS} tokens/s, ${tokens} tokens each, first after ${BASE_MS} ms`,
)
/** @type {Record<string, object>} */
const table = {}
for (const tool of tools) {
  if (tool.missing !== null) {
    console.log(`${tool.name}: missing, not measured: ${tool.missing}`)
    continue
  }
  const version = (await run(tool.version ?? [])).output.trim().split(/\s+/).at(-1) ?? 'unknown'
  const judged = await judge(tool)
  if ('problem' in judged) console.log(`${tool.name} ${version}: did not run: ${judged.problem}`)
  else table[`${tool.name} ${version}`] = judged
}
console.table(table)
console.log(`load average ${loadavg()[0]?.toFixed(1)}: a figure of a busy machine is worth little`)
rmSync(folder, { recursive: true })
