/** Runs that chose their cells by what narrows a curve, held against each other and against a whole grid. */
import { expect, test } from 'vitest'
import { compareSnapshots } from '../../src/compare/compare-snapshots.js'
import { createRandom } from '../../src/random/random.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { chosenRun } from '../check/chosen-run.js'
import { lognormal, NINE_CELLS, type TrueLaw } from '../curve/simulated-run.js'
import { LAW, simulatedSnapshot, snapshotOf } from './simulated-snapshot.js'

const QUICK = { resamples: 99 }

function chosen(id: string, law: TrueLaw = LAW): Snapshot {
  const design = { law, noise: lognormal(0.15), random: createRandom(id), grid: NINE_CELLS }
  return snapshotOf(id, chosenRun({ ...design, precision: { base: 0.1, fresh: 0.2 } }))
}

const slower: TrueLaw = { ...LAW, base: 520, fresh: 58.5, hit: 15.6 }

test('two runs that chose their cells: every cell stands in the test, and 30 % in everything is worse', () => {
  const { notes, shifts } = compareSnapshots(chosen('a'), chosen('b', slower), QUICK)
  expect(notes.filter((note) => note.includes('tested without'))).toEqual([])
  const of = (name: string) => shifts.find((shift) => shift.name === name)
  expect(of('ttft')).toMatchObject({ verdict: 'worse' })
  expect(of('ttft')!.low).toBeLessThan(1.3)
  expect(of('ttft')!.high).toBeGreaterThan(1.3)
  expect(of('base')).toMatchObject({ verdict: 'worse' })
  expect(of('tpot')!.verdict).not.toBe('worse')
})

test('a run that chose against one of the whole grid: equal laws differ in nothing, though the long cells stand oftener', () => {
  const whole = simulatedSnapshot('whole', { noise: lognormal(0.15) })
  const { shifts } = compareSnapshots(whole, chosen('c'), QUICK)
  const ttft = shifts.find(({ name }) => name === 'ttft')!
  expect(ttft.why ?? '').not.toContain('no common cell')
  expect(shifts.filter(({ verdict }) => verdict === 'worse' || verdict === 'better')).toEqual([])
  expect(Math.abs(ttft.ratio! - 1)).toBeLessThan(0.1)
})

test('cells that a search asked stand in no test, however often', () => {
  const [base, candidate] = ['d', 'e'].map((id, arm) => {
    const snapshot = simulatedSnapshot(id)
    const searched = snapshot.samples.slice(0, 50).map((sample) => ({
      ...sample,
      id: `x-${sample.id}`,
      cell: 'searched',
      asked: { ...sample.asked, search: true as const },
      ttft: sample.ttft! * (1 + arm),
    }))
    return { ...snapshot, samples: [...snapshot.samples, ...searched] }
  })
  const { shifts } = compareSnapshots(base!, candidate!, QUICK)
  expect(shifts.find(({ name }) => name === 'ttft')?.verdict).toBe('same')
})

test('a parameter that few of the blocks hold is told by those: hit of a run that seldom asks warm cells', () => {
  const [seldom, always] = [chosen('f'), simulatedSnapshot('g')].map(({ curves }) =>
    curves.find(({ law }) => law === 'prefill')!,
  )
  expect(seldom!.parameters['hit']!.blocks).toBeLessThan(seldom!.blocks)
  expect(seldom!.parameters['base']!.blocks).toBeUndefined()
  expect(always!.parameters['hit']!.blocks).toBeUndefined()
})
