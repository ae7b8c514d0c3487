/** A folder in which the commands of the pages can be run: all that they name is there, and every provider is simulated. */
import { execFile, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { readSnapshot, writeSnapshot } from '../../src/snapshot/format.js'
import { runId } from '../../src/snapshot/store.js'
import { cliPath } from '../support/cli.js'
import { ROOT } from './pages.js'

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

export interface Desk {
  path: string
  /** Of the simulated provider, ends in /v1. */
  url: string
  /** Runs a line of shell in the folder. With `until` it serves: once it has printed that, it is asked to stop. */
  sh(line: string, until?: RegExp): Promise<Ran>
  close(): void
}

/** Few blocks, since what is asked here is whether a command works, not how exact its answer is. */
const BLOCKS = 6

/** Its fastest: no command is about how long the provider takes. */
const FAST = ['--profile', 'exact', '--set', 'base=2', '--set', 'fresh=5', '--set', 'tpot=1']
/** Those that the pages and the scenarios name. */
const MODELS = ['gpt-4o', 'gpt-4o-mini', 'claude-haiku-4-5', 'sim', 'NAME', 'm']

export async function openDesk(): Promise<Desk> {
  const path = mkdtempSync(join(tmpdir(), 'plumbline-desk-'))
  const main = await cliPath()
  const put = (name: string, text: string): void => {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  const program = (name: string, text: string): void => {
    put(`bin/${name}`, `#!/bin/sh\n${text}\n`)
    chmodSync(join(path, 'bin', name), 0o755)
  }
  program('plumbline', `exec '${process.execPath}' '${main}' "$@"`)
  program('npx', '[ "$1" = llm-plumbline ] || exit 97\nshift\nexec plumbline "$@"')
  const env = {
    PATH: `${join(path, 'bin')}:${process.env['PATH']}`,
    HOME: path,
    OPENAI_API_KEY: 'sk-of-nobody',
    ANTHROPIC_API_KEY: 'sk-of-nobody',
  }

  const provider = spawn(
    process.execPath,
    [main, 'simulate', '--port', '0', '--json', ...FAST, ...MODELS.flatMap((model) => ['--model', model])],
    { env },
  )
  const ready: unknown = JSON.parse(
    await new Promise<string>((resolve) => {
      createInterface({ input: provider.stdout }).once('line', resolve)
    }),
  )
  const { url } = ready as { url: string }

  const sh: Desk['sh'] = (line, until) =>
    new Promise((resolve, reject) => {
      // Without `exec` a signal would end the shell and leave the command.
      const child = spawn('bash', ['-o', 'pipefail', '-c', until ? `exec ${line}` : line], { cwd: path, env })
      const ran: Ran = { code: null, stdout: '', stderr: '' }
      let isAsked = false // a second signal would stop it at once
      const heed = (): void => {
        if (isAsked || until?.test(ran.stdout + ran.stderr) !== true) return
        isAsked = true
        child.kill('SIGTERM')
      }
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        ran.stdout += text
        heed()
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        ran.stderr += text
        heed()
      })
      child.stdin.end()
      child.once('error', reject)
      child.once('close', (code) => resolve({ ...ran, code }))
    })

  const desk: Desk = {
    path,
    url,
    sh,
    close() {
      provider.kill('SIGKILL')
      rmSync(path, { recursive: true, force: true })
    },
  }
  try {
    await furnish(desk, put)
  } catch (error) {
    desk.close()
    throw error
  }
  return desk
}

async function furnish({ path, url, sh }: Desk, put: (name: string, text: string) => void): Promise<void> {
  const must = async (line: string): Promise<void> => {
    const { code, stderr } = await sh(line)
    // 1: an expectation that a busy machine does not meet.
    if (code !== 0 && code !== 1) throw new Error(`${line} ended with ${code}: ${stderr}`)
  }
  await promisify(execFile)('git', ['init', '-q', path])
  mkdirSync(join(path, 'node_modules'))
  symlinkSync(ROOT, join(path, 'node_modules', 'llm-plumbline'))
  for (const name of readdirSync(join(ROOT, 'scenarios')).filter((file) => file.endsWith('.yaml')))
    put(`scenarios/${name}`, shortened(readFileSync(join(ROOT, 'scenarios', name), 'utf8'), url))
  const one = (name: string, models: readonly string[]): string => `name: ${name}
targets:
${models.map((model) => `  - { name: ${model}, baseUrl: '${url}', model: ${model}, tokenizer: o200k_base }`).join('\n')}
probes:
  - { probe: prompt-length, promptTokens: [128, 512, 1024], outputTokens: 16, blocks: ${BLOCKS} }
warmup: { requests: 1 }
`
  put('nightly.yaml', one('nightly', ['gpt-4o-mini']))
  put('two-models.yaml', one('two-models', ['gpt-4o', 'gpt-4o-mini']))
  put('my-provider.yaml', 'profile: exact\nset: { base: 30, replicas: 2 }\n')
  put('run/secrets/openai', 'a key from a file')
  put('traces/README', '')
  put('latency.csv', Array.from({ length: 40 }, (_, day) => csvLine(day)).join(''))
  put('my.yaml', WRONG)
  const sweep = [128, 256, 512, 1024, 2048, 4096].map((tokens) => `${tokens},${20 + tokens / 20}\n`)
  put('sweep.csv', `promptTokens,ttft\n${sweep.join('')}`)

  for (const files of ['scenarios/quickstart.yaml', 'nightly.yaml', 'scenarios/ci.yaml two-models.yaml'])
    await must(`plumbline run ${files} --quiet`)
  await must('plumbline run scenarios/quickstart.yaml nightly.yaml scenarios/openai.yaml --quiet')
  for (const scenario of ['quickstart', 'nightly', 'ci'])
    await must(`plumbline accept results/${scenario} --force`)
  const runs = (scenario: string): string[] =>
    readdirSync(join(path, 'results', scenario))
      .filter((name) => /^\d{8}T.*\.json$/.test(name))
      .sort()
      .map((name) => join(path, 'results', scenario, name))
  const [first = '', second = ''] = runs('quickstart')
  for (const name of ['results/quickstart/A.json', 'base.json']) copyFileSync(first, join(path, name))
  for (const name of ['results/quickstart/B.json', 'candidate.json']) copyFileSync(second, join(path, name))
  copyFileSync(runs('two-models')[0] ?? '', join(path, 'results/two-models/A.json'))
  await backInTime(runs('nightly')[0] ?? '', 9)
  await must('plumbline simulate --spans traces/spans.jsonl --requests 300 --model sim --seed 7')
  await must('plumbline attribute results/quickstart traces/ > spans.ndjson')
}

/** The same snapshot once a day before, so that there is a history. */
async function backInTime(file: string, days: number): Promise<void> {
  const read = await readSnapshot(file)
  if (!read.ok) throw new Error(read.problem.message)
  for (let day = 1; day <= days; day++) {
    const before = (iso: string): string => new Date(Date.parse(iso) - day * 86_400_000).toISOString()
    const { startedAt, endedAt } = read.value
    const id = runId(Date.parse(before(startedAt)))
    const written = await writeSnapshot(join(dirname(file), `${id}.json`), {
      ...read.value,
      id,
      startedAt: before(startedAt),
      endedAt: before(endedAt),
    })
    if (!written.ok) throw new Error(written.problem.message)
  }
}

/** A shipped scenario with few blocks, at the simulated provider wherever it names one of the world. */
function shortened(text: string, url: string): string {
  return text
    .replace(/^( *)provider: (openai|anthropic)$/gm, (line, indent: string, name: string) =>
      [line, `baseUrl: ${url}`, `apiKeyEnv: ${name.toUpperCase()}_API_KEY`].join(`\n${indent}`),
    )
    .replace(/^repeats: \d+/m, `repeats: ${BLOCKS}`)
    .replace(/^( *)blocks: \d+$/gm, `$1blocks: ${BLOCKS}`)
    .concat("\nschedule: { cron: '0 3 1 1 *', timezone: UTC }\n")
}

function csvLine(day: number): string {
  return `${new Date(Date.UTC(2026, 8, 1 + day)).toISOString()},${200 + (day % 7)}\n`
}

/** Line 19 and 20 are those that docs/scenarios.md shows the answer to. */
const WRONG = `name: my
${Array.from({ length: 11 }, (_, i) => `# comment ${i + 2}`).join('\n')}
targets:
  - name: t
    baseUrl: http://127.0.0.1:9/v1
    model: m
probes:
  - probe: prompt-length
    promptTokens: [128, 512, 8k]
    promtTokens: [1]
`
