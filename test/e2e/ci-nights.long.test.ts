/** The steps of the workflow that `plumbline init` writes, run one after the other against the simulated provider. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startSimulate } from '../support/cli.js'
import { good, job, repository, SCENARIO, type JobResult } from './workflow-job.js'

/** Times so long, and margins so wide, that a busy machine does not reach them: prefill three times as slow does. */
const server = (freshUs: number): string[] => [
  ...['--model', 'm', '--profile', 'exact', '--set', 'baseMs=300', '--set', `freshUs=${freshUs}`],
]
const USUAL = server(300)
const SLOW = server(900)
const MARGINS = ['ttft', 'tpot', 'base', 'fresh'].map((metric) => `${metric}: 40%`).join(', ')
const WIDE = SCENARIO.replace('repeats: 8', 'repeats: 12').replace(
  /^gate: .*$/m,
  `gate: { margins: { ${MARGINS} }, detect: { ttft: 100% } }`,
)
const TRIES = 4

type Repository = Awaited<ReturnType<typeof repository>>

/** A night again where the run itself says that its instrument was overloaded: of such a one nothing is concluded. */
async function night(repo: Repository, url: string, env: Record<string, string> = {}): Promise<JobResult> {
  for (let tries = 1; ; tries++) {
    const result = await job(repo, url, env)
    const last = (await repo.here.snapshots('m')).at(-1)
    if (last?.instrument.overloaded !== true || tries === TRIES) return result
  }
}

describe('four nights', () => {
  test('without a baseline, the same again, prefill three times as slow, and nobody there: 0, 0, 1 naming prefill, 3', async () => {
    const repo = await repository()
    repo.here.write('plumbline.yaml', WIDE)
    const usual = await startSimulate(USUAL)

    const first = await night(repo, usual, { ACCEPT: 'true' })
    expect(first.codes, first.stderr).toEqual({ ...good, Verdict: 0 })
    expect(first.stdout).toContain('no baseline of m yet')
    expect(first.summary).toMatch(/^\| prompt/m)
    expect(existsSync(join(repo.here.path, 'results/m/baseline.json'))).toBe(true)

    const second = await night(repo, usual)
    expect(second.codes, second.stderr).toEqual({ ...good, Verdict: 0 })
    expect(second.stdout).toContain('baseline of m restored')
    expect(second.comment?.split('\n')[0]).toBe('<!-- plumbline -->')
    expect(second.comment).toContain('no regression')
    expect(second.summary).toContain('no regression')
    expect(second.outputs).toMatch(/^run-exit<<ghadelimiter_[0-9a-f]{32}\n0\nghadelimiter_/m)
    expect(second.outputs).toMatch(/^exit=0$/m)
    expect(second.stderr).not.toContain('::error')

    const third = await night(repo, await startSimulate(SLOW))
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
  }, 600_000)
})
