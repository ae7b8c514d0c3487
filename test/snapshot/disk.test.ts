import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { lstatSync, readlinkSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeSnapshot, readSnapshot, writeSnapshot } from '../../src/snapshot/format.js'
import { readJournal } from '../../src/snapshot/journal-reader.js'
import type { Journal } from '../../src/snapshot/journal.js'
import { createJournal, journalPath } from '../../src/snapshot/journal.js'
import { makeResultsDir } from '../../src/snapshot/store.js'
import { sweepTemporary, writeAtomically } from '../../src/snapshot/write.js'
import { headerOf, sampleOf, snapshotOf } from './data.js'
import { compiledChild, kindOf, start, temporaryFolder, valueOf } from './fixtures.js'

const child = compiledChild()
const { run } = headerOf()
const isRoot = process.getuid?.() === 0
const canMount = isRoot && process.platform === 'linux' && tryMount()
const noMount = 'this process may not mount file systems'

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

function mounted(folder: string, ...args: string[]): string {
  execFileSync('mount', [...args, folder])
  onTestFinished(() => void execFileSync('umount', [folder]))
  return folder
}

/** Appends samples until the disk refuses; answers how many it took, and why it stopped. */
function fill(journal: Journal): { taken: number; kind: string } {
  for (let i = 1; i < 10_000; i++) {
    const problem = journal.append({ kind: 'sample', sample: sampleOf(i), reported: null })
    if (problem !== null) return { taken: i - 1, kind: problem.kind }
  }
  throw new Error('the disk never filled')
}

describe('28: a limit on the size of files (ulimit -f 8)', () => {
  // A length may happen to end a line at the limit, where nothing is torn: three cannot.
  test.each([300, 301, 444])(
    'what the journal took is whole, and it says why no more (%i)',
    async (length) => {
      const folder = temporaryFolder()
      const limited = `ulimit -f 8; exec "$0" "$@"`
      const writer = start('bash', ['-c', limited, process.execPath, child, 'write', folder, String(length)])
      await writer.ended
      expect(writer.lines().at(-1)).toBe('problem size-limit')
      const said = writer.lines().filter((line) => line.startsWith('s-'))
      expect(said.length).toBeGreaterThan(1)
      const { entries, warnings } = valueOf(await readJournal(journalPath(folder, run)))
      expect(entries.flatMap((entry) => (entry.kind === 'sample' ? entry.sample.id : []))).toEqual(said)
      expect(warnings).toEqual([])
    },
  )
})

describe('29: a full disk', () => {
  test.skipIf(!canMount)(
    `the journal says so, and what it took is whole (skipped where ${noMount})`,
    async () => {
      const folder = mounted(temporaryFolder(), '-t', 'tmpfs', '-o', 'size=64k', 'none')
      const journal = valueOf(await createJournal(folder, headerOf()))
      const { taken, kind } = fill(journal)
      expect(kind).toBe('no-space')
      expect(taken).toBeGreaterThan(20)
      expect(journal.append({ kind: 'note', text: 'still full' })?.kind, 'the first problem stays').toBe(
        'no-space',
      )
      const { entries, warnings } = valueOf(await readJournal(journal.path))
      expect(entries).toHaveLength(taken)
      expect(warnings).toEqual([])
      await journal.close()
    },
  )

  test.skipIf(!canMount)(
    `a file that does not fit leaves the old one whole (skipped where ${noMount})`,
    async () => {
      const folder = mounted(temporaryFolder(), '-t', 'tmpfs', '-o', 'size=64k', 'none')
      const path = join(folder, 'baseline.json')
      valueOf(await writeAtomically(path, 'old'))
      const result = await writeAtomically(path, 'x'.repeat(100_000))
      expect(!result.ok && result.problem.kind).toBe('no-space')
      expect(!result.ok && result.problem.message).toContain(`${path}: cannot be written: no space`)
      expect(readFileSync(path, 'utf8')).toBe('old')
      expect(readdirSync(folder)).toEqual(['baseline.json'])
    },
  )

  test.skipIf(!canMount)(
    `no inode left is found before the first request (skipped where ${noMount})`,
    async () => {
      const folder = mounted(temporaryFolder(), '-t', 'tmpfs', '-o', 'size=64k,nr_inodes=3', 'none')
      writeFileSync(join(folder, 'a'), '')
      writeFileSync(join(folder, 'b'), '')
      expect(kindOf(await createJournal(folder, headerOf()))).toBe('no-space')
    },
  )
})

describe('30: a folder that cannot be written is found before the first request', () => {
  test.skipIf(!canMount)(`read-only file system (skipped where ${noMount})`, async () => {
    const folder = mounted(temporaryFolder(), '-t', 'tmpfs', '-o', 'ro', 'none')
    const result = await createJournal(folder, headerOf())
    expect(!result.ok && result.problem.kind).toBe('read-only')
    expect(!result.ok && result.problem.message).toContain(folder)
    expect(kindOf(await makeResultsDir(join(folder, 'results'), 'openai'))).toBe('read-only')
  })

  test('no permission', async () => {
    const folder = temporaryFolder()
    if (isRoot) {
      process.seteuid?.(65534)
      onTestFinished(() => {
        process.seteuid?.(0)
      })
    } else execFileSync('chmod', ['500', folder])
    const result = await createJournal(folder, headerOf())
    if (isRoot) process.seteuid?.(0)
    else execFileSync('chmod', ['700', folder])
    expect(kindOf(result)).toBe('no-permission')
  })
})

test('31: out of descriptors, an open journal goes on, and a new file says why not', async () => {
  const folder = temporaryFolder()
  const limited = `ulimit -n 400; exec "$0" "$@"`
  const writer = start('bash', ['-c', limited, process.execPath, child, 'no-descriptors', folder])
  await writer.ended
  expect(writer.lines()).toEqual(['held true', 'append ok', 'write open-files'])
})

describe('32: a file that many replace', () => {
  test('two writers at once: no write fails, and a reader finds a whole file each time', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'baseline.json')
    valueOf(await writeSnapshot(path, snapshotOf()))
    const writers = [1, 2].map(() => start(process.execPath, [child, 'replace', folder, '150']))
    let reads = 0
    while (writers.some((writer) => writer.process.exitCode === null)) {
      expect(kindOf(await readSnapshot(path))).toBe('ok')
      reads++
    }
    expect(reads).toBeGreaterThan(20)
    await Promise.all(writers.map((writer) => writer.ended))
    for (const writer of writers) expect(writer.lines()).toEqual(['done'])
    expect(readdirSync(folder)).toEqual(['baseline.json'])
  })

  test('what a killed writer left is swept after an hour, and nothing else', async () => {
    const folder = temporaryFolder()
    const old = new Date(Date.now() - 3_700_000)
    for (const name of ['.a.json.0123.tmp', '.b.json.4567.tmp', 'c.json']) {
      writeFileSync(join(folder, name), 'x')
      if (name !== '.b.json.4567.tmp') utimesSync(join(folder, name), old, old)
    }
    await sweepTemporary(folder, Date.now())
    expect(readdirSync(folder).toSorted()).toEqual(['.b.json.4567.tmp', 'c.json'])
  })
})

describe('36: links', () => {
  test('a linked baseline.json stays a link, and its target is replaced', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'elsewhere'))
    const target = join(folder, 'elsewhere', 'kept.json')
    const link = join(folder, 'baseline.json')
    symlinkSync('elsewhere/kept.json', link)
    for (const content of ['made where the link dangles', 'replaced where it does not']) {
      valueOf(await writeAtomically(link, content))
      expect(readFileSync(target, 'utf8')).toBe(content)
      expect(readlinkSync(link)).toBe('elsewhere/kept.json')
    }
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual(['kept.json'])
  })

  test('a linked results folder is written through', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'real'))
    symlinkSync('real', join(folder, 'results'))
    const dir = valueOf(await makeResultsDir(join(folder, 'results'), 'openai'))
    valueOf(await writeSnapshot(join(dir, 'a.json'), snapshotOf()))
    expect(readFileSync(join(folder, 'real/openai/a.json'), 'utf8')).toBe(encodeSnapshot(snapshotOf()))
  })

  test('links in a ring are refused', async () => {
    const folder = temporaryFolder()
    symlinkSync('b', join(folder, 'a'))
    symlinkSync('a', join(folder, 'b'))
    expect(kindOf(await writeAtomically(join(folder, 'a'), 'x'))).toBe('io')
    expect(lstatSync(join(folder, 'a')).isSymbolicLink()).toBe(true)
  })
})

test('threat 13: with umask 0 files are 0600 and folders 0700', async () => {
  const before = process.umask(0)
  onTestFinished(() => void process.umask(before))
  const out = join(temporaryFolder(), 'results')
  const dir = valueOf(await makeResultsDir(out, 'openai'))
  const journal = valueOf(await createJournal(dir, headerOf()))
  valueOf(await writeSnapshot(join(dir, 'a.json'), snapshotOf()))
  const modes = [out, dir, ...readdirSync(dir).map((name) => join(dir, name))].map((path) =>
    (statSync(path).mode & 0o777).toString(8),
  )
  expect(modes).toEqual(['700', '700', '600', '600', '600'])
  await journal.discard()
})
