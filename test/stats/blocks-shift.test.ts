import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRandom, type Random } from '../../src/random/random.js'
import { blockScores, blocksShift, scoresShift, type Arm } from '../../src/stats/blocks-shift.js'

const CELLS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']

/** An arm with its own level in each cell, times `ratio`, and lognormal noise of the given sd. */
function arm(random: Random, options: { blocks: number; ratio?: number; noise?: () => number }): Arm {
  const { blocks, ratio = 1, noise = () => 0.25 * random.normal() } = options
  return new Map(
    CELLS.map((cell, i) => [
      cell,
      Array.from({ length: blocks }, () => 100 * (i + 1) * ratio * Math.exp(noise())),
    ]),
  )
}

test('independent blocks without outliers: d, se, df and p are those of Welch on the scores', () => {
  // Two cells of one level; alternate residuals keep rho at 0, so f = 1 and G_eff = G.
  const z = [0.1, -0.1, 0.1, -0.1, 0.1, -0.1]
  const first: Arm = new Map([['x', z.map((value) => Math.exp(value))]])
  const second: Arm = new Map([['x', z.map((value) => Math.exp(value + 0.4))]])
  const shift = blocksShift(first, second)!
  expect(shift).toMatchObject({ f: 1, gEff: 6, g: [6, 6] })
  expect(shift.d).toBeCloseTo(0.4, 12)
  expect(shift.hodgesLehmann).toBeCloseTo(0.4, 12)
  expect(shift.se).toBeCloseTo(Math.sqrt(0.012 / 6 + 0.012 / 6), 12)
  expect(shift.df).toBeCloseTo(10, 9)
  // t = .4 ÷ √.004 on 10 degrees of freedom (scipy: 2·t.sf)
  expect(shift.p).toBeCloseTo(8.630216153154247e-5, 12)
})

test('a shift of 20 % is found by both estimates within 5 %, its sign that of the second arm', () => {
  const random = createRandom('shift')
  const shift = blocksShift(arm(random, { blocks: 30 }), arm(random, { blocks: 30, ratio: 1.2 }))!
  expect(Math.exp(shift.d) / 1.2).toBeCloseTo(1, 1)
  expect(Math.exp(shift.hodgesLehmann) / 1.2).toBeCloseTo(1, 1)
  expect(shift.d).toBeGreaterThan(0)
  expect(shift.p).toBeLessThan(1e-3)
})

test('exchanging the arms turns the sign of d and keeps se, df and p', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 6, max: 20 }),
      fc.integer({ min: 6, max: 20 }),
      (seed, ga, gb) => {
        const random = createRandom(seed)
        const a = arm(random, { blocks: ga })
        const b = arm(random, { blocks: gb, ratio: 1.3 })
        const one = blocksShift(a, b)!
        const other = blocksShift(b, a)!
        expect(one.d).toBeCloseTo(-other.d, 10)
        expect(one.hodgesLehmann).toBeCloseTo(-other.hodgesLehmann, 10)
        expect(one.se).toBeCloseTo(other.se, 10)
        expect(one.df).toBeCloseTo(other.df, 8)
        expect(one.p).toBeCloseTo(other.p, 10)
      },
    ),
    { numRuns: 40 },
  )
})

test('one wild value of 1,000 times hardly moves d: it is clipped at 3 robust sd', () => {
  const random = createRandom('wild')
  const a = arm(random, { blocks: 20 })
  const b = arm(random, { blocks: 20 })
  const values = [...b.get('a')!]
  values[4] = values[4]! * 1000
  const wild: Arm = new Map([...b, ['a', values]])
  expect(Math.abs(blocksShift(a, wild)!.d - blocksShift(a, b)!.d)).toBeLessThan(0.01)
})

test('a block that lacks more than a quarter of its cells is dropped, one that lacks less is kept', () => {
  const random = createRandom('gaps')
  const a = arm(random, { blocks: 10 })
  const without = (cells: readonly string[]): Arm =>
    new Map(
      [...a].map(([cell, values]) => [
        cell,
        values.map((v, i) => (i === 3 && cells.includes(cell) ? null : v)),
      ]),
    )
  expect(blockScores(a, without(['a', 'b']))[1]).toHaveLength(10)
  expect(blockScores(a, without(['a', 'b', 'c']))[1]).toHaveLength(9)
})

test('cells of one arm only are left out, and without a common cell there is no shift', () => {
  const random = createRandom('cells')
  const a = arm(random, { blocks: 8 })
  const more: Arm = new Map([...a, ['extra', Array.from({ length: 8 }, () => 1e6)]])
  expect(blocksShift(a, more)!.d).toBeCloseTo(0, 12)
  expect(blocksShift(a, new Map([['other', [1, 2, 3]]]))).toBeNull()
  expect(blocksShift(a, new Map())).toBeNull()
  expect(scoresShift([1], [1, 2, 3])).toBeNull()
})

test('arms without any spread: p 1 when equal, 0 when shifted', () => {
  expect(scoresShift([1, 1, 1, 1], [1, 1, 1, 1])!).toMatchObject({ d: 0, se: 0, p: 1 })
  expect(scoresShift([1, 1, 1, 1], [2, 2, 2, 2])!).toMatchObject({ d: 1, se: 0, p: 0 })
})

test('slow drift over the blocks widens se and lowers G_eff below 6 of 20', () => {
  const wave = Array.from({ length: 20 }, (_, i) => Math.sin(i / 3))
  const noisy = wave.map((_, i) => ((i * 7919) % 13) / 6.5 - 1)
  const slow = scoresShift(wave, wave)!
  expect(slow.gEff).toBeLessThan(6)
  expect(slow.se).toBeGreaterThan(1.5 * scoresShift(noisy, noisy)!.se)
})

test('false alarms at .05 stay within 2-8 % on independent blocks and below 10 % under AR(1) .5', () => {
  const alarms = (phi: number): number => {
    const random = createRandom(`alarms ${phi}`)
    let count = 0
    for (let k = 0; k < 1000; k++) {
      const scores = (): number[] => {
        let level = random.normal()
        return Array.from(
          { length: 20 },
          () => (level = phi * level + Math.sqrt(1 - phi * phi) * random.normal()),
        )
      }
      if (scoresShift(scores(), scores())!.p < 0.05) count++
    }
    return count / 1000
  }
  expect(alarms(0)).toBeGreaterThan(0.02)
  expect(alarms(0)).toBeLessThan(0.08)
  expect(alarms(0.5)).toBeLessThan(0.1)
})
