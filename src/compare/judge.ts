/** From effects to verdicts: one family, one level, a margin below which a shift does not matter. */
import { chiSquaredQuantile } from '../stats/chi-squared.js'
import { holm } from '../stats/multiplicity.js'
import { tQuantile } from '../stats/student-t.js'
import { DEFAULT_MARGIN, LEVEL, type Shift, type Verdict } from './comparison.js'
import { LEAST_BLOCKS, type Effect } from './effect.js'
import { lessIsBetter } from './sample-metric.js'

export interface Rules {
  margins: Readonly<Record<string, number>>
  detect: Readonly<Record<string, number>>
}

/**
 * Tests that a pair of targets may bring: ttft, slow share, base, fresh, hit, tpot, perContext, errors, canary. The
 * family is of that size even where some are missing, so that what a run did not measure loosens nothing else; it grows
 * where decode has a slow share too, or the scenario gates more.
 */
const FAMILY = 9

/** Every effect with its verdict, in the same order; and the size of the family. */
export function judge(effects: readonly Effect[], rules: Rules): { shifts: Shift[]; family: number } {
  const tested = effects.filter((effect) => effect.gated && effect.p !== null)
  const pairs = new Set(effects.map(({ pair }) => JSON.stringify(pair))).size
  const family = Math.max(tested.length, FAMILY * pairs)
  const missing = Array.from({ length: family - tested.length }, () => 1)
  // What cannot be judged must not make the rest easier to reject.
  const adjusted = holm([...tested.map(({ p, why }) => (why === null ? p! : 1)), ...missing])
  const pHolm = new Map(tested.map((effect, i) => [effect, adjusted[i]!]))
  return {
    family,
    shifts: effects.map((effect) => toShift(effect, pHolm.get(effect) ?? null, family, rules)),
  }
}

function toShift(effect: Effect, pHolm: number | null, family: number, rules: Rules): Shift {
  const { pair, name, kind, gated, scale, d, se, df, f, gEff, blocks, p } = effect
  const margin = rules.margins[name] ?? DEFAULT_MARGIN
  const detect = rules.detect[name] ?? null
  const tail = LEVEL / 2 / family
  const rejected = gated && pHolm !== null && pHolm <= LEVEL
  const found = verdict(effect, rejected, margin)
  const spread = se === null || df === null || f === null ? null : { se, df, f, blocks: Math.min(...blocks) }
  const seen =
    spread === null || (gEff ?? 0) < LEAST_BLOCKS ? null : detectableAt(spread, tail, onScale(scale, margin))
  const reach = spread === null ? null : spread.se * tQuantile(1 - tail, spread.df)
  return {
    pair,
    name,
    kind,
    gated,
    verdict: found.verdict,
    why: found.why,
    base: effect.base,
    candidate: effect.candidate,
    unit: effect.unit,
    ratio: ratioOf(scale, d),
    low: d === null || reach === null ? null : ratioOf(scale, d - reach),
    high: d === null || reach === null ? null : ratioOf(scale, d + reach),
    hodgesLehmann: effect.hodgesLehmann === null ? null : ratioOf(scale, effect.hodgesLehmann),
    se,
    df,
    f,
    gEff,
    blocks,
    p,
    pHolm,
    margin,
    detectable: seen === null ? null : scale === 'share' ? seen : (ratioOf(scale, seen) ?? 1) - 1,
    detect,
    blocksNeeded:
      found.verdict !== 'inconclusive' || effect.range !== undefined
        ? null
        : spread === null
          ? // More blocks do not help where something else is the matter, such as regimes on one side only.
            Math.min(...blocks) < LEAST_BLOCKS
            ? LEAST_BLOCKS
            : null
          : blocksFor(spread, tail, onScale(scale, margin), detect === null ? null : onScale(scale, detect)),
  }
}

function verdict(
  { name, why, scale, d, se, df, range, base, candidate, band }: Effect,
  rejected: boolean,
  margin: number,
): { verdict: Verdict; why: string | null } {
  const limit = onScale(scale, margin)
  const direction = (shift: number): Verdict => (shift < 0 === lessIsBetter(name) ? 'better' : 'worse')
  if (why !== null) {
    // Blocks that hang together say little by their number. Where all of them lie in a band narrower than the margin
    // no correlation of theirs can move a mean by more than that band.
    if (d !== null && band !== undefined && band < limit) {
      if (Math.abs(d) + band < limit) return { verdict: 'same', why: null }
      if (Math.abs(d) - band > limit) return { verdict: direction(d), why: null }
    }
    return { verdict: 'inconclusive', why }
  }
  if (d === null) return { verdict: 'inconclusive', why: 'there is no ratio' }
  // A count of failures has no margin: what Fisher's test rejects is a difference.
  const matters = range !== undefined || Math.abs(d) > limit
  if (rejected && matters) return { verdict: direction(d), why: null }
  // Two one-sided tests at 5 % (Schuirmann 1987): the 90 % interval lies inside the margin.
  const reach = se === null || df === null ? 0 : se * tQuantile(0.95, df)
  const [low, high] = range ?? [d - reach, d + reach]
  if (low > -limit && high < limit) return { verdict: 'same', why: null }
  if (scale === 'share') {
    const shares =
      base === 0 && candidate === 0 ? 'none' : `${percent(base ?? 0)} against ${percent(candidate ?? 0)}`
    return { verdict: 'inconclusive', why: `${shares}, and a difference of ${percent(margin)} not excluded` }
  }
  const shown = rejected
    ? `a shift is there, but it may be smaller than ${percent(margin)}`
    : 'no shift shown'
  return { verdict: 'inconclusive', why: `${shown}, and one above ${percent(margin)} not excluded` }
}

interface Spread {
  se: number
  df: number
  f: number
  blocks: number
}

/**
 * The shift that is found with 95 % probability, even where `se` came out small by chance (its upper 90 % limit);
 * beyond the margin the test has to reject as well.
 */
function detectableAt({ se, df }: Spread, tail: number, margin: number): number {
  const most = se * Math.sqrt(df / chiSquaredQuantile(0.1, df))
  return Math.max((tQuantile(1 - tail, df) + POWER) * most, margin + POWER * most)
}

// z[.95]
const POWER = 1.6449

/**
 * The least number of blocks an arm at which a shift of `wanted` is detectable, or, where none is asked for, at which
 * `same` is shown with probability .9 if nothing moved. Standard error and degrees of freedom go with their number.
 */
function blocksFor(spread: Spread, tail: number, margin: number, wanted: number | null): number | null {
  const enough = (blocks: number): boolean => {
    const grown = {
      ...spread,
      se: spread.se * Math.sqrt(spread.blocks / blocks),
      df: (spread.df * blocks) / spread.blocks,
    }
    if (blocks < LEAST_BLOCKS * spread.f) return false
    return wanted === null
      ? (tQuantile(0.95, grown.df) + POWER) * grown.se <= margin
      : detectableAt(grown, tail, margin) <= wanted
  }
  let high = LEAST_BLOCKS
  while (!enough(high)) {
    high *= 2
    if (high > 1e6) return null
  }
  let low = high / 2
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (enough(middle)) high = middle
    else low = middle
  }
  return high
}

const onScale = (scale: Effect['scale'], share: number): number =>
  scale === 'log' ? Math.log1p(share) : share

function ratioOf(scale: Effect['scale'], d: number | null): number | null {
  if (d === null || scale === 'share') return null
  return scale === 'log' ? Math.exp(d) : 1 + d
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`
