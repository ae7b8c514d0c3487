import { describe, expect, it } from 'vitest'
import { toCondition } from '../../src/plan/cell.js'
import { cellsSeen, summarise } from '../../src/run/summarise.js'
import type { Sample } from '../../src/sample/sample.js'
import { sampleOf } from '../snapshot/data.js'

/** So many samples, 1 s apart, of 200 ms each. */
const samples = (count: number, change: (i: number) => Partial<Sample> = () => ({})): Sample[] =>
  Array.from({ length: count }, (_, i) =>
    sampleOf(i, {
      block: i,
      atMs: 1000 * i,
      ttft: 100 + i,
      tpot: 10,
      e2e: 200,
      outputTokens: 20,
      ...change(i),
    }),
  )

describe('summary rows', () => {
  it('5 good, 1 contradicted, 2 failed, 1 of the warm-up: n is 5, each of the others is counted by kind', () => {
    const [row, ...others] = summarise([
      ...samples(5),
      sampleOf(6, { cacheState: 'contradicted', ttft: 1 }),
      sampleOf(7, { outcome: 'timeout', ttft: 90_000 }),
      sampleOf(8, { outcome: 'http-429', ttft: null }),
      sampleOf(9, { warmup: true, ttft: 2 }),
    ])
    expect(others).toEqual([])
    expect(row).toMatchObject({
      n: 5,
      errors: { timeout: 1, 'http-429': 1 },
      cacheStates: { confirmed: 5, contradicted: 1, unverified: 0 },
    })
    expect(row?.ttft?.p50).toBe(102)
  })

  it.each([
    [5, false, false, false],
    [6, true, false, false],
    [28, true, false, false],
    [29, true, true, false],
    [298, true, true, false],
    [299, true, true, true],
  ])('n = %i carries an interval of the median: %s, a p90: %s, a p99: %s', (n, interval, p90, p99) => {
    const ttft = summarise(samples(n))[0]?.ttft
    expect([ttft?.p50Low !== null, ttft?.p90 !== null, ttft?.p99 !== null]).toEqual([interval, p90, p99])
  })

  it('requests and tokens per second count the time of the visits, not the pauses between them', () => {
    const [row] = summarise(samples(10))
    expect(row?.requestsPerS).toBeCloseTo(1 / 0.2)
    expect(row?.outputTokensPerS).toBeCloseTo(20 / 0.2)
  })

  it('four at once in one block are four times as many per second', () => {
    const [row] = summarise(samples(8, (i) => ({ block: i >> 2, atMs: 1000 * (i >> 2) })))
    expect(row?.requestsPerS).toBeCloseTo(4 / 0.2)
  })

  it('the same cell on two targets is two rows', () => {
    const rows = summarise(samples(4, (i) => ({ target: i % 2 === 0 ? 'a' : 'b' })))
    expect(rows.map(({ target, n }) => [target, n])).toEqual([
      ['a', 2],
      ['b', 2],
    ])
  })
})

describe('what an adaptive probe sees', () => {
  it('a server that leaves zeros out has reported its 4 misses: hits 0 of 4; one that reports nothing 0 of 0', () => {
    const ask = { promptTokens: 4672, prefixTokens: 4608, outputTokens: 2, cache: 'warm' } as const
    const condition = toCondition({ ...ask, search: true }, { kind: 'closed', concurrency: 1 })
    const hitsOf = (cacheState: Sample['cacheState']) => {
      const of = samples(4, () => ({ cell: 'c', cacheState, cachedTokens: undefined }))
      return cellsSeen(of, new Map([['c', condition]]))[0]?.cacheHits
    }
    expect(hitsOf('contradicted')).toEqual({ reported: 4, hits: 0, mostTokens: 0 })
    expect(hitsOf('unverified')).toEqual({ reported: 0, hits: 0, mostTokens: 0 })
  })
})
