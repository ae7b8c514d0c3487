/** How often the gate alarms over two equal runs, and whether it reports a shift of the size that it calls detectable. */
import { compareSnapshots } from '../../src/compare/compare-snapshots.js'
import type { Comparison, Shift } from '../../src/compare/comparison.js'
import { createRandom } from '../../src/random/random.js'
import type { Sample } from '../../src/sample/sample.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { LAW, snapshotOf } from '../compare/simulated-snapshot.js'
import { NINE_CELLS, simulatedRun, type TrueLaw } from '../curve/simulated-run.js'
import { batches, type Batch, type Check } from './check.js'
import { chosenRun } from './chosen-run.js'
import { GATE_NOISES, type NamedNoise } from './noises.js'

interface Job extends Batch {
  noise: string
}

/** Counts over pairs of one noise. */
interface Result {
  noise: string
  pairs: number
  /** Equal runs of which something gated was called better or worse; and of which a test rejected, whatever the size. */
  alarms: number
  rejected: number
  /** Equal runs of which time to first token was told although its blocks hang together too much to be counted. */
  told: number
  /** Which tests alarmed. */
  by: Record<string, number>
  /** Equal runs in which two regimes were seen on both sides, and on one. */
  regimes: [number, number]
  seen: Record<Seen, Power>
}

interface Power {
  detectable: number[]
  /** Nothing could have been told, whatever the shift: too few effective blocks, or regimes on one side only. */
  untold: number
  /** Pairs with a true shift of the size called detectable: those called worse, and those left inconclusive. */
  reported: number
  inconclusive: number
}

const SEEN = ['ttft', 'tpot'] as const
type Seen = (typeof SEEN)[number]

/** Runs that choose their cells and end when the curve is known so closely: blocks of about half of the cells. */
const PRECISION = { base: 0.1, fresh: 0.2 }
const CHOSEN: readonly NamedNoise[] = ['lognormal .25', 'bimodal 30 % x 1.6', 'AR(1) 0.5, 0.25'].map(
  (name) => ({
    ...noiseOf(GATE_NOISES, name),
    name: `precision: ${name}`,
  }),
)
const SETTINGS: readonly NamedNoise[] = [...GATE_NOISES, ...CHOSEN]

function noiseOf(noises: readonly NamedNoise[], name: string): NamedNoise {
  const noise = noises.find((each) => each.name === name)
  if (noise === undefined) throw new Error(`no noise is called ${name}`)
  return noise
}

const BLOCKS = 20
// Three times fewer than by default: standard errors scatter a little more, which makes false alarms no fewer.
const RESAMPLES = 299
const FAILED = 0.015
const WRONG = 0.05

function work({ noise: name, from, to }: Job): Result {
  const noise = noiseOf(SETTINGS, name)
  const power = (): Power => ({ detectable: [], untold: 0, reported: 0, inconclusive: 0 })
  const result: Result = {
    noise: name,
    pairs: to - from,
    alarms: 0,
    rejected: 0,
    told: 0,
    by: {},
    regimes: [0, 0],
    seen: { ttft: power(), tpot: power() },
  }
  for (let pair = from; pair < to; pair++) {
    const base = runOf(`${name}/${pair}/base`, noise, LAW)
    const same = compared(base, runOf(`${name}/${pair}/candidate`, noise, LAW))
    tally(result, same)
    const detectable = { ttft: detectableOf(same, 'ttft'), tpot: detectableOf(same, 'tpot') }
    const slower = slowed(LAW, 1 + (detectable.ttft ?? 0), 1 + (detectable.tpot ?? 0))
    // The same noise again: the figure speaks of these very runs.
    const shifted = compared(base, runOf(`${name}/${pair}/candidate`, noise, slower))
    for (const metric of SEEN) {
      const own = result.seen[metric]
      const size = detectable[metric]
      if (size === null) own.untold++
      else own.detectable.push(size)
      const verdict = shiftOf(shifted, metric)?.verdict
      if (size === null || verdict === 'inconclusive') own.inconclusive++
      else if (verdict === 'worse') own.reported++
    }
  }
  return result
}

const compared = (base: Snapshot, candidate: Snapshot): Comparison =>
  compareSnapshots(base, candidate, { resamples: RESAMPLES })

function runOf(seed: string, noise: NamedNoise, law: TrueLaw): Snapshot {
  const random = createRandom(seed)
  const cells = NINE_CELLS
  const design = { law, random: random.fork('times'), noise: noise.make(cells.length) }
  const samples = CHOSEN.includes(noise)
    ? chosenRun({ ...design, grid: cells, precision: PRECISION })
    : simulatedRun({ ...design, cells, blocks: BLOCKS })
  const luck = random.fork('failures')
  return snapshotOf(
    seed,
    samples.map((sample) => withLuck(sample, luck.next() < FAILED, luck.next() < WRONG)),
    { resamples: RESAMPLES },
  )
}

/** A third of the cells ask a question. */
function withLuck(sample: Sample, failed: boolean, wrong: boolean): Sample {
  if (failed) return { ...sample, outcome: 'http-5xx', status: 503, ttft: null, tpot: null, e2e: null }
  const asks = sample.asked.promptTokens < 1000
  return asks ? { ...sample, answer: wrong ? 'wrong' : 'right' } : sample
}

const slowed = (law: TrueLaw, ttft: number, tpot: number): TrueLaw => ({
  base: law.base * ttft,
  fresh: law.fresh * ttft,
  hit: law.hit * ttft,
  step: law.step * tpot,
  perContext: law.perContext * tpot,
})

function tally(result: Result, { shifts, level, notes }: Comparison): void {
  const gated = shifts.filter((shift) => shift.gated)
  const alarms = gated.filter(({ verdict }) => verdict === 'better' || verdict === 'worse')
  if (alarms.length > 0) result.alarms++
  for (const { name } of alarms) result.by[name] = (result.by[name] ?? 0) + 1
  if (gated.some(({ pHolm, why }) => why === null && pHolm !== null && pHolm <= level)) result.rejected++
  if (
    gated.some(({ name, verdict, gEff }) => name === 'ttft' && (gEff ?? 6) < 6 && verdict !== 'inconclusive')
  )
    result.told++
  const note = notes.find((each) => each.includes('two regimes'))
  if (note !== undefined) result.regimes[note.includes('the fast ones are compared') ? 0 : 1]++
}

const shiftOf = ({ shifts }: Comparison, name: string): Shift | undefined =>
  shifts.find((shift) => shift.name === name)
const detectableOf = (comparison: Comparison, name: string): number | null =>
  shiftOf(comparison, name)?.detectable ?? null

const MOST_ALARMS = { pooled: 0.01, each: 0.015 }
const LEAST_REPORTED = 0.95

/** Share of pairs that may end inconclusive. */
function mostInconclusive(noise: string): number {
  return noise.startsWith('slow spells') || noise.startsWith('AR(1) 0.8') ? 0.3 : 0.15
}

/** Runs that creep are looked at for false alarms only: they are known to be too much alike to be judged by their number. */
const creeps = (noise: string): boolean => noise.startsWith('AR(1) 0.9')

const isPooled = (noise: string): boolean => !creeps(noise) && !CHOSEN.some((chosen) => chosen.name === noise)

function report(results: readonly Result[], pairs: number): { lines: string[]; broken: string[] } {
  const broken: string[] = []
  const lines = [
    'equal runs: false alarms, and rejections before the margin, %; regimes seen on both sides and on one, %',
    'with a shift of the size called detectable (median, %): inconclusive, %; reported of those that could tell, %',
  ]
  let alarms = 0
  const names = SETTINGS.map(({ name }) => name).filter((name) => results.some(({ noise }) => noise === name))
  for (const name of names) {
    const own = merged(results.filter(({ noise }) => noise === name))
    // The pool is that of STATISTICS §3.
    if (isPooled(name)) alarms += own.alarms
    const by = Object.entries(own.by).map(([test, count]) => `${test} ${count}`)
    const percent = (count: number, of = own.pairs): string => ((100 * count) / of).toFixed(1)
    lines.push(
      `${name}: alarms ${percent(own.alarms)}, rejected ${percent(own.rejected)}, regimes ${own.regimes.map((n) => percent(n)).join(' + ')}${own.told > 0 ? `, told by their band ${percent(own.told)}` : ''}${by.length > 0 ? ` (${by.join(', ')})` : ''}`,
    )
    if (own.alarms > MOST_ALARMS.each * own.pairs)
      broken.push(`${name}: ${percent(own.alarms)} % false alarms`)
    for (const metric of SEEN) {
      const { detectable, untold, reported, inconclusive } = own.seen[metric]
      const median = detectable.sort((a, b) => a - b)[Math.floor(detectable.length / 2)]
      const told = own.pairs - untold
      const size = median === undefined ? 'none' : `${(100 * median).toFixed(0)} %`
      lines.push(
        `    ${metric} ${size}: ${percent(inconclusive)} inconclusive (${percent(untold)} could not tell), ${percent(reported, told)} reported`,
      )
      if (creeps(name)) continue
      if (inconclusive > mostInconclusive(name) * own.pairs)
        broken.push(`${name}, ${metric}: ${percent(inconclusive)} % inconclusive`)
      if (reported < LEAST_REPORTED * told)
        broken.push(`${name}, ${metric}: ${percent(reported, told)} % of those that could tell report it`)
    }
  }
  const pool = pairs * names.filter(isPooled).length
  const share = pool > 0 ? alarms / pool : 0
  lines.push(`pooled: ${(100 * share).toFixed(2)} % false alarms`)
  if (share > MOST_ALARMS.pooled) broken.push(`pooled: ${(100 * share).toFixed(2)} % false alarms`)
  return { lines, broken }
}

function merged(results: readonly Result[]): Result {
  return results.reduce((a, b) => ({
    noise: a.noise,
    pairs: a.pairs + b.pairs,
    alarms: a.alarms + b.alarms,
    rejected: a.rejected + b.rejected,
    told: a.told + b.told,
    by: sumOf(a.by, b.by),
    regimes: [a.regimes[0] + b.regimes[0], a.regimes[1] + b.regimes[1]],
    seen: { ttft: joined(a.seen.ttft, b.seen.ttft), tpot: joined(a.seen.tpot, b.seen.tpot) },
  }))
}

const joined = (a: Power, b: Power): Power => ({
  detectable: [...a.detectable, ...b.detectable],
  untold: a.untold + b.untold,
  reported: a.reported + b.reported,
  inconclusive: a.inconclusive + b.inconclusive,
})

function sumOf(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const sum = { ...a }
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count
  return sum
}

export const check: Check<Job, Result> = {
  jobs: (pairs) => SETTINGS.flatMap(({ name }) => batches(pairs).map((batch) => ({ ...batch, noise: name }))),
  work,
  report,
}
