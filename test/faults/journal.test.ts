/** What a crash may leave beside or inside a journal: every later run clears what is saved, and saves what is not. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeSnapshot } from '../../src/snapshot/format.js'
import { createJournal } from '../../src/snapshot/journal.js'
import { makeResultsDir } from '../../src/snapshot/store.js'
import { headerOf, sampleOf, snapshotOf } from '../snapshot/data.js'
import { valueOf } from '../snapshot/fixtures.js'
import { runCli, workspace } from '../support/cli.js'
import { fakeTarget } from '../support/fake-target.js'

const RUN = '20260101T000000Z-aaaa'

/** A folder with a scenario, and the journal of a dead run of it that holds one sample. */
async function afterCrash() {
  const { url } = await fakeTarget()
  const here = workspace()
  here.write(
    's.yaml',
    `targets: [{ name: t, baseUrl: '${url}', model: m, tokenizer: o200k_base }]
probes: [{ probe: prompt-length, promptTokens: [64], outputTokens: 8, blocks: 1 }]
`,
  )
  const folder = valueOf(await makeResultsDir(join(here.path, 'results'), 's'))
  const journal = valueOf(await createJournal(folder, headerOf(RUN)))
  journal.append({ kind: 'sample', sample: sampleOf(1), reported: null })
  await journal.close()
  return { here, journal: journal.path, snapshot: join(folder, `${RUN}.json`) }
}

test('35: a journal that was torn inside its first line holds nothing: the next run clears it', async () => {
  const { here, journal } = await afterCrash()
  writeFileSync(journal, readFileSync(journal).subarray(0, 100))
  expect(await runCli(['run', 's.yaml'], { cwd: here.path })).toMatchObject({ code: 0 })
  expect(existsSync(journal)).toBe(false)
})

test('27: a run killed between its snapshot and the end of its journal: the next run clears the journal', async () => {
  const { here, journal, snapshot } = await afterCrash()
  writeFileSync(snapshot, encodeSnapshot(snapshotOf({ id: RUN })))
  const before = readFileSync(snapshot, 'utf8')
  expect(await runCli(['run', 's.yaml'], { cwd: here.path })).toMatchObject({ code: 0 })
  expect(existsSync(journal)).toBe(false)
  expect(readFileSync(snapshot, 'utf8')).toBe(before)
})

test('33: a snapshot that cannot be read does not hide the journal beside it: the next run saves its samples', async () => {
  const { here, journal, snapshot } = await afterCrash()
  writeFileSync(snapshot, encodeSnapshot(snapshotOf({ id: RUN })).slice(0, 500))
  expect(await runCli(['run', 's.yaml'], { cwd: here.path })).toMatchObject({ code: 0 })
  expect(existsSync(journal)).toBe(false)
  const [first] = await here.snapshots('s')
  expect(first).toMatchObject({ id: RUN, partial: true, samples: [{ id: 's-000001' }] })
})

test('29: a lock that the disk does not let go of at the end is no crash: the samples are safe, and close answers', async () => {
  const folder = valueOf(await makeResultsDir(join(workspace().path, 'results'), 's'))
  const journal = valueOf(await createJournal(folder, headerOf(RUN)))
  const lock = readdirSync(folder).find((name) => name.endsWith('.lock')) ?? ''
  // What cannot be removed as a file.
  rmSync(join(folder, lock))
  mkdirSync(join(folder, lock))
  expect(await journal.close()).toBeNull()
})
