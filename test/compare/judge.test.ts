import { expect, test } from 'vitest'
import type { Effect } from '../../src/compare/effect.js'
import { judge } from '../../src/compare/judge.js'
import { scoresShift } from '../../src/stats/blocks-shift.js'

const rules = { margins: { ttft: 0.05 }, detect: { ttft: 0.25 } }

/** ttft of two arms whose blocks creep, each like the one before: they count as few. */
function creeping(shift: number, creep: number): Effect {
  const arm = (offset: number): number[] => Array.from({ length: 20 }, (_, i) => offset + (creep * i) / 19)
  const found = scoresShift(arm(0), arm(shift))!
  expect(found.gEff).toBeLessThan(6)
  return {
    pair: { base: 'a', candidate: 'a' },
    name: 'ttft',
    kind: 'metric',
    gated: true,
    why: 'successive blocks resemble each other',
    base: 100,
    candidate: 100,
    unit: 'ms',
    scale: 'log',
    ...found,
    blocks: found.g,
  }
}

const verdictOf = (effect: Effect): string => judge([effect], rules).shifts[0]!.verdict

test('few effective blocks inside a band below the margin still show that nothing moved, or that much did', () => {
  expect(verdictOf(creeping(0, 0.01))).toBe('same')
  expect(verdictOf(creeping(Math.log(1.22), 0.01))).toBe('worse')
  expect(verdictOf(creeping(-Math.log(1.22), 0.01))).toBe('better')
})

test('a shift that the band could have made is undecided, and so is all in a band above the margin', () => {
  expect(verdictOf(creeping(0.045, 0.01))).toBe('inconclusive')
  expect(verdictOf(creeping(0, 0.2))).toBe('inconclusive')
  expect(verdictOf(creeping(Math.log(1.22), 0.2))).toBe('inconclusive')
})
