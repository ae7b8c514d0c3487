import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test } from 'vitest'
import { acceptBaseline } from '../../src/snapshot/baseline.js'
import { encodeSnapshot, readSnapshot, writeSnapshot } from '../../src/snapshot/format.js'
import { createJournal } from '../../src/snapshot/journal.js'
import { loadSnapshot, resolveSnapshotPath } from '../../src/snapshot/locate.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import {
  baselinePath,
  findJournals,
  listSnapshots,
  makeResultsDir,
  newestSnapshot,
  resultsDir,
  runId,
} from '../../src/snapshot/store.js'
import { headerOf, snapshotOf } from './data.js'
import { kindOf, temporaryFolder, valueOf } from './fixtures.js'

let cwd = ''
let out = ''
let dir = ''
beforeEach(async () => {
  cwd = temporaryFolder()
  out = join(cwd, 'results')
  dir = valueOf(await makeResultsDir(out, 'openai'))
})

const ids = ['20261122T235959Z-ffff', '20261123T000000Z-0000', '20261123T090000Z-7f3a']

async function put(id: string, change: Partial<Snapshot> = {}): Promise<string> {
  return valueOf(await writeSnapshot(join(dir, `${id}.json`), snapshotOf({ id, ...change })))
}

describe('names', () => {
  test('a run is named by its second in UTC and a suffix', () => {
    const at = Date.parse('2026-11-23T09:00:00.999Z')
    expect(runId(at, '7f3a')).toBe('20261123T090000Z-7f3a')
    expect(runId(at)).toMatch(/^20261123T090000Z-[0-9a-f]{4}$/)
  })

  test.each(['..', '.', '', '../../etc', 'a/b', '.hidden', 'a\0b', 'Grüße', '\ud800'])(
    'the folder of scenario %j lies directly in the results folder',
    (name) => {
      const folder = resultsDir('/r', name)
      expect(dirname(folder)).toBe('/r')
      expect(basename(folder)).toMatch(/^[^.\0/][^\0/]*$/)
    },
  )

  test('two scenarios never share a folder', () => {
    const names = ['a/b', 'a%2Fb', 'a-b', 'a b', '.a', '%2Ea']
    expect(new Set(names.map((name) => resultsDir('r', name))).size).toBe(names.length)
  })
})

describe('results/.gitignore', () => {
  const tracked = (folder: string): string[] => {
    execFileSync('git', ['init', '-q', folder])
    const list = ['ls-files', '--others', '--exclude-standard']
    return execFileSync('git', ['-C', folder, ...list], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .toSorted()
  }

  test('git sees baselines and no run', async () => {
    await put(ids[0]!)
    writeFileSync(join(dir, 'baseline.json'), '')
    writeFileSync(join(dir, 'a.journal'), '')
    expect(tracked(cwd)).toEqual(['results/.gitignore', 'results/openai/baseline.json'])
  })

  test('a folder that was there before gets none', async () => {
    const own = join(cwd, 'own')
    mkdirSync(own)
    valueOf(await makeResultsDir(own, 'openai'))
    expect(existsSync(join(own, '.gitignore'))).toBe(false)
  })

  test('the one of this repository says the same', () => {
    const ours = fileURLToPath(new URL('../../results/.gitignore', import.meta.url))
    expect(readFileSync(join(out, '.gitignore'), 'utf8')).toBe(readFileSync(ours, 'utf8'))
  })
})

describe('the newest snapshot', () => {
  test('is the last by its name, whatever the order of writing; baselines and journals are none', async () => {
    for (const id of [ids[2], ids[0], ids[1]]) await put(id!)
    writeFileSync(join(dir, 'baseline.json'), '')
    writeFileSync(join(dir, '20991123T090000Z-0000.journal'), '')
    writeFileSync(join(dir, '.20991123T090000Z-0000.json.00.tmp'), '')
    expect(valueOf(await listSnapshots(dir)).map((path) => basename(path, '.json'))).toEqual(ids)
    expect(valueOf(await newestSnapshot(dir))).toBe(join(dir, `${ids[2]}.json`))
  })

  test('a name of the user stands at the time of its writing', async () => {
    for (const id of ids) await put(id)
    const path = join(dir, 'before-update.json')
    writeFileSync(path, '')
    const between = new Date('2026-11-23T05:00:00Z')
    utimesSync(path, between, between)
    expect(valueOf(await listSnapshots(dir))[2]).toBe(path)
  })

  test('where there is none, the folder is named', async () => {
    const result = await newestSnapshot(dir)
    expect(!result.ok && result.problem).toMatchObject({ kind: 'not-found', path: dir })
  })
})

describe('what a user writes for a snapshot', () => {
  test.each(['results/openai/20261123T090000Z-7f3a.json', 'results/openai', 'baseline:openai'])(
    '%s',
    async (arg) => {
      await put(ids[2]!)
      valueOf(await acceptBaseline(dir, { cwd, outDir: 'results', force: false }))
      expect(valueOf(await loadSnapshot(arg, { cwd, outDir: 'results' })).id).toBe(ids[2])
    },
  )

  test('git:<ref>:<path> is the file as it stood in that commit', async () => {
    const git = (...args: string[]) => {
      const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
      execFileSync('git', ['-C', cwd, ...who, ...args], { stdio: 'ignore' })
    }
    git('init', '-q', '-b', 'main')
    const path = await put(ids[0]!)
    git('add', '-f', path)
    git('commit', '-q', '-m', 'one')
    unlinkSync(path)
    const load = (argument: string) => loadSnapshot(argument, { cwd, outDir: out })
    const inTree = `results/openai/${ids[0]}.json`
    expect(valueOf(await load(`git:main:${inTree}`)).id).toBe(ids[0])
    expect(valueOf(await load(`git:HEAD:./${inTree}`)).id).toBe(ids[0])
    const missing = await load(`git:main:results/none.json`)
    expect(!missing.ok && missing.problem.kind).toBe('not-found')
    expect(!missing.ok && missing.problem.message).toContain('results/none.json')
    expect(kindOf(await load(`git:nowhere:${inTree}`))).toBe('not-found')
  })

  test.each(['git:--output=x:y', 'git:-p:y', 'git:main', 'git::y', 'git:main:'])(
    '%s is refused',
    async (arg) => {
      expect(kindOf(await resolveSnapshotPath(arg, { cwd, outDir: out }))).toBe('not-found')
    },
  )

  test('a scenario without a baseline is told where it would lie', async () => {
    const result = await loadSnapshot('baseline:none', { cwd, outDir: out })
    expect(!result.ok && result.problem).toMatchObject({ kind: 'missing', path: baselinePath(out, 'none') })
  })
})

describe('accept', () => {
  const accept = (argument: string, force = false) => acceptBaseline(argument, { cwd, outDir: out, force })

  test('the baseline is the snapshot byte for byte, in the folder of its own scenario', async () => {
    const elsewhere = join(cwd, 'candidate.json')
    const text = encodeSnapshot(snapshotOf())
    writeFileSync(elsewhere, text)
    const { path } = valueOf(await accept(elsewhere))
    expect(path).toBe(baselinePath(out, 'openai'))
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  test('36: a linked baseline stays a link', async () => {
    symlinkSync('../../shared.json', baselinePath(out, 'openai'))
    const { path } = valueOf(await accept(await put(ids[0]!)))
    expect(path).toBe(join(cwd, 'shared.json'))
    expect(valueOf(await readSnapshot(baselinePath(out, 'openai'))).id).toBe(ids[0])
  })

  const overloaded = { ...snapshotOf().instrument, overloaded: true }
  test.each<[string, Partial<Snapshot>, string]>([
    ['partial', { partial: true, partialReason: 'budget spent' }, 'partial (budget spent)'],
    ['overloaded', { instrument: overloaded }, 'instrument was overloaded'],
    ['empty', { summary: [] }, 'no successful measurement'],
  ])(
    'one that is %s is refused with its reason, and taken by force with its doubt',
    async (_, change, reason) => {
      const path = await put(ids[0]!, change)
      const refused = await accept(path)
      expect(!refused.ok && refused.problem.kind).toBe('not-accepted')
      expect(!refused.ok && refused.problem.message).toContain(reason)
      expect(existsSync(baselinePath(out, 'openai'))).toBe(false)
      expect(valueOf(await accept(path, true)).doubts.join()).toContain(reason)
    },
  )

  test('a damaged one is never accepted, not by force', async () => {
    const path = await put(ids[0]!)
    writeFileSync(path, readFileSync(path, 'utf8').replace('412.6', '12.6'))
    expect(kindOf(await accept(path, true))).toBe('checksum')
  })
})

describe('journals that a crash left', () => {
  test('are those without a snapshot whose run is dead, oldest first', async () => {
    for (const id of [ids[1], ids[0]]) {
      const journal = valueOf(await createJournal(dir, headerOf(id)))
      await journal.close()
    }
    const saved = valueOf(await createJournal(dir, headerOf('20261124T000000Z-aaaa')))
    await saved.close()
    await put('20261124T000000Z-aaaa')
    const running = valueOf(await createJournal(dir, headerOf(ids[2])))
    expect(valueOf(await findJournals(dir))).toEqual(
      [`${ids[0]}.journal`, `${ids[1]}.journal`].map((f) => join(dir, f)),
    )
    await running.close()
    expect(valueOf(await findJournals(dir))).toHaveLength(3)
  })

  test('a folder that is not there has none', async () => {
    expect(valueOf(await findJournals(join(out, 'none')))).toEqual([])
  })
})
