import { describe, expect, it } from 'vitest'
import type { Condition } from '../../src/plan/cell.js'
import { learnCorrection, warmUpRequests } from '../../src/run/warm-up.js'
import { sampleOf } from '../snapshot/data.js'

const condition = (promptTokens: number, outputTokens = 64): Condition => ({
  promptTokens,
  prefixTokens: 0,
  outputTokens,
  cache: 'fresh',
  connection: 'reused',
  load: { kind: 'closed', concurrency: 8 },
  requests: 8,
})
const plan = [
  { target: 'a', condition: condition(8192) },
  { target: 'a', condition: condition(128) },
  { target: 'a', condition: condition(2048, 4) },
  { target: 'b', condition: condition(32) },
]
const lengths = (count: number, isExact: boolean, planned = plan): number[] =>
  warmUpRequests('a', planned, count, isExact).map((request) => request.condition.promptTokens)

describe('warm-up', () => {
  it.each([
    [0, true, []],
    [2, true, [128, 128]],
    [1, false, [128, 8192]],
    [4, false, [128, 8192, 128, 8192]],
  ])('%i asked, tokenizer exact %s: lengths %j', (count, isExact, expected) => {
    expect(lengths(count, isExact)).toEqual(expected)
  })

  it('one length alone gets a second one at least 128 tokens away, or ratio and overhead could not be told apart', () => {
    const [first, second] = lengths(2, false, [{ target: 'a', condition: condition(512) }])
    expect(first).toBe(512)
    expect(Math.abs(second! - 512)).toBeGreaterThanOrEqual(128)
  })

  it('goes one at a time and fresh, with no more output than the plan asks for', () => {
    const [request] = warmUpRequests('a', plan, 1, true)
    expect(request?.condition).toMatchObject({
      cache: 'fresh',
      outputTokens: 4,
      requests: 1,
      load: { kind: 'closed', concurrency: 1 },
    })
  })
})

describe('what the warm-up teaches', () => {
  const sent = new Map([
    ['s-000001', 100],
    ['s-000002', 1000],
  ])
  const reports = (number: number, promptTokens: number, over = {}) =>
    sampleOf(number, { promptTokens, ...over })

  it('1.3 × + 11 comes back from two lengths', () => {
    const { ratio, overhead, pairs } = learnCorrection([reports(1, 141), reports(2, 1311)], sent)
    expect({ ratio, overhead, pairs }).toEqual({
      ratio: expect.closeTo(1.3),
      overhead: expect.closeTo(11),
      pairs: 2,
    })
  })

  it('failed requests, counted tokens and requests of the plan teach nothing', () => {
    const samples = [
      reports(1, 141, { outcome: 'timeout' }),
      reports(2, 1311, { tokenSource: 'counted' }),
      reports(3, 500),
    ]
    expect(learnCorrection(samples, sent)).toEqual({ overhead: 0, ratio: 1, pairs: 0 })
  })
})
