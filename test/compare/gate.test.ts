/** The gate over simulated runs: how often it alarms without cause, and whether it sees what is there. */
import { expect, test } from 'vitest'
import { compareSnapshots } from '../../src/compare/compare-snapshots.js'
import type { Comparison } from '../../src/compare/comparison.js'
import { verdictOf } from '../../src/compare/verdict-of.js'
import { autoregressive, lognormal, NINE_CELLS } from '../curve/simulated-run.js'
import { LAW, simulatedSnapshot } from './simulated-snapshot.js'

// Interval and se come from few resamples: rough, and not biased.
const QUICK = { resamples: 99 }

const moved = ({ shifts }: Comparison): string[] =>
  shifts
    .filter(({ gated, verdict }) => gated && (verdict === 'worse' || verdict === 'better'))
    .map(({ name }) => name)

// `npm run check:gate` looks at thousands, under more noises.
test('of 80 pairs of equal runs at most 2 alarm, under wide and under correlated noise', () => {
  const cells = NINE_CELLS.filter((_, i) => i % 2 === 0)
  let alarms = 0
  for (const [name, noise] of Object.entries({
    'lognormal .25': () => lognormal(0.25),
    'AR(1) .5': () => autoregressive(0.5, 0.25),
  })) {
    for (let i = 0; i < 40; i++) {
      const [a, b] = ['a', 'b'].map((arm) =>
        simulatedSnapshot(`${name} ${arm} ${i}`, { noise: noise(), cells }, { resamples: 59 }),
      )
      if (moved(compareSnapshots(a!, b!, { resamples: 59 })).length > 0) alarms++
    }
  }
  expect(alarms).toBeLessThanOrEqual(2)
})

test('a shift of 30 % in everything is found in all of 20 pairs of 20 blocks at noise 5 %, and exits 1', () => {
  const slower = { base: 520, fresh: 58.5, hit: 15.6, step: 13, perContext: 0.65 }
  for (let i = 0; i < 20; i++) {
    const base = simulatedSnapshot(`base ${i}`)
    const candidate = simulatedSnapshot(`slower ${i}`, { law: slower })
    const comparison = compareSnapshots(base, candidate, QUICK)
    expect(moved(comparison)).toEqual(expect.arrayContaining(['ttft', 'tpot', 'base']))
    expect(verdictOf(comparison)).toBe(1)
    const back = compareSnapshots(candidate, base, QUICK)
    expect(back.shifts.find(({ name }) => name === 'ttft')?.verdict).toBe('better')
    expect(verdictOf(back)).toBe(0)
  }
})

test('a shift of the base alone is found in the base and not in decode, its interval holding the truth', () => {
  for (let i = 0; i < 10; i++) {
    const base = simulatedSnapshot(`near ${i}`)
    const candidate = simulatedSnapshot(`far ${i}`, { law: { ...LAW, base: 520 } })
    const comparison = compareSnapshots(base, candidate, QUICK)
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
    const same = compareSnapshots(base, simulatedSnapshot(`same ${i}`, { noise }), QUICK)
    const detectable = 1 + same.shifts.find(({ name }) => name === 'tpot')!.detectable!
    const law = { ...LAW, step: LAW.step * detectable, perContext: LAW.perContext * detectable }
    const shifted = compareSnapshots(base, simulatedSnapshot(`same ${i}`, { noise, law }), QUICK)
    if (moved(shifted).includes('tpot')) found++
  }
  expect(found).toBeGreaterThanOrEqual(17)
})
