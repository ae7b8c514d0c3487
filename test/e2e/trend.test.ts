/** `plumbline trend` as a process: its exit codes, its formats, and what it says of files that are none. */
import { join } from 'node:path'
import { mkdirSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { simulatedSnapshot, LAW } from '../compare/simulated-snapshot.js'
import { runCli, workspace } from '../support/cli.js'

const DAY_MS = 86_400_000
const START = Date.UTC(2026, 8, 1, 9)

/** A value a day; a step of 60 % on the day given. */
function csv(days: number, stepAt: number): string {
  const random = createRandom(1)
  const lines = Array.from({ length: days }, (_, day) => {
    const value = 100 * Math.exp(0.1 * random.normal()) * (day < stepAt ? 1 : 1.6)
    return `${new Date(START + day * DAY_MS).toISOString()},${value.toFixed(2)}`
  })
  return `${['time,value', ...lines].join('\n')}\n`
}

test('a plain series: exit 1 for a step in the last 30 days, 0 for one before, 4 for too few days; JSON says the same', async () => {
  const here = workspace()
  here.write('late.csv', csv(60, 40))
  here.write('early.csv', csv(80, 20))
  here.write('short.csv', csv(8, 99))
  const late = await runCli(['trend', '--series', 'late.csv'], { cwd: here.path })
  expect(late.code).toBe(1)
  expect(late.stdout).toMatch(/slower since 2026-10-1/)
  expect((await runCli(['trend', '--series', 'early.csv'], { cwd: here.path })).code).toBe(0)
  expect((await runCli(['trend', '--series', 'late.csv', '--recent', '14'], { cwd: here.path })).code).toBe(0)
  const short = await runCli(['trend', '--series', 'short.csv', '--json'], { cwd: here.path })
  expect(short.code).toBe(4)
  expect(JSON.parse(short.stdout)).toMatchObject({ exit: 4, results: [{ verdict: { exit: 4 } }] })
})

test('what is no series and what is no snapshot is told with its place, exit 2', async () => {
  const here = workspace()
  here.write('odd.csv', 'time,value\n2026-09-01,5\nsoon,5\n')
  const odd = await runCli(['trend', '--series', 'odd.csv'], { cwd: here.path })
  expect(odd.code).toBe(2)
  expect(odd.stderr).toMatch(/odd\.csv:3: 'soon' is no time/)
  const empty = await runCli(['trend'], { cwd: here.path })
  expect(empty.code).toBe(2)
  here.write('notes.json', 'hello')
  const none = await runCli(['trend', 'notes.json'], { cwd: here.path })
  expect(none.code).toBe(2)
  expect(none.stderr).toContain('is no snapshot')
})

test('a folder of snapshots is one trend a scenario, in terminal and Markdown, at most 80 columns wide', async () => {
  const here = workspace()
  const folder = join(here.path, 'results', 'test')
  mkdirSync(folder, { recursive: true })
  for (let day = 0; day < 24; day++) {
    const startedAt = new Date(START + day * DAY_MS).toISOString()
    const id = `${startedAt.slice(0, 19).replace(/[-:]/g, '')}Z-0001`
    const law = day < 12 ? LAW : { ...LAW, base: 800 }
    const snapshot = simulatedSnapshot(id, { law, blocks: 6 }, { resamples: 9, change: { startedAt } })
    writeFileSync(join(folder, `${id}.json`), encodeSnapshot(snapshot))
  }
  const text = await runCli(['trend'], { cwd: here.path })
  expect(text.code).toBe(1)
  expect(text.stdout).toMatch(/since 2026-09-1[234]: base \+\d+ % \(network or gateway\), ttft/)
  expect(text.stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  const markdown = await runCli(['trend', 'results/test', '--format', 'markdown'], { cwd: here.path })
  expect(markdown.stdout).toContain('| base | ms |')
})
