/**
 * The GitLab job that `plumbline init` writes, run as its runner does, against the simulated provider. How a comparison
 * ends on a busy machine is the machine's affair: the job must end as the comparison does, and say what it said.
 */
import { expect, test } from 'vitest'
import { runCli, startSimulate } from '../support/cli.js'
import type { CliResult } from '../support/cli.js'
import { clone, hasFile, noteServer } from './gitlab-job.js'
import type { Clone } from './gitlab-job.js'

const USUAL = ['--model', 'm', '--profile', 'exact', '--set', 'baseMs=100', '--set', 'freshUs=100']
const SLOW = ['--model', 'm', '--profile', 'exact', '--set', 'baseMs=100', '--set', 'freshUs=300']

const DATA = { PLUMBLINE_DATA_BRANCH: 'data', PLUMBLINE_PUSH_TOKEN: 'push-token' }

/** What a comparison by hand says of the run that the job has just made. */
const compared = ({ here }: Clone): Promise<CliResult> =>
  runCli(['compare', 'baseline:m', 'results/m', '--format', 'markdown'], { cwd: here.path })

test('a schedule keeps its runs on the data branch, the next one is held against the baseline there, a merge request gets one note', async () => {
  const repo = await clone()
  const usual = await startSimulate(USUAL)

  const first = await repo.job(usual, { ...DATA, ACCEPT: 'true' })
  expect(first.code, first.stderr).toBe(0)
  expect(first.stdout).toContain('no baseline of m yet')
  expect((await repo.kept()).filter((name) => name.endsWith('/baseline.json'))).toEqual([
    'results/m/baseline.json',
  ])

  const second = await repo.job(usual, DATA)
  const bySecond = await compared(repo)
  expect(second.code, second.stderr).toBe(bySecond.code)
  expect(second.stdout).toContain('baseline of m restored')
  expect(second.stdout).toContain(bySecond.stdout.trim())
  expect((await repo.kept()).length).toBe(3)

  const { url, notes } = await noteServer()
  const request = {
    ...DATA,
    PLUMBLINE_COMMENT_TOKEN: 'comment-token',
    CI_API_V4_URL: url,
    CI_MERGE_REQUEST_IID: '7',
    CI_MERGE_REQUEST_PROJECT_ID: '5',
    CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '5',
  }
  const third = await repo.job(await startSimulate(SLOW), request)
  const byThird = await compared(repo)
  expect(third.code, third.stderr).toBe(byThird.code)
  expect([1, 5]).toContain(third.code) // three times as slow, or a machine that could not tell
  expect(notes.map(({ body }) => body.split('\n')[0])).toEqual(['looks good', '<!-- plumbline -->'])
  expect(notes[1]?.body.trim()).toBe(byThird.stdout.trim())
  expect(hasFile(repo, 'plumbline-junit.xml')).toBe(true)
  expect((await repo.kept()).length).toBe(3) // a merge request keeps nothing

  const again = await repo.job(usual, request)
  const byAgain = await compared(repo)
  expect(again.code, again.stderr).toBe(byAgain.code)
  expect(notes.length).toBe(2)
  expect(notes[1]?.body.trim()).toBe(byAgain.stdout.trim())

  const nobody = await repo.job('http://127.0.0.1:9/v1', DATA)
  expect(nobody.code).toBe(3)
  expect(nobody.stdout).toContain('the run did not complete')
}, 240_000)
