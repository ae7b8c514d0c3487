/** How often the intervals of fitted curves cover the law that a run was drawn from. */
import type { Curve, Parameter } from '../../src/curve/curve.js'
import { fitCurves } from '../../src/curve/fit-curves.js'
import { createRandom } from '../../src/random/random.js'
import { NINE_CELLS, simulatedRun, type TrueLaw } from '../curve/simulated-run.js'
import { CURVE_NOISES, type NamedNoise } from './noises.js'
import { batches, type Batch, type Check } from './check.js'

interface Job extends Batch {
  world: string
  blocks: number
}

interface World {
  noise: NamedNoise
  law: TrueLaw
  /** Least share of intervals that must cover, of `parameters` and of the fast curve. */
  least: { median: number; fast: number }
  /** Clean noise must not give intervals that are too wide either. */
  most: number
}

const HOSTED: TrueLaw = { base: 400, fresh: 45, hit: 12, step: 20, perContext: 0.5 }
const ENGINE: TrueLaw = { base: 30, fresh: 40, hit: 2, curve: 0.004, step: 8, perContext: 0.3 }
const LEAST = 0.93

/** `queue` is no factor, and a law of nine medians is not quite a line: its truth is the fit to very many blocks. */
const WORLDS: readonly World[] = [
  ...CURVE_NOISES.map((noise) => ({
    noise,
    law: HOSTED,
    // Spells longer than a few blocks move the median of a whole run: there the fast curve is the one to read.
    least: {
      median: noise.name.startsWith('slow spells') ? 0 : LEAST,
      fast: noise.name.startsWith('slow spells') ? 0.91 : LEAST,
    },
    most: noise.name.startsWith('clean') ? 0.98 : 1,
  })),
  {
    noise: {
      ...CURVE_NOISES[0]!,
      name: 'engine, curved, clean .02',
      make: () => (random) => Math.exp(0.02 * random.normal()),
    },
    law: ENGINE,
    least: { median: LEAST, fast: LEAST },
    most: 0.98,
  },
]

/** Of one parameter: repeats in which it was fitted, in which its interval held the truth, and the sum of half-widths ÷ truth. */
interface Tally {
  fitted: number
  covered: number
  halfWidth: number
}
type Tallies = Record<string, Tally>

interface Result {
  job: Job
  tallies: Tallies
}

const RESAMPLES = 999

function work(job: Job): Result {
  const { noise, law } = worldOf(job.world)
  const tallies: Tallies = {}
  const truth = truthOf(job.world)
  for (let repeat = job.from; repeat < job.to; repeat++) {
    const curves = fitted(`${job.world}/${job.blocks}/${repeat}`, noise, law, job.blocks, RESAMPLES)
    for (const { parameters, fast } of curves) {
      for (const [name, parameter] of Object.entries(parameters)) count(tallies, name, parameter, truth[name])
      // The fast regime is the law itself.
      for (const [name, parameter] of Object.entries(fast?.parameters ?? {}))
        count(tallies, `fast ${name}`, parameter, inUnits(law)[name])
    }
  }
  return { job, tallies }
}

function fitted(seed: string, noise: NamedNoise, law: TrueLaw, blocks: number, resamples: number): Curve[] {
  const random = createRandom(seed)
  const samples = simulatedRun({
    law,
    cells: NINE_CELLS,
    blocks,
    random,
    noise: noise.make(NINE_CELLS.length),
  })
  return fitCurves(samples, { random: random.fork('fit'), resamples }).curves
}

function count(tallies: Tallies, name: string, { low, high }: Parameter, truth: number | undefined): void {
  if (truth === undefined) return
  const tally = (tallies[name] ??= { fitted: 0, covered: 0, halfWidth: 0 })
  tally.fitted++
  if (low <= truth && truth <= high) tally.covered++
  tally.halfWidth += (high - low) / 2 / truth
}

function worldOf(name: string): World {
  const world = WORLDS.find(({ noise }) => noise.name === name)
  if (world === undefined) throw new Error(`no noise is called ${name}`)
  return world
}

/** The names and units of a curve's parameters. */
function inUnits(law: TrueLaw): Record<string, number> {
  const { base, fresh, hit, curve, step, perContext } = law
  return { base, fresh, hit, step, perContext, ...(curve !== undefined && { curve }) }
}

const known = new Map<string, Record<string, number>>()

function truthOf(name: string): Record<string, number> {
  const before = known.get(name)
  if (before !== undefined) return before
  const { noise, law } = worldOf(name)
  const { median } = noise
  const pairs =
    median === null
      ? fitted('truth', noise, law, 4000, 2).flatMap(({ parameters }) =>
          Object.entries(parameters).map(([key, { value }]) => [key, value] as const),
        )
      : Object.entries(inUnits(law)).map(([key, value]) => [key, value * median] as const)
  const truth = Object.fromEntries(pairs)
  known.set(name, truth)
  return truth
}

const BLOCKS = [12, 20]

export const check: Check<Job, Result> = {
  jobs: (repeats) =>
    WORLDS.flatMap(({ noise }) =>
      BLOCKS.flatMap((blocks) => batches(repeats).map((batch) => ({ ...batch, world: noise.name, blocks }))),
    ),
  work,
  report(results, repeats) {
    const lines = ['covered %, and half-width in % of the truth']
    const broken: string[] = []
    for (const { noise, least, most } of WORLDS) {
      for (const blocks of BLOCKS) {
        const own = results.filter(({ job }) => job.world === noise.name && job.blocks === blocks)
        if (own.length === 0) continue
        const cells: string[] = []
        for (const [name, { fitted: n, covered, halfWidth }] of Object.entries(merged(own))) {
          const share = covered / n
          const limit = name.startsWith('fast ') ? least.fast : least.median
          // A parameter that few repeats show, such as the fast curve of a noise without regimes, has no share.
          const isJudged = n >= repeats / 2
          const isBroken = isJudged && (share < limit || share > most)
          if (isBroken) broken.push(`${noise.name}, ${blocks} blocks, ${name}: ${(100 * share).toFixed(1)} %`)
          const seen = n < repeats ? ` of ${n}` : ''
          cells.push(
            `${name} ${(100 * share).toFixed(1)}${isBroken ? '!' : ''}${seen} (${((100 * halfWidth) / n).toFixed(1)})`,
          )
        }
        lines.push(`${noise.name}, ${blocks} blocks`, `    ${cells.join('  ')}`)
      }
    }
    return { lines, broken }
  },
}

function merged(results: readonly Result[]): Tallies {
  const sum: Tallies = {}
  for (const { tallies } of results) {
    for (const [name, tally] of Object.entries(tallies)) {
      const own = (sum[name] ??= { fitted: 0, covered: 0, halfWidth: 0 })
      own.fitted += tally.fitted
      own.covered += tally.covered
      own.halfWidth += tally.halfWidth
    }
  }
  return sum
}
