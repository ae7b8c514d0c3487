/** A repository as `plumbline init` leaves it, and the job of its workflow that measures. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Workspace } from '../support/cli.js'
import { runCli, workspace } from '../support/cli.js'
import { runStep, shellSteps, toolFolder } from './workflow-steps.js'

export const WORKFLOW = '.github/workflows/plumbline.yml'

export const SCENARIO = `name: m
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
export async function repository(): Promise<{ here: Workspace; tools: string }> {
  const here = workspace()
  here.write('plumbline.yaml', SCENARIO)
  const made = await runCli(['init', '--provider', 'vllm', '--model', 'm'], { cwd: here.path })
  expect(made.code).toBe(0)
  return { here, tools: await toolFolder(here.path) }
}

export interface JobResult {
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
export async function job(
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

/** What the steps before the verdict end with, whatever was found. */
export const good = { 'Restore the baseline': 0, Run: 0, Compare: 0 }
