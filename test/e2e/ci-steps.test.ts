/** The steps of the workflow that `plumbline init` writes: a pull request from a fork, and the data branch. */
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { good, job, repository, WORKFLOW } from './workflow-job.js'
import { runStep, shellSteps } from './workflow-steps.js'

const exec = promisify(execFile)

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
