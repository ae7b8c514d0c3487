/** `plumbline init`, and what it writes held against the rules for pipelines. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { loadScenario } from '../../src/run/load-scenario.js'
import { providers } from '../../src/run/tables.js'
import { COMPARE, RESTORE, RUN, VERDICT } from '../../src/scenario/init-scripts.js'
import { initFiles, SCENARIO_FILE } from '../../src/scenario/init.js'
import { runCli, workspace } from '../support/cli.js'

const ROOT = join(import.meta.dirname, '../..')

test('on a pipe it asks nothing: scenario, two workflows and a .gitignore, and the last line is the next command, which works', async () => {
  const here = workspace()
  const made = await runCli(['init'], { cwd: here.path })
  expect(made.code).toBe(0)
  expect(made.stdout).toBe('npx llm-plumbline run plumbline.yaml --dry-run\n')
  for (const path of [
    SCENARIO_FILE,
    '.github/workflows/plumbline.yml',
    '.github/workflows/plumbline-comment.yml',
    '.gitignore',
  ]) {
    expect(made.stderr).toContain(`${path}: written`)
    expect(existsSync(join(here.path, path))).toBe(true)
  }
  const next = await runCli(made.stdout.trim().split(' ').slice(2), { cwd: here.path })
  expect(next.code).toBe(0)
})

test('a file that is there is left as it is and named, replaced with --force only; lines of .gitignore are added once', async () => {
  const here = workspace()
  here.write(SCENARIO_FILE, 'mine\n')
  here.write('.gitignore', 'node_modules')
  const first = await runCli(['init', '--ci', 'gitlab'], { cwd: here.path })
  expect(first.stderr).toContain(`${SCENARIO_FILE}: IS THERE ALREADY and was left as it is`)
  expect(here.read(SCENARIO_FILE)).toBe('mine\n')
  expect(here.read('.gitignore')).toMatch(/^node_modules\n# Plumbline/)
  const ignore = here.read('.gitignore')
  const second = await runCli(['init', '--ci', 'gitlab', '--force'], { cwd: here.path })
  expect(second.stderr).toContain(`${SCENARIO_FILE}: replaced`)
  expect(here.read('.gitignore')).toBe(ignore)
})

test.each([
  [['--provider', 'opnai', '--model', 'm'], /no provider is called opnai/],
  [['--provider', 'openai'], /--model is needed/],
  [['--ci', 'jenkins'], /neither github nor gitlab/],
  [['--provider', 'openai', '--model', 'm', '--api-key-env', 'sk-abc'], /never the key itself/],
])('%j is refused with 2, and writes nothing', async (flags, said) => {
  const here = workspace()
  const made = await runCli(['init', ...flags], { cwd: here.path })
  expect(made.code).toBe(2)
  expect(made.stderr).toMatch(said)
  expect(made.stderr).not.toContain('sk-abc')
  expect(existsSync(join(here.path, SCENARIO_FILE))).toBe(false)
})

describe('the scenario of every provider', () => {
  const names = ['gpt-4o-mini', "it's: a #model", 'org/Model_1', '$HOME', '-', 'yes']
  test.each(Object.keys(providers))(
    '%s: is good as it is written, whatever the model is called',
    async (name) => {
      const { path } = workspace()
      for (const model of names) {
        const provider = providers[name] ?? null
        const [scenario] = initFiles(
          { provider, model, keyEnv: provider?.apiKeyEnv ?? null },
          'github',
          '0.1.0',
        )
        const file = join(path, SCENARIO_FILE)
        writeFileSync(file, scenario?.text ?? '')
        const env = { AWS_REGION: 'eu-west-1', GOOGLE_CLOUD_REGION: 'r', GOOGLE_CLOUD_PROJECT: 'p' }
        const loaded = await loadScenario(file, { env, allowCode: false })
        expect(loaded).toMatchObject({ ok: true, warnings: [] })
        if (loaded.ok) expect(loaded.scenario.targets[0]?.model).toBe(model)
      }
    },
  )
})

const Permissions = z.record(z.string(), z.enum(['read', 'write', 'none']))
const Step = z.looseObject({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  env: z.record(z.string(), z.unknown()).optional(),
})
const Workflow = z.looseObject({
  on: z.unknown(),
  permissions: Permissions,
  jobs: z.record(
    z.string(),
    z.looseObject({ permissions: Permissions.optional(), 'timeout-minutes': z.int(), steps: z.array(Step) }),
  ),
})

const answers = { provider: providers['openai'] ?? null, model: 'gpt-4o-mini', keyEnv: 'OPENAI_API_KEY' }
const written = (ci: 'github' | 'gitlab') =>
  new Map(initFiles(answers, ci, '0.1.0').map(({ path, text }) => [path, text]))
const shipped = new Map([
  ...[...written('github')].filter(([path]) => path.startsWith('.github/')),
  ['ci.yml of this repository', readFileSync(join(ROOT, '.github/workflows/ci.yml'), 'utf8')] as const,
])

describe('rules for workflows', () => {
  const pinned = /^[\w-]+\/[\w./-]+@[0-9a-f]{40}$/

  test.each([...shipped])(
    '%s: pinned actions, least permissions, no pull_request_target, no expression inside a script',
    (_, text) => {
      const workflow = Workflow.parse(parse(text))
      expect(text).not.toContain('pull_request_target')
      expect(Object.values(workflow.permissions)).not.toContain('write')
      for (const [name, job] of Object.entries(workflow.jobs)) {
        const rights = Object.entries(job.permissions ?? {})
          .filter(([, right]) => right === 'write')
          .map(([what]) => what)
        expect(rights).toEqual(name === 'keep' ? ['contents'] : name === 'comment' ? ['pull-requests'] : [])
        for (const { uses, run, with: inputs } of job.steps) {
          if (uses !== undefined) expect(uses).toMatch(pinned)
          // What an expression puts into a script is run: a branch may be called `$(…)`.
          if (run !== undefined) expect(run).not.toContain('${{')
          if (uses?.startsWith('actions/checkout') === true && name !== 'keep')
            expect(inputs).toMatchObject({ 'persist-credentials': false })
        }
      }
    },
  )

  test('the key reaches the step that measures and no other, and no job with the right to write', () => {
    const workflow = Workflow.parse(parse(written('github').get('.github/workflows/plumbline.yml') ?? ''))
    const holders = Object.entries(workflow.jobs).flatMap(([name, { steps }]) =>
      steps
        .filter((step) => JSON.stringify(step).includes('secrets.'))
        .map((step) => `${name}: ${String(step['name'])}`),
    )
    expect(holders).toEqual(['measure: Run'])
    expect(written('github').get('.github/workflows/plumbline-comment.yml')).not.toContain('secrets.')
  })

  test('the nightly run starts at a minute that is no multiple of 5, and one run at a time goes on for a target', () => {
    const workflow = Workflow.parse(parse(written('github').get('.github/workflows/plumbline.yml') ?? ''))
    const { schedule } = z
      .looseObject({ schedule: z.array(z.object({ cron: z.string() })) })
      .parse(workflow.on)
    const minute = Number(schedule[0]?.cron.split(' ')[0])
    expect(minute % 5).not.toBe(0)
    expect(workflow['concurrency']).toEqual({
      group: 'plumbline openai gpt-4o-mini',
      'cancel-in-progress': false,
    })
  })

  test('the job that comments checks out nothing and starts after the other one', () => {
    const workflow = Workflow.parse(
      parse(written('github').get('.github/workflows/plumbline-comment.yml') ?? ''),
    )
    expect(Object.keys(workflow.on as object)).toEqual(['workflow_run'])
    expect(JSON.stringify(workflow.jobs)).not.toContain('actions/checkout')
  })

  test('GitLab: the same scripts, one run at a time, JUnit as a report, the results kept whatever comes', () => {
    const { plumbline: job } = z
      .object({
        plumbline: z.looseObject({
          script: z.array(z.string()),
          resource_group: z.string(),
          artifacts: z.looseObject({ when: z.string(), reports: z.object({ junit: z.string() }) }),
        }),
      })
      .parse(parse(written('gitlab').get('plumbline.gitlab-ci.yml') ?? ''))
    for (const script of [RESTORE, RUN, COMPARE, VERDICT])
      expect(job.script.map((one) => one.trim())).toContain(script.trim())
    expect(job.resource_group).toBe('plumbline openai gpt-4o-mini')
    expect(job.artifacts).toMatchObject({ when: 'always', reports: { junit: 'plumbline-junit.xml' } })
  })

  test('action.yml does the same steps, with pinned actions, inputs by environment and our own version', () => {
    const action = z
      .object({ runs: z.object({ using: z.literal('composite'), steps: z.array(Step) }) })
      .parse(parse(readFileSync(join(ROOT, 'action.yml'), 'utf8')))
    const scripts = action.runs.steps.flatMap(({ run }) => (run === undefined ? [] : [run]))
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    expect(scripts).toEqual([
      `npm install --global --ignore-scripts llm-plumbline@${version}`,
      RESTORE,
      RUN,
      COMPARE,
      VERDICT,
    ])
    for (const { uses } of action.runs.steps) if (uses !== undefined) expect(uses).toMatch(pinned)
    expect(scripts.join('')).not.toContain('${{')
  })
})
