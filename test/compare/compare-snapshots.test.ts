import { expect, test } from 'vitest'
import { compareSnapshots } from '../../src/compare/compare-snapshots.js'
import type { Comparison, Shift } from '../../src/compare/comparison.js'
import { judge } from '../../src/compare/judge.js'
import { sentences } from '../../src/compare/sentences.js'
import { verdictOf } from '../../src/compare/verdict-of.js'
import type { Effect } from '../../src/compare/effect.js'
import { summarise } from '../../src/run/summarise.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { FRESH_CELLS, lognormal, NINE_CELLS } from '../curve/simulated-run.js'
import { LAW, simulatedSnapshot, snapshotOf, targetOf } from './simulated-snapshot.js'

const base = simulatedSnapshot('base')
const candidate = simulatedSnapshot('candidate')
const quick = { resamples: 49 }

function shiftOf({ shifts }: Comparison, name: string): Shift {
  const shift = shifts.find((each) => each.name === name)
  if (shift === undefined) throw new Error(`no ${name} in ${shifts.map((each) => each.name).join()}`)
  return shift
}

test('two equal quiet runs: ttft, tpot, base and step are shown to be the same, exit 0', () => {
  const comparison = compareSnapshots(base, candidate, quick)
  for (const name of ['ttft', 'tpot', 'base', 'step']) expect(shiftOf(comparison, name).verdict).toBe('same')
  expect(shiftOf(comparison, 'step').gated).toBe(false)
  expect(comparison.family).toBe(9)
  expect(shiftOf(comparison, 'e2e').gated).toBe(false)
  expect(verdictOf(comparison)).toBe(0)
  const text = sentences(comparison)
  expect(text[0]).toBe(
    'decode unchanged, network and front end unchanged, time to first token unchanged, errors unchanged',
  )
  expect(text.at(-1)).toMatch(
    /^no regression; shifts below 6\.\d % are not excluded \(in prefill below \d+ %, in cached prefill (below \d+ %|of any size), in cost of context/,
  )
})

test('a comparison is the same each time', () => {
  expect(compareSnapshots(base, candidate, quick)).toEqual(compareSnapshots(base, candidate, quick))
})

test('a snapshot against itself shifts by nothing at all', () => {
  const comparison = compareSnapshots(base, base, quick)
  for (const { d, kind } of comparison.shifts.map((shift) => ({ d: shift.ratio, kind: shift.kind }))) {
    if (kind !== 'share') expect(d).toBe(1)
  }
  expect(comparison.notes.join()).not.toContain('within-run')
})

test('a slower prefill is told first, with its size and interval; decode and network are unchanged', () => {
  const slow = simulatedSnapshot('slow', { law: { ...LAW, fresh: 45 * 1.5 } })
  const comparison = compareSnapshots(base, slow, quick)
  expect(sentences(comparison)[0]).toMatch(
    /prefill is (4|5)\d % slower \(\d+-\d+ %\).*decode unchanged, network and front end unchanged/,
  )
  expect(verdictOf(comparison)).toBe(1)
  // Where: long fresh prompts, and no cell is listed under a metric that did not shift.
  const explaining = comparison.cells.filter(({ explains }) => explains)
  expect(explaining.every(({ metric }) => metric === 'ttft' || metric === 'e2e')).toBe(true)
  expect(explaining.map(({ cell }) => cell)).toContain('prompt-length/8192/64/0/1')
})

test('cell by cell: the ratio of the medians with an interval that holds it', () => {
  const comparison = compareSnapshots(base, candidate, quick)
  expect(comparison.cells).toHaveLength(27)
  for (const { ratio, low, high, base: ours } of comparison.cells) {
    expect(ours.n).toBe(20)
    expect(low).toBeLessThanOrEqual(ratio)
    expect(high).toBeGreaterThanOrEqual(ratio)
    expect(Math.abs(ratio - 1)).toBeLessThan(0.1)
  }
})

test('with 5 blocks everything is inconclusive, exit 4, and the blocks it takes are named', () => {
  const few = simulatedSnapshot('few', { blocks: 5 })
  const comparison = compareSnapshots(base, few, quick)
  expect(shiftOf(comparison, 'ttft')).toMatchObject({ verdict: 'inconclusive', detectable: null })
  expect(shiftOf(comparison, 'ttft').blocksNeeded).toBeGreaterThanOrEqual(6)
  expect(verdictOf(comparison)).toBe(4)
  expect(sentences(comparison).at(-1)).toMatch(
    /^inconclusive: a shift of 25 % in ttft .* it takes about \d+ blocks$/,
  )
})

test('noise that hides a shift of 25 % gives 4 by default and 0 where the scenario asks for less', () => {
  const noisy = { blocks: 8, noise: lognormal(0.8) }
  const comparison = compareSnapshots(simulatedSnapshot('n1', noisy), simulatedSnapshot('n2', noisy), quick)
  expect(verdictOf(comparison)).toBe(4)
  const needed = shiftOf(comparison, 'ttft').blocksNeeded!
  expect(needed).toBeGreaterThan(8)
  const lenient = compareSnapshots(simulatedSnapshot('n1', noisy), simulatedSnapshot('n2', noisy), {
    ...quick,
    detect: { ttft: 5 },
  })
  expect(verdictOf(lenient)).toBe(0)
  // As many blocks as were named do settle it.
  const enough = { ...noisy, blocks: needed }
  const settled = compareSnapshots(simulatedSnapshot('n3', enough), simulatedSnapshot('n4', enough), quick)
  expect(shiftOf(settled, 'ttft').detectable).toBeLessThan(0.4)
})

test('a metric named under detect is gated; a margin of its own decides what matters', () => {
  const slow = simulatedSnapshot('slower', { law: { ...LAW, base: 440 } })
  const gated = compareSnapshots(base, slow, { ...quick, detect: { e2e: 0.5 } })
  expect(shiftOf(gated, 'e2e').gated).toBe(true)
  expect(shiftOf(gated, 'base').verdict).toBe('worse')
  const lenient = compareSnapshots(base, slow, { ...quick, margins: { ttft: 0.2, base: 0.2, e2e: 0.2 } })
  expect(shiftOf(lenient, 'base').verdict).toBe('same')
  expect(verdictOf(lenient)).toBe(0)
})

test('other definitions, another tokenizer, an overloaded client, no common target or cell: exit 5 with the reason', () => {
  const { provenance, instrument } = candidate
  const definitions = { ...provenance.definitions, ttft: 'ttft/2' }
  const rows: [string, Snapshot, string][] = [
    ['definition', { ...candidate, provenance: { ...provenance, definitions } }, 'ttft/1 against ttft/2'],
    ['tokenizer', { ...candidate, targets: [{ ...targetOf('a'), tokenizer: 'cl100k_base' }] }, 'cl100k_base'],
    [
      'overloaded',
      { ...candidate, instrument: { ...instrument, overloaded: true } },
      'bottleneck in candidate',
    ],
    ['no-common-target', { ...candidate, targets: [targetOf('z')] }, '--pair'],
    [
      'no-common-cell',
      simulatedSnapshot('other', { cells: [{ probe: 'x', promptTokens: 9 }] }),
      'no cell in common',
    ],
  ]
  for (const [kind, other, words] of rows) {
    const comparison = compareSnapshots(base, other, quick)
    expect(comparison.refusals.map((refusal) => refusal.kind)).toEqual([kind])
    expect(verdictOf(comparison)).toBe(5)
    expect(comparison.shifts).toEqual([])
    expect(sentences(comparison)[0]).toContain(words)
  }
})

test('cells that only one side has are listed, and the rest is compared on curves of the common cells', () => {
  const more = simulatedSnapshot('more', { cells: [...NINE_CELLS, { probe: 'new', promptTokens: 64 }] })
  const fewer = simulatedSnapshot('fewer', { cells: NINE_CELLS.slice(1) })
  const comparison = compareSnapshots(fewer, more, quick)
  expect(comparison.unmatched).toEqual({
    base: [],
    candidate: ['a new/64/64/0/1', 'a prompt-length/128/64/0/1'],
  })
  expect(shiftOf(comparison, 'base').candidate).not.toBe(more.curves[0]!.parameters['base']!.value)
  expect(shiftOf(comparison, 'base').verdict).toBe('same')
})

test('two targets of one snapshot are paired by name, other tokenizers being a note then', () => {
  const a = simulatedSnapshot('pa')
  const b = simulatedSnapshot('pb', { target: 'b', law: { ...LAW, step: 14 } })
  const both = snapshotOf('both', [...a.samples, ...b.samples])
  const targets = [targetOf('a'), { ...targetOf('b'), tokenizer: 'cl100k_base' }]
  const pair = { base: 'a', candidate: 'b' }
  const comparison = compareSnapshots({ ...both, targets }, { ...both, targets }, { ...quick, pairs: [pair] })
  expect(comparison.refusals).toEqual([])
  expect(shiftOf(comparison, 'tpot').verdict).toBe('worse')
  expect(shiftOf(comparison, 'base').verdict).toBe('same')
  expect(sentences(comparison)[0]).toMatch(/^b against a: decode is (3|4)\d % slower/)
  expect(comparison.notes.join()).toContain('equal lengths are not equal texts')
  expect(comparison.notes.join()).not.toContain('within-run')
  const missing = compareSnapshots(both, both, { ...quick, pairs: [{ base: 'a', candidate: 'c' }] })
  expect(missing.refusals[0]?.message).toBe('both has no target c; it has a, b')
})

test('a rise of errors is a regression, failed samples stay out of latency, what we stopped ourselves is no error', () => {
  const failed = (outcome: 'http-5xx' | 'aborted', every: number): Snapshot =>
    snapshotOf(
      outcome,
      candidate.samples.map((each, i) =>
        i % every === 0 ? { ...each, outcome, ttft: 1e6, tpot: 1e6, e2e: null } : each,
      ),
    )
  const worse = compareSnapshots(base, failed('http-5xx', 10), quick)
  expect(shiftOf(worse, 'errors')).toMatchObject({ verdict: 'worse', base: 0, candidate: 0.1 })
  expect(shiftOf(worse, 'ttft').verdict).toBe('same')
  expect(verdictOf(worse)).toBe(1)
  expect(sentences(worse)[0]).toContain('errors up from 0 % to 10 %')
  expect(shiftOf(compareSnapshots(base, failed('aborted', 10), quick), 'errors').verdict).toBe('same')
})

test('an unverified hit is shown and not gated, a parameter held at 0 is inconclusive', () => {
  const unproven = { reportsCache: false }
  const comparison = compareSnapshots(
    simulatedSnapshot('u1', unproven),
    simulatedSnapshot('u2', unproven),
    quick,
  )
  expect(shiftOf(comparison, 'hit')).toMatchObject({ gated: false, pHolm: null })
  const flat = { law: { ...LAW, perContext: -0.2 } }
  const held = compareSnapshots(simulatedSnapshot('h1', flat), simulatedSnapshot('h2', flat), quick)
  expect(shiftOf(held, 'perContext').why).toContain('held at 0')
})

test('where one law is curved and the other straight, both are refitted as lines', () => {
  const law = { ...LAW, base: 20, hit: 2, curve: 0.004 }
  const cells = FRESH_CELLS
  const curved = simulatedSnapshot('curved', { law, cells, noise: lognormal(0.02) })
  const straight = simulatedSnapshot('straight', { law: { ...law, curve: 0 }, cells, noise: lognormal(0.02) })
  expect(curved.curves[0]!.parameters['curve']).toBeDefined()
  expect(straight.curves[0]!.parameters['curve']).toBeUndefined()
  const comparison = compareSnapshots(straight, curved, quick)
  expect(comparison.shifts.map(({ name }) => name)).not.toContain('curve')
  expect(shiftOf(comparison, 'fresh').verdict).toBe('worse')
})

test('a probe with far fewer blocks is left out of the test, and it is said', () => {
  const short = (id: string): Snapshot => {
    const other = simulatedSnapshot(`${id} short`, {
      cells: [{ probe: 'short', promptTokens: 99 }],
      blocks: 4,
    })
    return snapshotOf(id, [...simulatedSnapshot(`${id} long`).samples, ...other.samples])
  }
  const comparison = compareSnapshots(short('s1'), short('s2'), quick)
  expect(shiftOf(comparison, 'ttft').blocks).toEqual([20, 20])
  expect(comparison.notes.join()).toContain('tested without short/99')
})

test('snapshots without samples are not tested and nothing is claimed', () => {
  const bare = { ...base, samples: [], summary: summarise(base.samples) }
  const comparison = compareSnapshots(bare, { ...bare, id: 'bare' }, quick)
  expect(comparison.notes.join()).toContain('holds no samples')
  expect(verdictOf(comparison)).toBe(4)
})

const effect = (name: string, p: number, d = 0.3): Effect => ({
  pair: { base: 'a', candidate: 'a' },
  name,
  kind: 'metric',
  gated: true,
  why: null,
  base: 1,
  candidate: 1,
  unit: 'ms',
  scale: 'log',
  d,
  se: 0.05,
  df: 38,
  f: 1,
  gEff: 20,
  blocks: [20, 20],
  hodgesLehmann: d,
  p,
})

test('Holm at 1 % in a family of nine, whatever was measured: p .001 and .0012 are rejected, .002 is not', () => {
  const names = (effects: readonly Effect[]): string[] =>
    judge(effects, { margins: {}, detect: {} })
      .shifts.filter(({ verdict }) => verdict === 'worse')
      .map(({ name }) => name)
  // .01 ÷ 9 = .00111 for the smallest, .01 ÷ 8 = .00125 for the next, .01 ÷ 7 = .00143 for the third.
  expect(names([effect('x', 0.002), effect('y', 0.001), effect('z', 0.0012)])).toEqual(['y', 'z'])
  expect(names([effect('x', 0.0014), effect('y', 0.001), effect('z', 0.0012)])).toEqual(['x', 'y', 'z'])
  expect(names([effect('z', 0.0012)])).toEqual([])
  // A second pair of targets doubles the family.
  const other = { ...effect('w', 0.9, 0), pair: { base: 'b', candidate: 'b' } }
  expect(names([effect('y', 0.001), other])).toEqual([])
  expect(names([effect('y', 0.0005), other])).toEqual(['y'])
})

test('a rejected shift inside the margin is no regression', () => {
  const small = { ...effect('ttft', 1e-6, 0.03), se: 0.004 }
  const judged = (margin: number): string | undefined =>
    judge([small], { margins: { ttft: margin }, detect: {} }).shifts[0]?.verdict
  expect(judged(0.05)).toBe('same')
  expect(judged(0.02)).toBe('worse')
})
