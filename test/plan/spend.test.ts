import { expect, test } from 'vitest'
import type { CellAsk, Seen } from '../../src/plan/probe.js'
import { isLook, spend, type Spending } from '../../src/plan/spend.js'
import { createRandom } from '../../src/random/random.js'
import { emptyCell } from '../probes/virtual-cache.js'
import { spendOnce } from '../check/spending.js'

test('looks come at 12, 15, 19, 24, 30, 38, 48, 60, … blocks', () => {
  expect(Array.from({ length: 61 }, (_, i) => i).filter(isLook)).toEqual([12, 15, 19, 24, 30, 38, 48, 60])
})

const ask = (promptTokens: number, prefixTokens = 0): CellAsk => ({
  promptTokens,
  prefixTokens,
  outputTokens: 2,
  cache: prefixTokens > 0 ? 'warm' : 'fresh',
})
const grid = [ask(128), ask(512), ask(2048), ask(8192)]
/** Base 400 ms, 45 µs a token. */
const seen = (blocks: number): Seen => ({
  blocks,
  halfWidths: {},
  cells: grid.map((each) => {
    const ms = 400 + 0.045 * each.promptTokens
    return { ...emptyCell(each), n: blocks, ttft: { p50: ms, p90: ms } }
  }),
})
const spending = (fit: Spending['fit']): Spending => ({ law: 'prefill', grid, precision: 0.05, fit })
const known = (width: number) => () => ({
  base: { value: 400, low: 400 * (1 - width), high: 400 * (1 + width) },
  fresh: { value: 45, low: 45 * (1 - width), high: 45 * (1 + width) },
})

test('the whole grid twice, then mostly its ends: they tell level and slope', () => {
  const random = createRandom(1)
  const never = (): never => {
    throw new Error('there is no look before 12 blocks')
  }
  const asked = Array.from({ length: 12 }, (_, blocks) => spend(seen(blocks), random, spending(never)))
    .slice(0, 11)
    .map((next) => ('ask' in next ? next.ask.map(({ promptTokens }) => promptTokens) : []))
  expect(asked.slice(0, 2).map((lengths) => lengths.toSorted((a, b) => a - b))).toEqual(
    [1, 2].map(() => [128, 512, 2048, 8192]),
  )
  const later = asked.slice(2).flat()
  const ends = later.filter((length) => length === 128 || length === 8192)
  expect(later).toHaveLength(27)
  expect(ends.length).toBeGreaterThanOrEqual(20)
})

test('it ends at a look where the interval is 6 % narrower than asked, and says what was saved', () => {
  const decide = (blocks: number, width: number) =>
    spend(seen(blocks), createRandom(1), spending(known(width)))
  expect(decide(12, 0.047)).toHaveProperty(
    'done',
    expect.stringMatching(/known within 4\.7 % after 12 blocks, as closely as asked/),
  )
  expect(decide(12, 0.048)).toHaveProperty('ask')
  expect(decide(13, 0.01), 'no look').toHaveProperty('ask')
  expect(decide(240, 0.3)).toHaveProperty(
    'done',
    expect.stringMatching(/^stopped with .* 30 % after 240 blocks/),
  )
})

test('a law that no sample speaks of is given up after 240 blocks', () => {
  const none = (blocks: number): Seen => ({
    ...seen(blocks),
    cells: grid.map((each) => ({ ...emptyCell(each), n: blocks })),
  })
  const decide = (blocks: number) =>
    spend(
      none(blocks),
      createRandom(1),
      spending(() => ({})),
    )
  expect(decide(239)).toHaveProperty('ask')
  expect(decide(240)).toEqual({ done: 'no prefill curve after 240 blocks' })
})

test('a precision by parameter is asked of those parameters only', () => {
  const own = { ...spending(known(0.2)), precision: { base: 0.3 } }
  expect(spend(seen(12), createRandom(1), own)).toHaveProperty('done')
  expect(spend(seen(12), createRandom(1), { ...own, precision: { fresh: 0.1 } })).toHaveProperty('ask')
})

// The whole figure, over 200 repeats and with its coverage, is `npm run check:spending`.
test('on the simulated hosted profile chosen cells take at most half of the requests of the whole grid', () => {
  const asked = { base: 0.1, fresh: 0.1 }
  const total = (way: 'chosen' | 'whole grid'): number =>
    [1, 2, 3].reduce((sum, seed) => sum + spendOnce(way, asked, `unit/${seed}`).requests, 0)
  expect(total('chosen') / total('whole grid')).toBeLessThanOrEqual(0.5)
})
