/** A disk that fills in mid-run: sending stops at once, what fitted is kept, and the next run can save it. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readJournal } from '../../src/snapshot/journal-reader.js'
import { valueOf } from '../snapshot/fixtures.js'
import { cliPath, runCli, workspace } from '../support/cli.js'
import type { Workspace } from '../support/cli.js'
import { fakeTarget } from '../support/fake-target.js'

const canMount = process.getuid?.() === 0 && process.platform === 'linux' && tryMount()

function tryMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const MANY = 200

const scenario = (url: string): string => `targets:
  - { name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base }
probes:
  - { probe: prompt-length, promptTokens: [64], outputTokens: 8, blocks: ${MANY} }
`

/** Samples that the only journal holds; every line of it can be read. */
async function kept(here: Workspace): Promise<number> {
  const [path = ''] = here.journals('s')
  const { entries, warnings } = valueOf(await readJournal(path))
  expect(warnings).toEqual([])
  return entries.filter(({ kind }) => kind === 'sample').length
}

test.skipIf(!canMount)(
  '29: a disk of 64 kB that fills in mid-run ends it with 3; no request follows, and every answer that fitted is kept',
  async () => {
    const target = await fakeTarget()
    const here = workspace()
    here.write('s.yaml', scenario(target.url))
    const folder = join(here.path, 'results')
    mkdirSync(folder)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder])
    onTestFinished(() => void execFileSync('umount', [folder]))
    const { code, stderr } = await runCli(['run', 's.yaml', '--quiet'], { cwd: here.path })
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(/no space/) })
    expect(stderr).not.toContain('    at ')
    expect(target.asked.length).toBeLessThan(MANY)
    // The one that the disk had no room for any more was asked of the server.
    const samples = await kept(here)
    expect(samples).toBeGreaterThan(5)
    expect(samples).toBeGreaterThanOrEqual(target.asked.length - 1)
  },
)

test('28: a limit on the size of files (ulimit -f 48) ends the run with 3, and what was measured is saved', async () => {
  const target = await fakeTarget()
  const here = workspace()
  here.write('s.yaml', scenario(target.url))
  const command = 'ulimit -f 48; exec "$0" "$1" run s.yaml --quiet'
  const shell = spawn('bash', ['-c', command, process.execPath, await cliPath()], {
    cwd: here.path,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  shell.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise((resolve) => shell.once('close', resolve))
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(/ulimit -f|size/) })
  // What was measured before is smaller than its journal, and fits.
  const { partial, samples } = await here.snapshot('s')
  expect(partial).toBe(true)
  expect(samples.length).toBeGreaterThan(5)
  expect(samples.length).toBeGreaterThanOrEqual(target.asked.length - 1)
})
