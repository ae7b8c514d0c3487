import { appendFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { JournalEntry } from '../../src/snapshot/journal-line.js'
import { readJournal } from '../../src/snapshot/journal-reader.js'
import { createJournal, journalPath, resumeJournal } from '../../src/snapshot/journal.js'
import { recover } from '../../src/snapshot/recover.js'
import { headerOf, sampleOf } from './data.js'
import { compiledChild, kindOf, start, temporaryFolder, valueOf } from './fixtures.js'

const child = compiledChild()
const { run } = headerOf()
const NOW = '2026-11-23T10:00:00.000Z'

const sampleLine = (number: number): JournalEntry => ({
  kind: 'sample',
  sample: sampleOf(number),
  reported: { promptTokens: 1031, outputTokens: 64 },
})

/** A journal of so many samples, closed. */
async function journalOf(folder: string, samples: number): Promise<string> {
  const journal = valueOf(await createJournal(folder, headerOf()))
  for (let i = 1; i <= samples; i++) expect(journal.append(sampleLine(i))).toBeNull()
  expect(await journal.close()).toBeNull()
  return journal.path
}

const samplesOf = async (path: string): Promise<string[]> =>
  recover(valueOf(await readJournal(path))).samples.map((sample) => sample.id)

test('what is appended can be read, in order, before any sync', async () => {
  const folder = temporaryFolder()
  const journal = valueOf(await createJournal(folder, headerOf()))
  const entries: JournalEntry[] = [
    { kind: 'reserve', id: 's-000001', worst: { promptTokens: 2000, outputTokens: 64, cost: 0.01 } },
    sampleLine(1),
    { kind: 'block', probe: 'prompt-length', block: 0, targets: ['gpt'] },
    { kind: 'note', text: 'one cell dropped' },
  ]
  for (const entry of entries) journal.append(entry)
  const { header, entries: read, warnings } = valueOf(await readJournal(journal.path))
  expect(header).toEqual({ format: 'plumbline.journal/1', ...headerOf() })
  expect(read).toEqual(entries)
  expect(warnings).toEqual([])
  await journal.close()
})

test('discard leaves nothing in the folder, close leaves the journal alone', async () => {
  const folder = temporaryFolder()
  const path = await journalOf(folder, 1)
  expect(readdirSync(folder)).toEqual([`${run}.journal`])
  const { journal } = valueOf(await resumeJournal(path, NOW))
  await journal.discard()
  expect(readdirSync(folder)).toEqual([])
})

describe('27: kill -9', () => {
  test('at 24 random times: every sample that was acknowledged is back', async () => {
    let acknowledged = 0
    const kill = async (delayMs: number): Promise<void> => {
      const folder = temporaryFolder()
      const writer = start(process.execPath, [child, 'write', folder, '0'])
      await writer.said('ready')
      await sleep(delayMs)
      writer.process.kill('SIGKILL')
      await writer.ended
      const said = writer.lines().filter((line) => line.startsWith('s-'))
      const { journal, text } = valueOf(await resumeJournal(journalPath(folder, run), NOW))
      const back = new Set(recover(text).samples.map((sample) => sample.id))
      expect(said.filter((id) => !back.has(id))).toEqual([])
      acknowledged += said.length
      await journal.discard()
    }
    for (let i = 0; i < 24; i += 3) await Promise.all([i, i + 1, i + 2].map((k) => kill((k * 7) % 40)))
    expect(acknowledged).toBeGreaterThan(100)
  })

  test('in the middle of write k, k = 1 to 9: what came before is back, and the run can go on', async () => {
    for (let k = 1; k <= 9; k++) {
      const folder = temporaryFolder()
      const writer = start(process.execPath, [child, 'die-at-write', folder, String(k)])
      await writer.ended
      const said = writer.lines().filter((line) => line.startsWith('s-'))
      expect(said).toHaveLength(Math.max(0, Math.floor((k - 2) / 2)))
      const resumed = await resumeJournal(journalPath(folder, run), NOW)
      if (k === 1) {
        expect(kindOf(resumed)).toBe('cut')
        continue
      }
      const { journal, text } = valueOf(resumed)
      expect(text.warnings).toHaveLength(1)
      journal.append(sampleLine(99))
      await journal.close()
      expect(await samplesOf(journal.path)).toEqual([...said, 's-000099'])
      const after = valueOf(await readJournal(journal.path))
      expect(after.warnings).toEqual([])
    }
  })
})

describe('35: a torn or repeated end', () => {
  test('cut at each byte of the last line: that line goes, the others stay, and it is said', async () => {
    const path = await journalOf(temporaryFolder(), 1)
    appendFileSync(path, '{"kind":"note","text":"Grüße, \\u0007 and \\"quotes\\""}\n')
    const whole = readFileSync(path)
    const lastLine = whole.lastIndexOf(10, whole.length - 2) + 1
    for (let length = lastLine; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length))
      const text = valueOf(await readJournal(path))
      expect(text.wholeBytes).toBe(lastLine)
      expect(text.entries).toEqual([sampleLine(1)])
      expect(text.warnings).toHaveLength(length === lastLine ? 0 : 1)
    }
  })

  test('cut inside the header: nothing was measured', async () => {
    const path = await journalOf(temporaryFolder(), 0)
    const header = readFileSync(path)
    for (let length = 0; length < header.length; length += 13) {
      writeFileSync(path, header.subarray(0, length))
      expect(kindOf(await readJournal(path))).toBe('cut')
    }
  })

  test('a repeated line counts once', async () => {
    const path = await journalOf(temporaryFolder(), 2)
    appendFileSync(path, readFileSync(path, 'utf8').split('\n').at(-2) + '\n')
    const recovered = recover(valueOf(await readJournal(path)))
    expect(recovered.samples.map((sample) => sample.id)).toEqual(['s-000001', 's-000002'])
    expect(recovered.notes).toEqual(['journal: 1 repeated sample lines ignored'])
  })

  test('a damaged line in the middle is passed over and named', async () => {
    const path = await journalOf(temporaryFolder(), 3)
    const lines = readFileSync(path, 'utf8').split('\n')
    lines[2] = lines[2]!.replace('"id"', '"ib"')
    writeFileSync(path, lines.join('\n'))
    const { entries, warnings } = valueOf(await readJournal(path))
    expect(entries).toEqual([sampleLine(1), sampleLine(3)])
    expect(warnings).toEqual(['line 3 cannot be read: passed over'])
  })

  test.each([
    ['plumbline.journal/2', 'newer-format'],
    ['other/1', 'malformed'],
  ])('34: format %s is refused as %s', async (format, kind) => {
    const path = await journalOf(temporaryFolder(), 1)
    writeFileSync(path, readFileSync(path, 'utf8').replace('plumbline.journal/1', format))
    expect(kindOf(await readJournal(path))).toBe(kind)
  })
})
