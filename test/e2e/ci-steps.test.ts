/** The steps of the workflow that `plumbline init` writes, run one after the other against the simulated provider. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Workspace } from '../support/cli.js'
import { runCli, startSimulate, workspace } from '../support/cli.js'
import { runStep, shellSteps, toolFolder } from './workflow-steps.js'

const exec = promisify(execFile)
const WORKFLOW = '.github/workflows/plumbline.yml'

const scenario = `name: m
env: [URL]
targets: [{ name: m, baseUrl: '\${URL}', model: m, tokenizer: o200k_base }]
probes: [{ probe: prompt-length, promptTokens: [64, 768, 1536], outputTokens: 4 }]
repeats: 8
errorLimit: 20%
retries: { attempts: 1 }
deadlines: { connectS: 2, firstByteS: 5, gapS: 5, totalS: 20 }
gate: { margins: { ttft: 25% }, detect: { ttft: 100% } }
`

/** A repository with a scenario and the workflow. */
async function repository(): Promise<{ here: Workspace; tools: string }> {
  const here = workspace()
  here.write('plumbline.yaml', scenario)
  const made = await runCli(['init', '--provider', 'vllm', '--model', 'm'], { cwd: here.path })
  expect(made.code).toBe(0)
  return { here, tools: await toolFolder(here.path) }
}

interface JobResult {
  /** Exit code of each step, by its name. */
  codes: Record<string, number | null>
  stdout: string
  stderr: string
  summary: string
  outputs: string
  comment: string | null
}

let jobs = 0

/** All shell steps of the job that measures; the first one only installs. */
async function job(
  { here, tools }: { here: Workspace; tools: string },
  url: string,
  env: Record<string, string> = {},
): Promise<JobResult> {
  const files = { GITHUB_STEP_SUMMARY: `summary-${++jobs}.md`, GITHUB_OUTPUT: `output-${jobs}.txt` }
  for (const name of Object.values(files)) writeFileSync(join(here.path, name), '')
  for (const name of ['plumbline-comment.md', 'plumbline-junit.xml']) {
    if (existsSync(join(here.path, name))) writeFileSync(join(here.path, name), '')
  }
  const codes: JobResult['codes'] = {}
  let stdout = ''
  let stderr = ''
  for (const step of shellSteps(join(here.path, WORKFLOW), 'measure')) {
    if (step.name === 'Install' || step.name.startsWith('Say when')) continue
    const result = await runStep(step, {
      cwd: here.path,
      env: {
        PATH: `${tools}:${process.env['PATH'] ?? ''}`,
        SCENARIO: 'plumbline.yaml',
        NAME: 'm',
        URL: url,
        GITHUB_ACTIONS: 'true',
        ...Object.fromEntries(Object.entries(files).map(([name, file]) => [name, join(here.path, file)])),
        ...env,
      },
    })
    codes[step.name] = result.code
    stdout += result.stdout
    stderr += result.stderr
  }
  const comment = join(here.path, 'plumbline-comment.md')
  return {
    codes,
    stdout,
    stderr,
    summary: here.read(files.GITHUB_STEP_SUMMARY),
    outputs: here.read(files.GITHUB_OUTPUT),
    comment: existsSync(comment) ? readFileSync(comment, 'utf8') : null,
  }
}

const good = { 'Restore the baseline': 0, Run: 0, Compare: 0 }
const SLOW = ['--model', 'm', '--profile', 'exact', '--set', 'baseMs=100', '--set', 'freshUs=300']
const USUAL = ['--model', 'm', '--profile', 'exact', '--set', 'baseMs=100', '--set', 'freshUs=100']

describe('four nights', () => {
  test('without a baseline, the same again, prefill three times as slow, and nobody there: 0, 0, 1 naming prefill, 3', async () => {
    const repo = await repository()
    const usual = await startSimulate(USUAL)

    const first = await job(repo, usual, { ACCEPT: 'true' })
    expect(first.codes, first.stderr).toEqual({ ...good, Verdict: 0 })
    expect(first.stdout).toContain('no baseline of m yet')
    expect(first.summary).toMatch(/^\| prompt/m)
    expect(existsSync(join(repo.here.path, 'results/m/baseline.json'))).toBe(true)

    const second = await job(repo, usual)
    expect(second.codes, second.stderr).toEqual({ ...good, Verdict: 0 })
    expect(second.stdout).toContain('baseline of m restored')
    expect(second.comment?.split('\n')[0]).toBe('<!-- plumbline -->')
    expect(second.comment).toContain('no regression')
    expect(second.summary).toContain('no regression')
    expect(second.outputs).toMatch(/^run-exit<<ghadelimiter_[0-9a-f]{32}\n0\nghadelimiter_/m)
    expect(second.outputs).toMatch(/^exit=0$/m)
    expect(second.stderr).not.toContain('::error')

    const third = await job(repo, await startSimulate(SLOW))
    expect(third.codes, third.stderr).toEqual({ ...good, Verdict: 1 })
    expect(third.comment).toContain('REGRESSION')
    expect(third.comment).toMatch(/prefill/i)
    expect(third.summary).toMatch(/REGRESSION/)
    expect(third.stderr).toMatch(/^::error title=[^\n]*REGRESSION[^\n]*::/m)
    expect(third.outputs).toMatch(/^exit=1$/m)
    expect(repo.here.read('plumbline-junit.xml')).toMatch(/<failure message="[^"]*fresh|ttft/)

    const fourth = await job(repo, 'http://127.0.0.1:9/v1')
    expect(fourth.codes, fourth.stderr).toEqual({ ...good, Verdict: 3 })
    expect(fourth.stdout).toContain('the run did not complete')
    expect(fourth.stderr).toMatch(/^::error title=plumbline run m::/m)
    expect(fourth.comment).toBe('')
  }, 240_000)
})

describe('a pull request from a fork', () => {
  test('is checked and planned, sends nothing and ends with 0, although it has no key', async () => {
    const repo = await repository()
    const asked = await job(repo, 'http://127.0.0.1:9/v1', { DRY_RUN: 'true' })
    expect(asked.codes, asked.stderr).toEqual({ ...good, Verdict: 0 })
    expect(asked.stdout).toMatch(/prompt-length/)
    expect(readdirSync(join(repo.here.path, 'results/m'))).toEqual([])
  })
})

describe('the data branch', () => {
  test('a first push makes it; a push that another one got ahead of is fetched and tried again, and both are kept', async () => {
    const repo = await repository()
    const { path } = repo.here
    const git = async (cwd: string, ...args: string[]): Promise<string> =>
      (await exec('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd })).stdout
    await git(path, 'init', '--quiet', '--bare', 'origin.git')
    await git(path, 'clone', '--quiet', 'origin.git', 'work')
    const work = join(path, 'work')
    await git(work, 'commit', '--quiet', '--allow-empty', '-m', 'first')
    const [step] = shellSteps(join(path, WORKFLOW), 'keep')
    if (step === undefined) throw new Error('no step')
    const from = join(path, 'kept')
    mkdirSync(join(from, 'm'), { recursive: true })
    const keep = (name: string) => {
      writeFileSync(join(from, 'm', name), '{}')
      const env = { PATH: process.env['PATH'] ?? '', HOME: path, NAME: 'm', DATA_BRANCH: 'data', FROM: from }
      return runStep(step, { cwd: work, env })
    }
    const listed = (): Promise<string> =>
      git(join(path, 'origin.git'), 'ls-tree', '-r', '--name-only', 'data')

    expect(await keep('20270101T000000Z-0001.json')).toMatchObject({ code: 0 })
    expect(await listed()).toBe('results/m/20270101T000000Z-0001.json\n')

    // A hook lets somebody else push first, once.
    await git(path, 'clone', '--quiet', '--branch', 'data', 'origin.git', 'rival')
    const rival = join(path, 'rival')
    writeFileSync(join(rival, 'results/m/20270102T000000Z-0002.json'), '{}')
    await git(rival, 'add', '.')
    await git(rival, 'commit', '--quiet', '-m', 'rival')
    const hook = `#!/bin/sh\nif [ -d ${rival} ]; then env -i PATH="$PATH" git -C ${rival} push --quiet origin HEAD:data && mv ${rival} ${rival}.done; fi\n`
    writeFileSync(join(work, '.git/hooks/pre-push'), hook, { mode: 0o755 })
    const second = await keep('20270103T000000Z-0003.json')
    expect(second).toMatchObject({ code: 0 })
    expect(second.stdout).toContain('the push was rejected (try 1)')
    expect((await listed()).trim().split('\n')).toEqual([
      'results/m/20270101T000000Z-0001.json',
      'results/m/20270102T000000Z-0002.json',
      'results/m/20270103T000000Z-0003.json',
    ])
  })
})
