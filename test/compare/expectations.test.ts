import { expect, test } from 'vitest'
import { evaluateExpectations, type ExpectationResult } from '../../src/compare/expectations.js'
import { summarise } from '../../src/run/summarise.js'
import { parseExpectation } from '../../src/scenario/expectation.js'
import type { Sample } from '../../src/sample/sample.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { sample } from '../curve/simulated-run.js'
import { simulatedSnapshot, snapshotOf } from './simulated-snapshot.js'

function evaluate(text: string, snapshot: Snapshot, baseline?: Snapshot): ExpectationResult {
  const parsed = parseExpectation(text)
  if (!parsed.ok) throw new Error(parsed.message)
  return evaluateExpectations([parsed.expectation], snapshot, baseline)[0]!
}

function whole(id: string, samples: readonly Sample[]): Snapshot {
  return snapshotOf(id, samples, { change: { summary: summarise(samples) } })
}

/** 100 samples of 1 to 100 ms at 1,024 tokens, and ten of 1 s at 8,192. */
const { asked } = sample({})
const SAMPLES = [
  ...Array.from({ length: 100 }, (_, i) => sample({ ttft: i + 1, atMs: i, block: i, cell: 'short' })),
  ...Array.from({ length: 10 }, (_, i) =>
    sample({ ttft: 1000, atMs: 200 + i, block: i, cell: 'long', asked: { ...asked, promptTokens: 8192 } }),
  ),
]
const run = whole('run', SAMPLES)

test('a quantile is taken over the successful samples whose cell fits every key', () => {
  // Type 8: the position of p95 among 100 is 95.65.
  const p95 = evaluate('ttft{promptTokens=1024,cache=fresh}.p95 < 96 ms', run)
  expect(p95).toMatchObject({ met: true, n: 100, why: null })
  expect(p95.observed).toBeCloseTo(95.65, 6)
  expect(evaluate('ttft{promptTokens=1024}.p95 < 95 ms', run).met).toBe(false)
  expect(evaluate('ttft{promptTokens=8192}.p50 >= 1 s', run)).toMatchObject({ met: true, n: 10 })
  expect(evaluate('ttft.max <= 1000 ms', run)).toMatchObject({ met: true, n: 110, observed: 1000 })
  expect(evaluate('ttft{promptTokens=1024}.mean < 50.4 ms', run)).toMatchObject({
    met: false,
    observed: 50.5,
  })
})

test('a quantile beyond what the number of samples carries is judged and called rough', () => {
  expect(evaluate('ttft{promptTokens=8192}.p95 < 2 s', run)).toMatchObject({
    met: true,
    why: 'rough: 10 samples, and p95 takes 59',
  })
})

test('what was not measured is not met; what cannot be judged is neither', () => {
  expect(evaluate('ttft{promptTokens=77}.p50 < 1 s', run)).toMatchObject({
    met: false,
    observed: null,
    why: 'no successful sample matches',
  })
  expect(evaluate('ttft.p50 < 1 s', { ...run, samples: [] })).toMatchObject({ met: null })
  expect(evaluate('goodput > 90%', run).met).toBeNull()
  expect(evaluate('connect.p50 < 1 s', run)).toMatchObject({ met: false, n: 0 })
})

test('warm-up, failed and contradicted samples are in no latency; failures are in the share of errors', () => {
  const bad = { ttft: 1e6, cell: 'short' }
  const spoilt = whole('spoilt', [
    ...SAMPLES,
    sample({ ...bad, warmup: true, outcome: 'timeout' }),
    sample({ ...bad, cacheState: 'contradicted' }),
    sample({ ...bad, outcome: 'http-429' }),
    sample({ ...bad, outcome: 'aborted' }),
  ])
  expect(evaluate('ttft.max <= 1 s', spoilt).met).toBe(true)
  // One of 110 good, 1 contradicted and 1 failed; what we stopped ourselves is no try.
  expect(evaluate('errors < 1%', spoilt)).toMatchObject({ met: true, observed: 1 / 112, n: 112 })
  expect(evaluate('errors{promptTokens=1024} < 0.9%', spoilt)).toMatchObject({ met: false, n: 102 })
})

test('a prefill rate comes from the curve, of several targets the worst decides', () => {
  const a = simulatedSnapshot('a')
  const b = simulatedSnapshot('b', {
    target: 'b',
    law: { base: 400, fresh: 90, hit: 10, step: 10, perContext: 1 },
  })
  const both = whole('both', [...a.samples, ...b.samples])
  expect(evaluate('prefillRate{target=a} > 20k', both).met).toBe(true)
  expect(evaluate('prefillRate > 20k', both)).toMatchObject({
    met: false,
    n: 2,
    why: 'the worst of 2 prefill curves',
  })
  expect(evaluate('prefillRate{target=c} > 20k', both)).toMatchObject({
    met: false,
    why: 'no prefill curves match',
  })
})

test('against the baseline either side of the distance fails, and without one nothing is judged', () => {
  const shifted = (factor: number): Snapshot =>
    whole(
      `x${factor}`,
      SAMPLES.map((each) => ({ ...each, ttft: each.ttft! * factor })),
    )
  const text = 'ttft.p50 within 10% of baseline'
  expect(evaluate(text, shifted(1.09), run)).toMatchObject({ met: true, reference: 55.5 })
  expect(evaluate(text, shifted(1.11), run).met).toBe(false)
  expect(evaluate(text, shifted(0.89), run).met).toBe(false)
  expect(evaluate(text, run)).toMatchObject({ met: null, reference: null })
  const definitions = { ...run.provenance.definitions, ttft: 'ttft/0' }
  const old = { ...run, provenance: { ...run.provenance, definitions } }
  expect(evaluate(text, run, old)).toMatchObject({
    met: null,
    why: 'ttft meant something else in the baseline',
  })
})
