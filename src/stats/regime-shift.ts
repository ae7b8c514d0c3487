/** The shift between two arms of which one or both answer in two speeds: of the fast regime, and of the share of the slow one. */
import { blockMeans, correctSerial, lagOne } from './serial-correlation.js'
import { scoresShift } from './blocks-shift.js'
import { median } from './quantile.js'
import { isTwo, LOOSE, twoNormals, upperPosterior, type TwoRegimes } from './mixture.js'
import { tTwoSided } from './student-t.js'

/** One value of an arm, in order of time. */
export interface RegimeRow {
  readonly cell: string
  readonly block: number
  /** ln of a time. */
  readonly log: number
}

/** As a `BlocksShift`, of a logarithm or of a share. */
export interface RegimeEffect {
  readonly d: number
  readonly se: number
  readonly df: number
  readonly f: number
  readonly gEff: number
  readonly g: readonly [number, number]
  readonly p: number
}

export interface RegimeShift {
  /** Where two regimes were found. */
  readonly found: 'both' | 'first' | 'second'
  /** Of the fast regimes; null where one arm has no regimes of its own: its fast level is not known to be one. */
  readonly location: RegimeEffect | null
  readonly share: RegimeEffect
  readonly shares: readonly [number, number]
  /** Slow ÷ fast, of each arm that has two. */
  readonly ratios: readonly [number | null, number | null]
  /** Probability of each row to be of the slow regime. */
  readonly posteriors: readonly [Float64Array, Float64Array]
}

/** On the standard errors: that the rows' regimes are guessed, and not known, is in none of them. Simulated. */
export const GUESSED = 1.25
const ROUNDS = 2

/**
 * Rows are centred on their cell, first on its median over both arms, then on the mean of its fast rows, and a mixture
 * of two is fitted to each arm. Once one arm has two regimes, less proof will do for the other. Null where neither has.
 */
export function regimeShift(first: readonly RegimeRow[], second: readonly RegimeRow[]): RegimeShift | null {
  const known = new Set(first.map(({ cell }) => cell))
  const common = new Set(second.map(({ cell }) => cell).filter((cell) => known.has(cell)))
  if (common.size < known.size || second.some(({ cell }) => !common.has(cell))) return null
  const arms = [first, second]
  let z = centred(arms, null)
  let mixtures = z.map(twoNormals)
  if (!mixtures.some((mixture) => mixture !== null && isTwo(mixture))) return null
  for (let round = 0; round < ROUNDS; round++) {
    if (!mixtures.some(isLoose)) return null
    z = centred(arms, posteriorsOf(mixtures, z))
    mixtures = z.map(twoNormals)
  }
  const proven = mixtures.map((mixture) => mixture !== null && isTwo(mixture))
  if (!proven.includes(true)) return null
  const two = mixtures.map(isLoose)
  const posteriors = posteriorsOf(mixtures, z)
  const [a, b] = [0, 1].map((i) =>
    blockMeans(
      posteriors[i]!,
      arms[i]!.map(({ block }) => block),
    ),
  )
  const share = scoresShift(a!, b!)
  if (share === null) return null
  const se = share.se * GUESSED
  return {
    found: two[0] && two[1] ? 'both' : two[0] ? 'first' : 'second',
    location: two[0] && two[1] ? locationShift(arms, z, posteriors) : null,
    share: { ...share, se, p: se > 0 ? tTwoSided(share.d / se, share.df) : share.p },
    shares: [meanOf(posteriors[0]), meanOf(posteriors[1])],
    ratios: [ratioOf(two[0] ? mixtures[0]! : null), ratioOf(two[1] ? mixtures[1]! : null)],
    posteriors,
  }
}

const isLoose = (mixture: TwoRegimes | null): boolean => mixture !== null && isTwo(mixture, LOOSE)

const ratioOf = (mixture: TwoRegimes | null): number | null =>
  mixture === null ? null : Math.exp(mixture.means[1] - mixture.means[0])

/** By its own mixture where an arm has two regimes, else by the other's. */
function posteriorsOf(
  mixtures: readonly (TwoRegimes | null)[],
  z: readonly Float64Array[],
): [Float64Array, Float64Array] {
  const usable = mixtures.map((mixture) => (isLoose(mixture) ? mixture : null))
  const of = (i: number): Float64Array => usable[i]?.posterior ?? upperPosterior(usable[1 - i]!, z[i]!)
  return [of(0), of(1)]
}

function centred(
  arms: readonly (readonly RegimeRow[])[],
  posteriors: readonly Float64Array[] | null,
): Float64Array[] {
  const cells = new Map<string, { log: number; weight: number }[]>()
  for (const [arm, rows] of arms.entries()) {
    for (const [i, { cell, log }] of rows.entries()) {
      const weight = posteriors === null ? 1 : 1 - posteriors[arm]![i]!
      const own = cells.get(cell)
      if (own === undefined) cells.set(cell, [{ log, weight }])
      else own.push({ log, weight })
    }
  }
  const centres = new Map<string, number>()
  for (const [cell, values] of cells) {
    const total = values.reduce((sum, { weight }) => sum + weight, 0)
    const mean = values.reduce((sum, { log, weight }) => sum + weight * log, 0) / total
    // A cell without a fast row, and the first round, take the median.
    const isMean = posteriors !== null && total > 0.5
    centres.set(cell, isMean ? mean : median(values.map(({ log }) => log)))
  }
  return arms.map((rows) => Float64Array.from(rows, ({ cell, log }) => log - centres.get(cell)!))
}

/** Difference of the means weighted by the probability to be fast; blocks are the clusters of its variance. */
function locationShift(
  arms: readonly (readonly RegimeRow[])[],
  z: readonly Float64Array[],
  posteriors: readonly Float64Array[],
): RegimeEffect {
  const sides = arms.map((rows, arm) => fastMean(rows, z[arm]!, posteriors[arm]!))
  const [a, b] = [sides[0]!, sides[1]!]
  const g = [a.blocks, b.blocks] as const
  const { f } = correctSerial((a.lag + b.lag) / 2, (g[0] + g[1]) / 2, { limit: 0.9 })
  const variance = a.variance + b.variance
  const se = Math.sqrt(variance * f) * GUESSED
  const d = b.mean - a.mean
  // A block that is slow throughout says nothing of the fast regime, however little it resembles its neighbours.
  const effective = [a, b].map(({ blocks, fast }) => Math.min(fast, blocks / f))
  const dfOf = (side: FastMean, count: number): number => side.variance ** 2 / Math.max(1, count - 1)
  const df =
    variance > 0 ? variance ** 2 / (dfOf(a, effective[0]!) + dfOf(b, effective[1]!)) : g[0] + g[1] - 2
  const gEff = Math.min(...effective)
  return { d, se, df, f, gEff, g, p: se > 0 ? tTwoSided(d / se, df) : d === 0 ? 1 : 0 }
}

interface FastMean {
  mean: number
  variance: number
  blocks: number
  /** Blocks of which more than a quarter is fast. */
  fast: number
  /** Lag-1 autocorrelation of what the blocks add to the mean. */
  lag: number
}

const LEAST_FAST = 0.25

function fastMean(rows: readonly RegimeRow[], z: Float64Array, posterior: Float64Array): FastMean {
  let total = 0
  let sum = 0
  for (const [i, p] of posterior.entries()) {
    total += 1 - p
    sum += (1 - p) * z[i]!
  }
  const mean = sum / total
  const blocks = new Map<number, { pull: number; weight: number; size: number }>()
  for (const [i, { block }] of rows.entries()) {
    const own = blocks.get(block) ?? { pull: 0, weight: 0, size: 0 }
    own.pull += ((1 - posterior[i]!) * (z[i]! - mean)) / total
    own.weight += 1 - posterior[i]!
    own.size++
    blocks.set(block, own)
  }
  const all = [...blocks.values()]
  const fast = all.filter(({ weight, size }) => weight > LEAST_FAST * size).length
  const square = all.reduce((squares, { pull }) => squares + pull ** 2, 0)
  return {
    mean,
    // With one fast block or none nothing is concluded; the floor only keeps the figures finite.
    variance: (square * Math.max(2, fast)) / (Math.max(2, fast) - 1),
    blocks: all.length,
    fast,
    lag: lagOne(all.map(({ pull }) => pull)),
  }
}

const meanOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length
