import { expect, test } from 'vitest'
import type { Curve } from '../../src/curve/curve.js'
import { fitCurves } from '../../src/curve/fit-curves.js'
import { prefillRate } from '../../src/curve/prefill-rate.js'
import { createRandom } from '../../src/random/random.js'
import type { Sample } from '../../src/sample/sample.js'
import type { Law } from '../../src/plan/probe.js'
import {
  autoregressive,
  bimodal,
  FRESH_CELLS,
  lognormal,
  NINE_CELLS,
  sample,
  simulatedRun,
  type CellDesign,
  type RunDesign,
} from './simulated-run.js'

const LAW = { base: 400, fresh: 45, hit: 12, step: 10, perContext: 0.5 }
const OUTPUT_CELLS: readonly CellDesign[] = [128, 4096].flatMap((promptTokens) =>
  [32, 256].map((outputTokens) => ({ probe: 'output-length', promptTokens, outputTokens })),
)

function run(design: Partial<RunDesign> & { seed?: string }): Sample[] {
  const random = createRandom(design.seed ?? 'curves')
  return simulatedRun({ law: LAW, cells: NINE_CELLS, blocks: 12, noise: lognormal(0.03), random, ...design })
}

function fit(samples: readonly Sample[], resamples = 199): { curves: Curve[]; kinds: string[] } {
  const { curves, notes } = fitCurves(samples, { random: createRandom('fit'), resamples })
  return { curves, kinds: notes.map(({ law, kind }) => `${law}: ${kind}`) }
}

function curveOf(samples: readonly Sample[], law: Law): Curve {
  const curve = fit(samples).curves.find((candidate) => candidate.law === law)
  if (curve === undefined) throw new Error(`no ${law} curve`)
  return curve
}

test('the law comes back from noise of 1-2 %: base within 2 ms, slope within 3 %, tpot within 2 %', () => {
  for (const [seed, base, fresh] of [
    ['a', 20, 60],
    ['b', 45, 110],
    ['c', 80, 200],
    ['d', 33, 300],
  ] as const) {
    const law = { base, fresh, hit: 5, step: 8, perContext: 0.4 }
    const random = createRandom(seed)
    const samples = simulatedRun({
      law,
      cells: [...NINE_CELLS, ...OUTPUT_CELLS],
      blocks: 12,
      noise: (draw, metric) => Math.exp((metric === 'ttft' ? 0.01 : 0.02) * draw.normal()),
      random,
    })
    const { curves } = fit(samples)
    const [prefill, decode] = curves
    expect(Math.abs(prefill!.parameters['base']!.value - base)).toBeLessThan(2)
    expect(Math.abs(prefill!.parameters['fresh']!.value / fresh - 1)).toBeLessThan(0.03)
    const { step, perContext } = decode!.parameters
    const tpotAt = (context: number): number => step!.value + (perContext!.value * context) / 1000
    for (const context of [144, 1000, 4000]) {
      expect(Math.abs(tpotAt(context) / (8 + (0.4 * context) / 1000) - 1)).toBeLessThan(0.02)
    }
  }
})

test('noise of 5 % leaves the slope within 3 % and tpot within 2 % at 12 blocks', () => {
  const samples = run({ noise: lognormal(0.05), blocks: 40 })
  const [prefill, decode] = fit(samples).curves
  expect(Math.abs(prefill!.parameters['fresh']!.value / 45 - 1)).toBeLessThan(0.03)
  expect(Math.abs(decode!.parameters['step']!.value / 10 - 1)).toBeLessThan(0.02)
})

test('without noise the law is exact and every interval closes on it', () => {
  const { base, fresh, hit } = curveOf(run({ noise: () => 1 }), 'prefill').parameters
  for (const [parameter, truth] of [
    [base, 400],
    [fresh, 45],
    [hit, 12],
  ] as const) {
    expect(parameter!.value).toBeCloseTo(truth, 3)
    expect(parameter!.high - parameter!.low).toBeLessThan(1e-3)
  }
})

test('the same samples and seed give the same curves, in whatever order the samples come', () => {
  const samples = run({ blocks: 6 })
  expect(fit([...samples].reverse())).toEqual(fit(samples))
})

test('failed, warm-up, contradicted, open-loop, own-prompt and concurrent samples leave the prefill curve as it is', () => {
  const samples = run({ blocks: 6 })
  const bad = { ttft: 1e6, tpot: 1e3, promptTokens: 1024, outputTokens: 64, cachedTokens: 0, atMs: 1 }
  const { asked } = sample({})
  const spoilt = [
    sample({ ...bad, outcome: 'stream-error' }),
    sample({ ...bad, warmup: true }),
    sample({ ...bad, cacheState: 'contradicted', cachedTokens: 1000 }),
    sample({ ...bad, asked: { ...asked, cache: 'any' } }),
    sample({ ...bad, asked: { ...asked, concurrency: null, rate: 5 } }),
    sample({ ...bad, ttft: null, tpot: null }),
    sample({ ...bad, asked: { ...asked, concurrency: 4 }, probe: 'load' }),
  ]
  const [prefill, decode] = fit(samples).curves
  const [prefillSpoilt, decodeSpoilt] = fit([...spoilt, ...samples]).curves
  expect(prefillSpoilt!.samples).toBe(prefill!.samples)
  expect(prefillSpoilt!.parameters['base']!.value).toBe(prefill!.parameters['base']!.value)
  expect(decodeSpoilt!.parameters['step']!.value).toBe(decode!.parameters['step']!.value)
})

test('the fit uses the cached tokens that were reported, not those that were asked', () => {
  // The server caches steps of 512: of 896, 1,920 and 8,064 asked tokens it serves 512, 1,536 and 7,680.
  const cells = NINE_CELLS.map((cell) =>
    cell.prefixTokens === undefined
      ? cell
      : { ...cell, prefixTokens: Math.floor(cell.prefixTokens / 512) * 512 },
  )
  const samples = run({ cells }).map((served) =>
    served.asked.cache === 'warm'
      ? { ...served, asked: { ...served.asked, prefixTokens: served.asked.promptTokens - 128 } }
      : served,
  )
  const { hit, fresh } = curveOf(samples, 'prefill').parameters
  expect(Math.abs(fresh!.value / 45 - 1)).toBeLessThan(0.05)
  expect(hit!.low).toBeLessThan(12)
  expect(hit!.high).toBeGreaterThan(12)
})

test('warm samples without a reported count leave base and fresh alone and give an unverified hit', () => {
  const fresh = curveOf(run({ cells: FRESH_CELLS, reportsCache: false }), 'prefill')
  const random = createRandom('warm')
  const warm = simulatedRun({
    law: LAW,
    cells: [{ probe: 'prefix-cache', promptTokens: 8192, prefixTokens: 8064 }],
    blocks: 12,
    noise: lognormal(0.03),
    random,
    reportsCache: false,
  })
  const both = curveOf([...run({ cells: FRESH_CELLS, reportsCache: false }), ...warm], 'prefill')
  expect(both.parameters['base']).toEqual(fresh.parameters['base'])
  expect(both.parameters['fresh']).toEqual(fresh.parameters['fresh'])
  expect(both.parameters['hit']!.unverified).toBe(true)
  expect(Math.abs(both.parameters['hit']!.value - 12)).toBeLessThan(3)
  expect(both.warnings.join()).toContain('unverified')
  expect(fresh.parameters['hit']).toBeUndefined()
})

test('one prompt length gives a note instead of a curve, two give a curve with a warning', () => {
  const one = run({ cells: FRESH_CELLS.slice(0, 1) })
  expect(fit(one).kinds).toEqual(['prefill: one-length'])
  expect(fit(one).curves.map(({ law }) => law)).toEqual(['decode'])
  // Counts that differ by a few tokens are still one length.
  const jittered = one.map((same, i) => ({ ...same, promptTokens: 128 + (i % 5) }))
  expect(fit(jittered).kinds).toEqual(['prefill: one-length'])
  const two = curveOf(run({ cells: FRESH_CELLS.slice(0, 2) }), 'prefill')
  expect(two.warnings.some((warning) => warning.includes('spread by a factor of 2.3'))).toBe(true)
})

test('a single block gives no interval and therefore no curve', () => {
  expect(fit(run({ blocks: 1 }))).toEqual({ curves: [], kinds: ['prefill: one-block', 'decode: one-block'] })
})

test('below 6 blocks a curve carries a warning', () => {
  expect(curveOf(run({ blocks: 5 }), 'prefill').warnings.join()).toContain('only 5 blocks')
  expect(curveOf(run({ blocks: 6 }), 'prefill').warnings.join()).not.toContain('only')
})

test('a quadratic is found on a curved engine and not taken on a straight one', () => {
  const curved = { base: 20, fresh: 60, hit: 2, curve: 0.005, step: 10, perContext: 0 }
  let taken = 0
  for (let repeat = 0; repeat < 10; repeat++) {
    const noise = lognormal(0.03)
    const bent = curveOf(run({ law: curved, cells: FRESH_CELLS, noise, seed: `bent ${repeat}` }), 'prefill')
    expect(Math.abs(bent.parameters['curve']!.value / 0.005 - 1)).toBeLessThan(0.2)
    expect(Math.abs(bent.parameters['base']!.value - 20)).toBeLessThan(2)
    const straight = curveOf(run({ cells: FRESH_CELLS, noise, seed: `straight ${repeat}` }), 'prefill')
    if (straight.parameters['curve'] !== undefined) taken++
  }
  expect(taken).toBeLessThanOrEqual(1)
})

test('where contexts spread by less than 4 the decode law has no slope and says so', () => {
  const narrow = curveOf(run({ cells: FRESH_CELLS.slice(0, 2), law: { ...LAW, perContext: 0 } }), 'decode')
  expect(Object.keys(narrow.parameters)).toEqual(['step'])
  expect(narrow.warnings.join()).toContain('context')
  expect(Object.keys(curveOf(run({}), 'decode').parameters)).toEqual(['step', 'perContext'])
})

test('contention comes back a peer, from two concurrencies up', () => {
  const cells = [1, 2, 4, 8].map((k) => ({ probe: 'concurrency', promptTokens: 512, concurrency: k }))
  const law = { ...LAW, ttftPerPeer: 30, tpotPerPeer: 0.8 }
  const { parameters, validity } = curveOf(run({ cells, law, blocks: 20 }), 'contention')
  expect(Math.abs(parameters['ttftPerPeer']!.value / 30 - 1)).toBeLessThan(0.1)
  expect(Math.abs(parameters['tpotPerPeer']!.value / 0.8 - 1)).toBeLessThan(0.1)
  expect(validity['concurrency']).toEqual([1, 8])
  expect(fit(run({ cells: cells.slice(0, 1) })).kinds).toContain('contention: one-concurrency')
})

test('targets are fitted apart, and one more leaves the others as they were', () => {
  const a = run({ blocks: 6 })
  const b = run({ blocks: 6, target: 'b', law: { ...LAW, base: 40 } })
  const { curves } = fit([...a, ...b])
  expect(curves.map(({ target, law }) => `${target} ${law}`)).toEqual([
    'a prefill',
    'a decode',
    'b prefill',
    'b decode',
  ])
  expect(curves.slice(0, 2)).toEqual(fit(a).curves)
})

test('residual quantiles, range, samples and blocks stand in the curve', () => {
  const curve = curveOf(run({}), 'prefill')
  expect(curve.residual.quantiles).toHaveLength(99)
  expect(Math.abs(curve.residual.sd - 0.03)).toBeLessThan(0.008)
  expect(curve.validity).toEqual({ fresh: [128, 8192], cached: [0, 8064] })
  expect([curve.samples, curve.blocks, curve.regimes]).toEqual([108, 12, 1])
})

test('30 % of the requests 1.6 times slower are two regimes, a lognormal is one', () => {
  const curve = curveOf(run({ noise: bimodal(0.06) }), 'prefill')
  expect(curve.regimes).toBe(2)
  expect(curve.warnings[0]).toMatch(
    /^two regimes: (2|3)\d % of the requests take 1\.\d\d times as long, in spells of 1\.\d/,
  )
  for (const seed of ['one', 'two', 'three']) {
    expect(curveOf(run({ noise: lognormal(0.3), seed }), 'prefill').regimes).toBe(1)
  }
})

test('counts that make no sense are not used', () => {
  const samples = run({ blocks: 6 })
  const odd = samples.map((each) => ({
    ...each,
    promptTokens: 0,
    outputTokens: 0,
    cachedTokens: each.cachedTokens || -5,
  }))
  const { base } = curveOf(odd, 'prefill').parameters
  expect(base).toEqual(curveOf(samples, 'prefill').parameters['base'])
})

test('the prefill rate is a million over fresh, its limits swapped; 0 below leaves it open above', () => {
  const unit = 'us/token' as const
  const fresh = { value: 50, low: 40, high: 80, se: 5, unit }
  expect(prefillRate({ law: 'prefill', parameters: { fresh } })).toEqual({
    value: 20000,
    low: 12500,
    high: 25000,
  })
  expect(prefillRate({ law: 'prefill', parameters: { fresh: { ...fresh, low: 0 } } })?.high).toBeNull()
  expect(prefillRate({ law: 'decode', parameters: { fresh } })).toBeNull()
})

/** Share of runs in which each parameter's interval holds the truth; AR noise is drawn anew for each run. */
function coverage(noise: () => RunDesign['noise'], repeats: number, seed: string): Record<string, number> {
  const random = createRandom(seed)
  const covered: Record<string, number> = {}
  for (let repeat = 0; repeat < repeats; repeat++) {
    const samples = simulatedRun({ law: LAW, cells: NINE_CELLS, blocks: 12, noise: noise(), random })
    const { curves } = fitCurves(samples, { random, resamples: 149, curved: false })
    for (const { law, parameters } of curves) {
      for (const [name, { low, high }] of Object.entries(parameters)) {
        const truth = LAW[name as keyof typeof LAW]
        covered[`${law}.${name}`] = (covered[`${law}.${name}`] ?? 0) + Number(low <= truth && truth <= high)
      }
    }
  }
  return Object.fromEntries(Object.entries(covered).map(([name, count]) => [name, count / repeats]))
}

test('95 % intervals cover at least 93 % under clean noise of 5 %', () => {
  for (const share of Object.values(coverage(() => lognormal(0.05), 150, 'clean'))) {
    expect(share).toBeGreaterThanOrEqual(0.93)
  }
})

test('prefill intervals cover at least 91 % of few repeats under bimodal and autoregressive noise', () => {
  for (const noise of [() => bimodal(0.08), () => autoregressive(0.8, 0.25)]) {
    const shares = coverage(noise, 120, 'rough')
    for (const name of ['base', 'fresh', 'hit'])
      expect(shares[`prefill.${name}`]).toBeGreaterThanOrEqual(0.91)
  }
})
