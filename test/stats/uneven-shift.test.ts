import { expect, test } from 'vitest'
import { createRandom, type Random } from '../../src/random/random.js'
import { blocksShift, type Arm } from '../../src/stats/blocks-shift.js'
import { unevenShift } from '../../src/stats/uneven-shift.js'

const CELLS = ['a', 'b', 'c', 'd', 'e', 'f']

interface Design {
  blocks: number
  ratio?: number
  /** Share of the blocks that hold each cell. */
  held?: readonly number[]
  noise?: () => number
  blockNoise?: () => number
}

/** Cells of very different levels, each in its share of the blocks. */
function arm(
  random: Random,
  { blocks, ratio = 1, held = CELLS.map(() => 0.5), noise, blockNoise = () => 0 }: Design,
): Arm {
  const own = noise ?? (() => 0.25 * random.normal())
  const shifts = Array.from({ length: blocks }, blockNoise)
  return new Map(
    CELLS.map((cell, i) => [
      cell,
      shifts.map((shift) =>
        random.next() < held[i]! ? 100 * 4 ** i * ratio * Math.exp(own() + shift) : null,
      ),
    ]),
  )
}

test('where every block holds every cell d, se, df, f and p are those of blocksShift', () => {
  const random = createRandom('whole')
  const all = CELLS.map(() => 1)
  const [a, b] = [arm(random, { blocks: 20, held: all }), arm(random, { blocks: 25, held: all, ratio: 1.2 })]
  const [uneven, whole] = [unevenShift(a, b)!, blocksShift(a, b)!]
  for (const name of ['d', 'se', 'df', 'f', 'gEff', 'p'] as const)
    expect(uneven[name] / whole[name]).toBeCloseTo(1, 9)
})

test('a cell asked three times as often in one arm moves nothing by its level: d is the shift itself', () => {
  const random = createRandom('mix')
  const still = (): number => 1e-6 * random.normal()
  const first = arm(random, { blocks: 40, noise: still, held: [0.9, 0.3, 0.3, 0.3, 0.3, 0.9] })
  const second = arm(random, {
    blocks: 40,
    noise: still,
    held: [0.3, 0.3, 0.9, 0.9, 0.3, 0.3],
    ratio: 1.1,
  })
  expect(Math.exp(unevenShift(first, second)!.d)).toBeCloseTo(1.1, 4)
})

// Two standard errors of 5 % in 500 are 1.9 %.
test.each([
  ['independent requests', 0],
  ['blocks shifted by 20 %', 0.2],
])('%s: of 500 equal pairs, mixes apart, 1.5 to 7 % give p below .05', (name, between) => {
  const random = createRandom(name)
  const blockNoise = (): number => between * random.normal()
  let rejected = 0
  for (let i = 0; i < 500; i++) {
    const first = arm(random, { blocks: 30, blockNoise, held: [0.9, 0.1, 0.1, 0.3, 0.4, 0.9] })
    const second = arm(random, { blocks: 24, blockNoise, held: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5] })
    if (unevenShift(first, second)!.p < 0.05) rejected++
  }
  expect(rejected / 500).toBeGreaterThan(0.015)
  expect(rejected / 500).toBeLessThan(0.07)
})

test('without a common cell of two values in each arm there is no shift', () => {
  const one: Arm = new Map([['a', [100, null, null]]])
  expect(unevenShift(one, one)).toBeNull()
  expect(unevenShift(new Map(), one)).toBeNull()
  expect(unevenShift(new Map([['a', [1, 2, 3]]]), new Map([['b', [1, 2, 3]]]))).toBeNull()
})
