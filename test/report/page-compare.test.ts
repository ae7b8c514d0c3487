import { expect, it } from 'vitest'
import { compareSnapshots } from '../../src/compare/compare-snapshots.js'
import { conclude } from '../../src/compare/conclude.js'
import { comparisonBlocks, comparisonVerdict } from '../../src/report/page-compare.js'
import { simulatedSnapshot } from '../compare/simulated-snapshot.js'

const WHY = 'its event loop stood still for 0.5 s while requests were in flight, and for longer before that'

it('why two snapshots cannot be compared stands below a headline of one sentence, and no table is empty', () => {
  const sound = simulatedSnapshot('20261123T090000Z-aaaa', { blocks: 4 })
  const base = { ...sound, instrument: { ...sound.instrument, overloaded: true, warnings: [WHY] } }
  const conclusion = conclude(
    compareSnapshots(base, simulatedSnapshot('20261124T090000Z-bbbb', { blocks: 4 })),
  )
  const { text, more, tone } = comparisonVerdict(conclusion)
  expect(text).toBe('Not comparable: the client was the bottleneck in 20261123T090000Z-aaaa.')
  expect(more).toContain(`${WHY}.`)
  expect(tone).toBe('unsure')
  for (const block of comparisonBlocks(conclusion))
    if (block.kind === 'table') expect(block.table.rows).not.toEqual([])
})

it('a headline with a bracket for each metric stays whole', () => {
  const conclusion = conclude(
    compareSnapshots(
      simulatedSnapshot('20261123T090000Z-aaaa', { blocks: 4 }),
      simulatedSnapshot('20261124T090000Z-bbbb', { blocks: 4 }),
    ),
  )
  const said =
    'prefill is 12 % slower (11-25 %), decode is 8.1 % slower (5.2-11 %), network and front end is 10 % slower (5-15 %)'
  const { text, more } = comparisonVerdict({ ...conclusion, exit: 1, sentences: [said] })
  expect([text, more]).toEqual([`Regression: ${said}.`, []])
})
