/** The gate over simulated runs: how often it alarms without cause, and whether it sees what is there. */
import { expect, test } from 'vitest'
import { compareSnapshots } from '../../src/compare/compareSnapshots.js'
import type { Comparison } from '../../src/compare/comparison.js'
import { verdictOf } from '../../src/compare/verdictOf.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { autoregressive, bimodal, lognormal, type RunDesign } from '../curve/simulatedRun.js'
import { LAW, simulatedSnapshot } from './simulatedSnapshot.js'

const moved = ({ shifts }: Comparison): string[] =>
  shifts
    .filter(({ gated, verdict }) => gated && (verdict === 'worse' || verdict === 'better'))
    .map(({ name }) => name)

/** All pairs of runs of one law: none of them may be called different. */
function falseAlarms(
  noise: () => RunDesign['noise'],
  seed: string,
  runs: number,
): { alarms: number; pairs: number } {
  const snapshots = Array.from({ length: runs }, (_, i) =>
    simulatedSnapshot(`${seed} ${i}`, { noise: noise() }),
  )
  const found = pairsOf(snapshots).map(([a, b]) => moved(compareSnapshots(a, b, { resamples: 99 })))
  return { alarms: found.filter((names) => names.length > 0).length, pairs: found.length }
}

const pairsOf = (snapshots: readonly Snapshot[]): [Snapshot, Snapshot][] =>
  snapshots.flatMap((a, i) => snapshots.slice(i + 1).map((b): [Snapshot, Snapshot] => [a, b]))

test('of 276 pairs of equal runs at most 1.5 % alarm, for each of four noises, and 1 % of all', () => {
  let all = 0
  for (const [name, noise] of Object.entries({
    'idle 1 %': () => lognormal(0.01),
    'lognormal .25': () => lognormal(0.25),
    'bimodal 30 % × 1.6': () => bimodal(0.08),
    'AR(1) .5': () => autoregressive(0.5, 0.25),
  })) {
    const { alarms, pairs } = falseAlarms(noise, name, 24)
    expect(pairs).toBe(276)
    expect(alarms / pairs, name).toBeLessThanOrEqual(0.015)
    all += alarms / pairs / 4
  }
  expect(all).toBeLessThanOrEqual(0.01)
})

test('a shift of 30 % in everything is found in all of 20 pairs of 20 blocks at noise 5 %, and exits 1', () => {
  const slower = { base: 520, fresh: 58.5, hit: 15.6, step: 13, perContext: 0.65 }
  for (let i = 0; i < 20; i++) {
    const base = simulatedSnapshot(`base ${i}`)
    const candidate = simulatedSnapshot(`slower ${i}`, { law: slower })
    const comparison = compareSnapshots(base, candidate, { resamples: 99 })
    expect(moved(comparison)).toEqual(expect.arrayContaining(['ttft', 'tpot', 'base']))
    expect(verdictOf(comparison)).toBe(1)
    const back = compareSnapshots(candidate, base, { resamples: 99 })
    expect(back.shifts.find(({ name }) => name === 'ttft')?.verdict).toBe('better')
    expect(verdictOf(back)).toBe(0)
  }
})

test('a shift of the base alone is found in the base and not in decode, its interval holding the truth', () => {
  for (let i = 0; i < 10; i++) {
    const base = simulatedSnapshot(`near ${i}`)
    const candidate = simulatedSnapshot(`far ${i}`, { law: { ...LAW, base: 520 } })
    const comparison = compareSnapshots(base, candidate, { resamples: 99 })
    expect(moved(comparison).filter((name) => name !== 'ttft')).toEqual(['base'])
    const shift = comparison.shifts.find(({ name }) => name === 'base')!
    expect(shift.low).toBeLessThan(1.3)
    expect(shift.high).toBeGreaterThan(1.3)
  }
})

test('a shift as large as what is called detectable is found in at least 17 of 20 pairs', () => {
  let found = 0
  for (let i = 0; i < 20; i++) {
    const noise = lognormal(0.2)
    const base = simulatedSnapshot(`quiet ${i}`, { noise })
    const same = compareSnapshots(base, simulatedSnapshot(`same ${i}`, { noise }), { resamples: 99 })
    const detectable = 1 + same.shifts.find(({ name }) => name === 'tpot')!.detectable!
    const law = { ...LAW, step: LAW.step * detectable, perContext: LAW.perContext * detectable }
    const shifted = compareSnapshots(base, simulatedSnapshot(`same ${i}`, { noise, law }), { resamples: 99 })
    if (moved(shifted).includes('tpot')) found++
  }
  expect(found).toBeGreaterThanOrEqual(17)
})
