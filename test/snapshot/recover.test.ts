import { expect, test } from 'vitest'
import type { JournalEntry } from '../../src/snapshot/journal-line.js'
import { recover } from '../../src/snapshot/recover.js'
import { headerOf, sampleOf } from './data.js'

const worst = { promptTokens: 2000, outputTokens: 64, cost: 0.01 }
const reported = { promptTokens: 1031, outputTokens: 64 }

const reserve = (number: number): JournalEntry => ({ kind: 'reserve', id: sampleOf(number).id, worst })
const sample = (number: number, block: number, target = 'gpt'): JournalEntry => ({
  kind: 'sample',
  sample: sampleOf(number, { block, target }),
  reported,
})
const block = (number: number, targets = ['gpt']): JournalEntry => ({
  kind: 'block',
  probe: 'prompt-length',
  block: number,
  targets,
})
const resume: JournalEntry = { kind: 'resume', at: '2026-11-23T10:00:00.000Z' }

const recovered = (...entries: JournalEntry[]) =>
  recover({
    header: { format: 'plumbline.journal/1', ...headerOf() },
    entries,
    wholeBytes: 0,
    warnings: [],
  })

const counted = (...entries: JournalEntry[]): string[] =>
  recovered(...entries)
    .samples.filter(({ warmup }) => !warmup)
    .map(({ id }) => id.slice(-1))

test('a run that never went on keeps the samples of its open block', () => {
  expect(counted(sample(1, 0), sample(2, 0), block(0), sample(3, 1))).toEqual(['1', '2', '3'])
})

test('where the run went on, an open block is set aside as warm-up, and complete ones stay', () => {
  const entries = [
    sample(1, 0),
    sample(2, 0),
    block(0),
    sample(3, 1),
    resume,
    sample(4, 1),
    sample(5, 1),
    block(1),
  ]
  expect(counted(...entries)).toEqual(['1', '2', '4', '5'])
  const third = recovered(...entries).samples[2]
  expect(third).toMatchObject({ warmup: true, ttft: 412.6 })
  expect(third?.detail).toContain('its block was run again whole')
})

test('two crashes in one block: only the pass that was whole counts', () => {
  const entries = [sample(1, 0), resume, sample(2, 0), resume, sample(3, 0), sample(4, 0), block(0)]
  expect(counted(...entries)).toEqual(['3', '4'])
})

test('a block is done on a target by itself', () => {
  const { isDone, samples } = recovered(sample(1, 0, 'a'), sample(2, 0, 'b'), block(0, ['a']), resume)
  expect([isDone('prompt-length', 'a', 0), isDone('prompt-length', 'b', 0)]).toEqual([true, false])
  expect(isDone('other', 'a', 0)).toBe(false)
  expect(samples.map(({ warmup }) => warmup)).toEqual([false, true])
})

test('the money of a crash: settled by its sample, freed where it never left, else open at the worst case', () => {
  const never: JournalEntry = { kind: 'sample', sample: sampleOf(2), reported: null }
  const { reserved, usedIds } = recovered(reserve(1), reserve(2), reserve(3), reserve(3), sample(1, 0), never)
  expect(reserved).toEqual([
    { id: 's-000001', worst, settled: reported },
    { id: 's-000002', worst, settled: null },
    { id: 's-000003', worst, settled: 'open' },
  ])
  expect([...usedIds].toSorted()).toEqual(['s-000001', 's-000002', 's-000003'])
})

test('the latest instrument report and targets stand, notes add up, the last request ends the run', () => {
  const { instrument, targets } = headerOf()
  const result = recovered(
    { kind: 'instrument', instrument: { ...instrument!, overloaded: true } },
    { kind: 'targets', targets: targets.map((target) => ({ ...target, region: 'FRA' })) },
    { kind: 'note', text: 'cell dropped' },
    sample(1, 0),
  )
  expect(result.instrument?.overloaded).toBe(true)
  expect(result.targets[0]?.region).toBe('FRA')
  expect(result.notes).toEqual(['cell dropped'])
  expect(result.endedAt).toBe('2026-11-23T09:00:05.150Z')
  expect(result.reason).toContain('1 samples')
  expect(recovered().endedAt).toBe(headerOf().startedAt)
})
