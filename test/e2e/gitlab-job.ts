/** A clone as GitLab's runner keeps it from job to job, and the job that `plumbline init --ci gitlab` writes, run in it. */
import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Workspace } from '../support/cli.js'
import { cliPath, runCli, workspace } from '../support/cli.js'
import { SCENARIO } from './workflow-job.js'
import { runStep, toolFolder } from './workflow-steps.js'
import type { StepResult } from './workflow-steps.js'

const FILE = 'plumbline.gitlab-ci.yml'
const PROJECT = 'https://plumbline:push-token@gitlab.test/group/project.git'

/**
 * The keywords of a job as GitLab's reference has them (docs.gitlab.com/ci/yaml), strict: a keyword that is misspelt or
 * stands at the wrong place is refused. Only what the file uses.
 */
const Job = z.strictObject({
  image: z.string(),
  resource_group: z.string().max(255),
  timeout: z.string().regex(/^\d+ ?(?:h|m|hours?|minutes?)$/),
  rules: z.array(z.strictObject({ if: z.string().startsWith('$CI_PIPELINE_SOURCE == ') })).min(1),
  variables: z.record(z.string().regex(/^[A-Z_]+$/), z.string()),
  script: z.array(z.string()).min(1),
  artifacts: z.strictObject({
    when: z.enum(['on_success', 'on_failure', 'always']),
    expire_in: z.string().regex(/^\d+ (?:days|weeks)$/),
    paths: z.array(z.string()),
    reports: z.strictObject({ junit: z.string() }),
  }),
})

const gitlabFile = (text: string): z.output<typeof Job> =>
  z.strictObject({ plumbline: Job }).parse(parse(text)).plumbline

export interface Clone {
  here: Workspace
  /** The job of a pipeline: what it wrote and how it ended. */
  job(url: string, env?: Readonly<Record<string, string>>): Promise<StepResult>
  /** Files on the data branch. */
  kept(): Promise<string[]>
}

const exec = promisify(execFile)
const git = async (cwd: string, ...args: string[]): Promise<string> =>
  (await exec('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd })).stdout

export async function clone(): Promise<Clone> {
  const outer = workspace()
  await git(outer.path, 'init', '--quiet', '--bare', 'origin.git')
  await git(outer.path, 'clone', '--quiet', 'origin.git', 'work')
  const path = join(outer.path, 'work')
  const here = { ...outer, path, read: (name: string) => outer.read(join('work', name)) }
  writeFileSync(join(path, 'plumbline.yaml'), SCENARIO)
  const made = await runCli(['init', '--provider', 'vllm', '--model', 'm', '--ci', 'gitlab'], { cwd: path })
  expect(made.code).toBe(0)
  await git(path, 'add', '.')
  await git(path, 'commit', '--quiet', '-m', 'first')
  await git(path, 'push', '--quiet', 'origin', 'HEAD:main')
  // Forced: on a busy machine the instrument finds itself overloaded, which is not what is tested here.
  const force = 'if [ "$1" = accept ]; then set -- "$@" --force; fi'
  const tools = await toolFolder(outer.path, {
    plumbline: `${force}\nexec "${process.execPath}" "${await cliPath()}" "$@"`,
  })
  // The address that holds the token leads to the folder beside.
  const config = outer.write(
    'gitconfig',
    `[url "${join(outer.path, 'origin.git')}"]\n\tinsteadOf = ${PROJECT}\n`,
  )
  const { script, variables } = gitlabFile(here.read(FILE))
  // One shell runs all: what a line exports, the next one has (the runner's generated script, shells/bash.go).
  const [install = '', ...lines] = script
  expect(install).toMatch(/^npm install --global --ignore-scripts llm-plumbline@/)
  return {
    here,
    async job(url, env = {}) {
      await git(path, 'clean', '-ffdxq') // GIT_CLEAN_FLAGS of a runner that fetches
      return runStep(
        { name: 'script', run: lines.join('\n') },
        {
          cwd: path,
          env: {
            PATH: `${tools}:${process.env['PATH'] ?? ''}`,
            HOME: outer.path,
            GIT_CONFIG_GLOBAL: config,
            CI: 'true',
            GITLAB_CI: 'true',
            CI_PIPELINE_ID: '1',
            CI_PROJECT_DIR: path,
            CI_SERVER_HOST: 'gitlab.test',
            CI_PROJECT_PATH: 'group/project',
            CI_PROJECT_ID: '5',
            ...variables,
            SCENARIO: 'plumbline.yaml',
            NAME: 'm',
            URL: url,
            ...env,
          },
        },
      )
    },
    async kept() {
      const list = await git(join(outer.path, 'origin.git'), 'ls-tree', '-r', '--name-only', 'data')
      return list.trim().split('\n')
    },
  }
}

export const hasFile = ({ here }: Clone, name: string): boolean => existsSync(join(here.path, name))

interface Note {
  id: number
  body: string
}

/** GitLab's notes of one merge request, over HTTP: list, add, change; a wrong token gets 401. */
export async function noteServer(): Promise<{ url: string; notes: Note[] }> {
  const notes: Note[] = [{ id: 1, body: 'looks good' }]
  const path = '/api/v4/projects/5/merge_requests/7/notes'
  const server = createServer((request, response) => {
    let sent = ''
    request.setEncoding('utf8').on('data', (text: string) => (sent += text))
    request.on('end', () => {
      const body = new URLSearchParams(sent).get('body') ?? ''
      const [at = '', id] = (request.url ?? '').split('?')[0]?.split(/(?<=notes)\//) ?? []
      const isKnown = at === path && request.headers['private-token'] === 'comment-token'
      response.statusCode = isKnown ? 200 : 401
      if (isKnown && request.method === 'POST') notes.push({ id: 100 + notes.length, body })
      const changed = notes.find((note) => String(note.id) === id)
      if (isKnown && request.method === 'PUT' && changed !== undefined) changed.body = body
      response.end(JSON.stringify(isKnown ? notes : {}))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/api/v4`, notes }
}
