import { readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createJournal } from '../../src/snapshot/journal.js'
import { acquireLock, liveLocks } from '../../src/snapshot/lock.js'
import { headerOf } from './data.js'
import { compiledChild, kindOf, start, temporaryFolder, valueOf } from './fixtures.js'

const child = compiledChild()
const locksIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.lock'))

/** The lock that a live process holds, with a few of its words changed. */
async function forged(folder: string, change: object): Promise<string> {
  const lock = valueOf(await acquireLock(folder, 'r1'))
  const holder: unknown = JSON.parse(readFileSync(lock.path, 'utf8'))
  writeFileSync(lock.path, JSON.stringify(Object.assign({}, holder, change)))
  return lock.path
}

describe('32: two runs of one scenario', () => {
  test('the second is refused while the first lives, with its id and process', async () => {
    const folder = temporaryFolder()
    const first = start(process.execPath, [child, 'hold', folder, 'r1'])
    await first.said('ready')
    const second = await createJournal(folder, headerOf('r2'))
    expect(!second.ok && second.problem.kind).toBe('locked')
    expect(!second.ok && second.problem.message).toContain(`run r1 (process ${first.process.pid} on `)
    expect(readdirSync(folder).filter((name) => name.endsWith('.journal'))).toEqual(['r1.journal'])
  })

  test('the lock of a run that was killed is taken over', async () => {
    const folder = temporaryFolder()
    const first = start(process.execPath, [child, 'hold', folder, 'r1'])
    await first.said('ready')
    first.process.kill('SIGKILL')
    await first.ended
    const second = valueOf(await createJournal(folder, headerOf('r2')))
    expect(locksIn(folder)).toHaveLength(1)
    await second.close()
    expect(locksIn(folder)).toEqual([])
  })

  test('of four that come at once exactly one gets in', async () => {
    for (let round = 0; round < 5; round++) {
      const folder = temporaryFolder()
      const results = await Promise.all(['r1', 'r2', 'r3', 'r4'].map((run) => acquireLock(folder, run)))
      expect(results.filter(({ ok }) => ok)).toHaveLength(1)
      expect(locksIn(folder)).toHaveLength(1)
    }
  })

  test('four processes at once: one gets in', async () => {
    const folder = temporaryFolder()
    const runs = ['r1', 'r2', 'r3', 'r4'].map((run) => start(process.execPath, [child, 'hold', folder, run]))
    await Promise.all(runs.map((run) => Promise.race([run.said('ready'), run.said('problem')])))
    const answers = runs.map((run) => run.lines()[0] ?? '')
    expect(answers.filter((answer) => answer === 'ready')).toHaveLength(1)
    expect(answers.filter((answer) => answer === 'problem locked')).toHaveLength(3)
  })

  test('a run that comes later is refused even where its name sorts first', async () => {
    const folder = temporaryFolder()
    const held = valueOf(await acquireLock(folder, 'r2'))
    expect(kindOf(await acquireLock(folder, 'r1'))).toBe('locked')
    held.release()
    expect(kindOf(await acquireLock(folder, 'r1'))).toBe('ok')
  })

  test('whoever comes first in the order of names outwaits a rival that has not made up its mind, however slow', async () => {
    const folder = temporaryFolder()
    const rival = await forged(folder, { keeper: 'another', isHeld: false })
    setTimeout(() => rmSync(rival, { force: true }), 1500)
    expect(kindOf(await acquireLock(folder, 'r0'))).toBe('ok')
  })

  test('a rival that holds the folder is not waited for', { timeout: 10_000 }, async () => {
    const folder = temporaryFolder()
    await forged(folder, { keeper: 'another', isHeld: true })
    expect(kindOf(await acquireLock(folder, 'r0'))).toBe('locked')
  })
})

describe('who is dead', () => {
  test.each([
    ['its process is gone', { pid: 2 ** 22 + 1 }],
    ['its pid belongs to a later process', { startTicks: '1' }],
    ['the machine was started again since', { bootId: 'another' }],
  ])('%s', async (_, change) => {
    const folder = temporaryFolder()
    await forged(folder, change)
    expect(await liveLocks(folder)).toEqual([])
    expect(locksIn(folder)).toEqual([])
  })

  test.each([
    ['another machine', { host: 'elsewhere' }],
    ['another container', { namespace: 'pid:[1]' }],
    ['a holder that cannot be read', { pid: 'x' }],
  ])('%s: after two minutes of silence, and a renewal breaks the silence', async (_, change) => {
    const folder = temporaryFolder()
    const path = await forged(folder, change)
    expect(await liveLocks(folder)).toHaveLength(1)
    const longAgo = new Date(Date.now() - 121_000)
    utimesSync(path, longAgo, longAgo)
    expect(await liveLocks(folder)).toEqual([])
  })

  test('a lock of this process that was released and could not be removed', async () => {
    const folder = temporaryFolder()
    const lock = valueOf(await acquireLock(folder, 'r1'))
    const left = readFileSync(lock.path)
    lock.release()
    writeFileSync(lock.path, left) // as the disk leaves it that refuses to remove a file
    expect(await liveLocks(folder)).toEqual([])
    expect(kindOf(await acquireLock(folder, 'r2'))).toBe('ok')
  })

  test('renew moves the time of the file', async () => {
    const folder = temporaryFolder()
    const lock = valueOf(await acquireLock(folder, 'r1'))
    writeFileSync(lock.path, JSON.stringify({ host: 'elsewhere' }))
    const longAgo = new Date(Date.now() - 121_000)
    utimesSync(lock.path, longAgo, longAgo)
    lock.renew()
    expect(await liveLocks(folder)).toHaveLength(1)
  })
})

test('a folder that is not there is named', async () => {
  const result = await acquireLock(join(temporaryFolder(), 'none'), 'r1')
  expect(kindOf(result)).toBe('missing')
})
