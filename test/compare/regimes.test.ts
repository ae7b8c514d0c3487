import { expect, test } from 'vitest'
import { compareSnapshots } from '../../src/compare/compare-snapshots.js'
import type { Comparison, Shift } from '../../src/compare/comparison.js'
import { conclude } from '../../src/compare/conclude.js'
import { comparisonModel } from '../../src/report/comparison.js'
import { comparisonMarkdown, comparisonText } from '../../src/report/comparison-text.js'
import { comparisonJunit } from '../../src/report/junit.js'
import { encodeSnapshot, parseSnapshot } from '../../src/snapshot/format.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import type { Random } from '../../src/random/random.js'
import { LAW, simulatedSnapshot } from './simulated-snapshot.js'

const QUICK = { resamples: 99 }

/** A share of the requests takes 1.6 times as long until the first token. */
const slow =
  (share: number) =>
  (random: Random, metric: 'ttft' | 'tpot'): number =>
    Math.exp(0.1 * random.normal()) * (metric === 'ttft' && random.next() < share ? 1.6 : 1)

const shiftOf = ({ shifts }: Comparison, name: string): Shift => {
  const shift = shifts.find((each) => each.name === name)
  if (shift === undefined) throw new Error(`${name} was not tested`)
  return shift
}

const BOTH = simulatedSnapshot('both', { noise: slow(0.3) }, QUICK)

test('a curve of two regimes carries the law of the fast one: base within 3 % of the truth, and says share and ratio', () => {
  const { fast, regimes, parameters } = BOTH.curves.find(({ law }) => law === 'prefill')!
  expect(regimes).toBe(2)
  expect(Math.abs(fast!.parameters['base']!.value / LAW.base - 1)).toBeLessThan(0.03)
  expect(parameters['base']!.value / LAW.base).toBeGreaterThan(1.04)
  expect(Math.abs(fast!.share - 0.3)).toBeLessThan(0.08)
  expect(Math.abs(fast!.ratio - 1.6)).toBeLessThan(0.1)
  expect(fast!.spell).toBeLessThan(2)
})

test('the fast curve is still there when the snapshot is read again', () => {
  const read = parseSnapshot(encodeSnapshot(BOTH), 'x.json')
  if (!read.ok) throw new Error(read.problem.message)
  expect(read.value.curves.map(({ fast }) => fast)).toEqual(BOTH.curves.map(({ fast }) => fast))
})

test('two regimes on both sides, the fast one 25 % slower in base and slopes: ttft and base say so, the share does not', () => {
  const law = { ...LAW, base: 500, fresh: 56.25, hit: 15 }
  const comparison = compareSnapshots(
    BOTH,
    simulatedSnapshot('slower', { noise: slow(0.3), law }, QUICK),
    QUICK,
  )
  const ttft = shiftOf(comparison, 'ttft')
  expect(ttft.verdict).toBe('worse')
  expect(Math.abs(ttft.ratio! - 1.25)).toBeLessThan(0.06)
  expect(shiftOf(comparison, 'base').verdict).toBe('worse')
  expect(shiftOf(comparison, 'slowShare').verdict).not.toBe('worse')
  expect(comparison.notes.join()).toMatch(/two regimes in ttft: .* in the base, .* in the candidate/)
})

test('a slow share that grows from 10 to 60 % is the regression, and the fast level is not', () => {
  const few = simulatedSnapshot('few', { noise: slow(0.1) }, QUICK)
  const many = simulatedSnapshot('many', { noise: slow(0.6) }, QUICK)
  const comparison = compareSnapshots(few, many, QUICK)
  expect(shiftOf(comparison, 'slowShare')).toMatchObject({ verdict: 'worse', kind: 'share', gated: true })
  expect(['same', 'inconclusive']).toContain(shiftOf(comparison, 'ttft').verdict)
  const { sentences, exit } = conclude(comparison)
  expect(exit).toBe(1)
  expect(sentences[0]).toMatch(/^share of slow requests up from [\d.]+ % to \d+ %/)
})

test('two regimes in one arm only: the location is inconclusive and says why, the share is tested', () => {
  const one = simulatedSnapshot('one', { noise: slow(0) }, QUICK)
  const comparison = compareSnapshots(one, BOTH, QUICK)
  for (const name of ['ttft', 'base', 'fresh', 'hit']) {
    expect(shiftOf(comparison, name), name).toMatchObject({ verdict: 'inconclusive' })
    expect(shiftOf(comparison, name).why, name).toContain('two speeds')
    expect(shiftOf(comparison, name).blocksNeeded, 'more blocks would not settle it').toBeNull()
  }
  expect(shiftOf(comparison, 'slowShare').verdict).toBe('worse')
})

/** The first cell asks a question; `wrong` of its answers are wrong. */
function answering(id: string, wrong: number): Snapshot {
  const snapshot = simulatedSnapshot(id, {}, QUICK)
  const asks = snapshot.samples[0]!.cell
  let asked = 0
  return {
    ...snapshot,
    samples: snapshot.samples.map((sample) =>
      sample.cell === asks ? { ...sample, answer: asked++ < wrong ? 'wrong' : 'right' } : sample,
    ),
  }
}

test('wrong answers: 0 of 20 against 12 of 20 is a regression of the canary though every time is equal (Fisher)', () => {
  const comparison = compareSnapshots(answering('a', 0), answering('b', 12), QUICK)
  const canary = shiftOf(comparison, 'canary')
  expect(canary).toMatchObject({ verdict: 'worse', base: 0, candidate: 0.6, blocks: [20, 20] })
  // scipy.stats.fisher_exact([[0, 20], [12, 8]])
  expect(canary.p).toBeCloseTo(4.5e-5, 5)
  expect(conclude(comparison)).toMatchObject({ exit: 1 })
  expect(conclude(comparison).sentences[0]).toContain('wrong answers up from 0 % to 60 %')
  expect(shiftOf(compareSnapshots(answering('a', 1), answering('b', 2), QUICK), 'canary').verdict).not.toBe(
    'worse',
  )
})

test('a run that asks no questions has no canary', () => {
  expect(compareSnapshots(BOTH, BOTH, QUICK).shifts.map(({ name }) => name)).not.toContain('canary')
})

test('the text keeps to 80 columns with regimes, long names and long units; Markdown and JUnit name every gated test', () => {
  const noise = (random: Random): number => Math.exp(0.1 * random.normal()) * (random.next() < 0.3 ? 1.6 : 1)
  const law = { base: 123_456, fresh: 4500, hit: 1200, step: 1234, perContext: 12.5 }
  const [a, b] = ['wide a', 'wide b'].map((id) => simulatedSnapshot(id, { noise, law }, QUICK))
  const conclusion = conclude(compareSnapshots(a!, b!, QUICK))
  const lines = comparisonText(comparisonModel(conclusion)).split('\n')
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  const markdown = comparisonMarkdown(comparisonModel(conclusion))
  const junit = comparisonJunit(conclusion)
  for (const name of [
    'ttft',
    'slowShare',
    'tpot',
    'slowDecode',
    'base',
    'fresh',
    'hit',
    'perContext',
    'errors',
  ]) {
    expect(markdown).toContain(`| ${name} |`)
    expect(junit).toContain(`name="${name}"`)
  }
})
