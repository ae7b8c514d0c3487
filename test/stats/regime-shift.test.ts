import { expect, test } from 'vitest'
import { createRandom } from '../../src/random/random.js'
import { regimeShift, type RegimeRow } from '../../src/stats/regime-shift.js'

interface Arm {
  level?: number
  share?: number
  ratio?: number
  seed: number
}

/** Twenty blocks of nine cells, a share of the requests slower. */
function arm({ level = 0, share = 0, ratio = 1.6, seed }: Arm): RegimeRow[] {
  const random = createRandom(seed)
  return Array.from({ length: 20 * 9 }, (_, i) => ({
    cell: String(i % 9),
    block: Math.floor(i / 9),
    log: (i % 9) + level + 0.1 * random.normal() + (random.next() < share ? Math.log(ratio) : 0),
  }))
}

test('without two regimes on either side there is nothing to say', () => {
  expect(regimeShift(arm({ seed: 1 }), arm({ seed: 2, level: 0.3 }))).toBeNull()
})

test('a slow share of 30 % on both sides leaves the fast level alone: equal within 3 standard errors', () => {
  const found = regimeShift(arm({ seed: 1, share: 0.3 }), arm({ seed: 2, share: 0.3 }))!
  expect(found.found).toBe('both')
  expect(Math.abs(found.location!.d)).toBeLessThan(3 * found.location!.se)
  for (const ratio of found.ratios) expect(Math.abs(ratio! - 1.6)).toBeLessThan(0.1)
  expect(found.share.p).toBeGreaterThan(0.01)
})

test('a share that grows from 10 to 50 % is seen in the share and not in the fast level', () => {
  const found = regimeShift(arm({ seed: 3, share: 0.1 }), arm({ seed: 4, share: 0.5 }))!
  expect(found.share.d).toBeGreaterThan(0.25)
  expect(found.share.p).toBeLessThan(0.0005)
  expect(Math.abs(found.location!.d)).toBeLessThan(0.05)
})

test('a fast level 20 % up is seen as that, though both sides are slow in 30 %', () => {
  const found = regimeShift(arm({ seed: 5, share: 0.3 }), arm({ seed: 6, share: 0.3, level: Math.log(1.2) }))!
  expect(Math.exp(found.location!.d)).toBeGreaterThan(1.13)
  expect(Math.exp(found.location!.d)).toBeLessThan(1.27)
  expect(found.location!.p).toBeLessThan(0.0005)
})

test('regimes on one side only leave the level open, and tell the share', () => {
  const found = regimeShift(arm({ seed: 7 }), arm({ seed: 8, share: 0.4 }))!
  expect(found.found).toBe('second')
  expect(found.location).toBeNull()
  expect(found.shares[1] - found.shares[0]).toBeGreaterThan(0.25)
  expect(found.ratios[0]).toBeNull()
})

test('cells that only one side has are no basis: null', () => {
  const extra = { cell: 'x', block: 0, log: 0 }
  expect(regimeShift(arm({ seed: 9, share: 0.3 }), [...arm({ seed: 10, share: 0.3 }), extra])).toBeNull()
})

test('an arm that is slow in all but one block has finite figures and too few blocks to conclude from', () => {
  const rows = arm({ seed: 11 }).map((row) => (row.block > 0 ? { ...row, log: row.log + 0.5 } : row))
  const found = regimeShift(arm({ seed: 12, share: 0.3 }), rows)!
  expect(found.location!.gEff).toBeLessThan(6)
  for (const figure of [found.location!.se, found.location!.df, found.location!.p])
    expect(figure).not.toBeNaN()
})
