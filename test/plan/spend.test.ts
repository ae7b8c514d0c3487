import { expect, test } from 'vitest'
import type { CellAsk, Seen } from '../../src/plan/probe.js'
import { isLook, spend, stillWide, type Spending } from '../../src/plan/spend.js'
import { createRandom } from '../../src/random/random.js'
import { emptyCell } from '../probes/virtual-cache.js'
import { BENT_US, spendOnce } from '../check/spending.js'

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
/** A straight law, and with its quadratic a bend of `mostUs` at most. */
const known =
  (width: number, mostUs = 0) =>
  (curved?: true) => ({
    base: { value: 400, low: 400 * (1 - width), high: 400 * (1 + width) },
    fresh: { value: 45, low: 45 * (1 - width), high: 45 * (1 + width) },
    ...(curved && { curve: { value: mostUs / 2, low: 0, high: mostUs } }),
  })

test('the whole grid twice, then mostly its ends, which tell level and slope, and now and then its middle, which tells a bend', () => {
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
  expect(ends.length).toBeGreaterThanOrEqual(16)
  expect(ends.length).toBeLessThanOrEqual(25)
})

test('it ends at a look where the interval is 6 % narrower than asked, and says what was saved', () => {
  const decide = (blocks: number, width: number) =>
    spend(seen(blocks), createRandom(1), spending(known(width)))
  expect(decide(12, 0.047)).toHaveProperty(
    'done',
    expect.stringMatching(
      /^base known within 4\.7 %, fresh within 4\.7 % after 12 blocks, as closely as asked/,
    ),
  )
  expect(decide(12, 0.048)).toHaveProperty('ask')
  expect(decide(13, 0.01), 'no look').toHaveProperty('ask')
  expect(decide(240, 0.3)).toHaveProperty(
    'done',
    expect.stringMatching(
      /^stopped with base known within 30 % \(asked: 5 %\), fresh within 30 % \(asked: 5 %\) after 240 blocks/,
    ),
  )
})

test('hit is told with what it moves predictions by, where that is what is held to the precision', () => {
  const warm = ask(8192, 8064)
  const cells = [...seen(12).cells, { ...emptyCell(warm), n: 12, ttft: { p50: 460, p90: 460 } }]
  const fit = () => ({ ...known(0.04)(), hit: { value: 7, low: 3.8, high: 10.2 } })
  const decided = spend({ ...seen(12), cells }, createRandom(1), {
    ...spending(fit),
    grid: [...grid, warm],
    precision: 0.1,
  })
  expect(decided).toHaveProperty(
    'done',
    expect.stringContaining('hit within 46 %, which moves predictions by 5.6 % at most after 12 blocks'),
  )
})

test('a warm cell that brings no sample is asked again in every block up to 12, and the rest of the law is known without it', () => {
  const warm = ask(8192, 8064)
  const own = { ...spending(known(0.04)), grid: [...grid, warm] }
  const cells = (blocks: number) => [...seen(blocks).cells, emptyCell(warm)]
  const random = createRandom(1)
  const asked = [2, 3, 5, 6, 7, 9, 10, 11].map((blocks) =>
    spend({ ...seen(blocks), cells: cells(blocks) }, random, own),
  )
  for (const next of asked) expect('ask' in next && next.ask.filter((each) => each === warm)).toHaveLength(1)
  const decide = (precision: Spending['precision']) =>
    spend({ ...seen(12), cells: cells(12) }, random, { ...own, precision })
  expect(decide(0.05)).toHaveProperty('done', expect.stringMatching(/^base .* as closely as asked/))
  expect(decide({ fresh: 0.05, hit: 0.2 })).toHaveProperty(
    'done',
    expect.stringMatching(/^stopped with fresh known within 4 % after 12 blocks: no sample told hit$/),
  )
})

test('a run that is broken off says what is less closely known than asked, and how closely it was asked', () => {
  const wide = () => ({ ...known(0.02)(), fresh: { value: 45, low: 40, high: 50 } })
  expect(stillWide(seen(7), spending(wide))).toBe(
    'broken off after 7 blocks with base known within 2 %, fresh within 11 % (asked: 5 %)',
  )
  expect(stillWide(seen(13), spending(known(0.04)))).toBeNull()
  expect(stillWide(seen(1), spending(wide))).toBe('broken off before there was a prefill curve')
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

// A bend of 1e-3 µs a token² moves predictions of this law by some 4 % and its slope by a fifth.
test('a straight law may end a run where the largest bend that is not excluded moves predictions less than asked', () => {
  const decide = (blocks: number, width: number, mostUs: number) =>
    spend(seen(blocks), createRandom(1), spending(known(width, mostUs)))
  expect(decide(12, 0.04, 0.0005)).toHaveProperty(
    'done',
    expect.stringMatching(/as closely as asked of a straight law \(a bend could move predictions by/),
  )
  expect(decide(12, 0.04, 0.004)).toHaveProperty('ask')
})

test('a bend is looked for until the straight law is known twice as closely as asked, then it is said that it cannot be told', () => {
  const decide = (width: number) => spend(seen(12), createRandom(1), spending(known(width, 0.004)))
  expect(decide(0.026)).toHaveProperty('ask')
  expect(decide(0.025)).toHaveProperty('done', expect.stringMatching(/whether the law bends cannot be told/))
})

test('three lengths show no bend: none is looked for', () => {
  const few = { ...spending(known(0.04, 0.004)), grid: grid.slice(1) }
  expect(spend(seen(12), createRandom(1), few)).toHaveProperty('done', expect.not.stringContaining('bend'))
})

test('the tail of a warm prompt is a length too, where the server says what it served: with it three lengths show a bend', () => {
  const warm = ask(8192, 8064)
  const decide = (reported: number) => {
    const last = { ...emptyCell(warm), n: 12, ttft: { p50: 460, p90: 460 } }
    const cells = [...seen(12).cells, { ...last, cacheHits: { reported, hits: reported, mostTokens: 8064 } }]
    const few = { ...spending(known(0.04, 0.004)), grid: [...grid.slice(1), warm] }
    return spend({ ...seen(12), cells }, createRandom(1), few)
  }
  expect(decide(12), 'a bend of 4e-3 µs is not excluded').toHaveProperty('ask')
  expect(decide(0)).toHaveProperty('done', expect.not.stringContaining('bend'))
})

test('what a peer adds to the time per token is told by the ends of a grid of concurrencies', () => {
  const streams = [1, 2, 4, 8].map((concurrency) => ({ ...ask(512), outputTokens: 64, concurrency }))
  const cells = streams.map((each) => {
    const tpot = 20 + 0.5 * (each.concurrency - 1)
    return { ...emptyCell(each), n: 13, ttft: { p50: 400, p90: 480 }, tpot: { p50: tpot, p90: 1.1 * tpot } }
  })
  const random = createRandom(1)
  const asked = Array.from({ length: 20 }, () =>
    spend({ ...seen(13), cells }, random, {
      law: 'contention',
      grid: streams.map((each) => ({ ...each, requests: 4 })),
      precision: { tpotPerPeer: 0.1 },
      fit: () => ({}),
    }),
  ).flatMap((next) => ('ask' in next ? next.ask.map(({ concurrency }) => concurrency) : []))
  expect(asked).toHaveLength(60)
  expect(asked.filter((k) => k === 2 || k === 4)).toEqual([])
})

test('a bend that moves fresh by two fifths is kept on the simulated hosted profile, twice of two times', () => {
  for (const seed of [1, 2]) {
    const { halfWidths } = spendOnce('chosen', { base: 0.05, fresh: 0.05 }, `bent/${seed}`, BENT_US)
    expect(halfWidths, String(seed)).toHaveProperty('curve')
  }
})

// The whole figure, over 200 repeats and with its coverage, is `npm run check:spending`.
test('on the simulated hosted profile chosen cells take at most half of the requests of the whole grid', () => {
  const asked = { base: 0.1, fresh: 0.1 }
  const total = (way: 'chosen' | 'whole grid'): number =>
    [1, 2, 3].reduce((sum, seed) => sum + spendOnce(way, asked, `unit/${seed}`).requests, 0)
  expect(total('chosen') / total('whole grid')).toBeLessThanOrEqual(0.5)
})

test('a precision that asks only for what the law does not hold says so, and is no missing curve', () => {
  const asked = (precision: Spending['precision'], blocks: number) =>
    spend(seen(blocks), createRandom(1), { ...spending(known(0.02)), precision })
  expect(asked({ hit: 0.1 }, 12)).toEqual({ done: 'stopped after 12 blocks: no sample told hit' })
  expect(asked({ curve: 0.1 }, 12), 'a bend may still show').toHaveProperty('ask')
  expect(asked({ curve: 0.1 }, 240)).toEqual({ done: 'stopped after 240 blocks: no sample told curve' })
})

test('where no cell tells more than another of what is asked, chance decides', () => {
  const random = createRandom(1)
  const lengths = Array.from({ length: 40 }, (_, i) => {
    const next = spend(seen(13), random, { ...spending(known(0.02)), precision: { curve: 0.1 }, grid })
    return 'ask' in next ? next.ask.map(({ promptTokens }) => promptTokens) : [i]
  }).flat()
  expect(new Set(lengths)).toEqual(new Set([128, 512, 2048, 8192]))
})

test('a parameter that is 0 is held to what it moves, and told as such', () => {
  const warm = [...grid, ask(8192, 8128)]
  const fit = () => ({ ...known(0.02)(), hit: { value: 0, low: 0, high: 0.2 } })
  const cells = [...seen(12).cells, { ...emptyCell(ask(8192, 8128)), n: 12, ttft: { p50: 403, p90: 403 } }]
  const next = spend({ ...seen(12), cells }, createRandom(1), {
    law: 'prefill',
    grid: warm,
    precision: { hit: 0.1 },
    fit,
  })
  expect(next).toHaveProperty(
    'done',
    expect.stringMatching(/^hit known to be 0, which moves predictions by 0\.\d+ % at most after 12 blocks/),
  )
})
