/** A target that answers in two speeds: its fast regime is compared, and the share of the slow one. */
import { counts, isUnproven } from '../sample/counts.js'
import type { Sample } from '../sample/sample.js'
import { regimeShift, type RegimeRow, type RegimeShift } from '../stats/regime-shift.js'
import { LEAST_BLOCKS, withoutBand, type Effect } from './effect.js'
import type { Joined } from './join.js'
import { tooFew } from './metric-effect.js'

export interface RegimeEffects {
  /** Of the fast regime, in place of the shift of all requests. */
  location: Effect
  slowShare: Effect
  /** Samples of the fast regime on both sides, for curves of their own; null where only one side has regimes. */
  fast: { base: readonly Sample[]; candidate: readonly Sample[] } | null
  note: string
}

/** A share of blocks has a coarser distribution than a time. */
const LEAST_SHARE_BLOCKS = 8

/** What regimes are looked for in, and what the share of the slow ones is called. */
const SHARE_OF = { ttft: 'slowShare', tpot: 'slowDecode' } as const
export type RegimeMetric = keyof typeof SHARE_OF
export const REGIME_METRICS = ['ttft', 'tpot'] as const satisfies readonly RegimeMetric[]

/**
 * Looks for regimes in requests that were alone: of those that start together, some wait for others, by place and not by
 * regime. `all`: the effect over all of them. Null where neither side has two regimes.
 */
export function regimeEffects(joined: Joined, metric: RegimeMetric, all: Effect): RegimeEffects | null {
  const timed = [joined.base, joined.candidate].map((samples) => alone(samples, metric))
  const cells = timed.map((samples) => new Set(samples.map(({ cell }) => cell)))
  const sides = timed.map((samples) => samples.filter(({ cell }) => cells.every((known) => known.has(cell))))
  const rows = [toRows(sides[0]!, metric), toRows(sides[1]!, metric)]
  const shift = regimeShift(rows[0]!, rows[1]!)
  if (shift === null) return null
  const { share, shares, posteriors, found } = shift
  const fastOf = (side: 0 | 1): Sample[] => sides[side]!.filter((_, i) => posteriors[side][i]! < 0.5)
  return {
    location: locationEffect(all, shift),
    slowShare: {
      ...withoutBand(all),
      name: SHARE_OF[metric],
      kind: 'share',
      gated: true,
      why: share.gEff >= LEAST_SHARE_BLOCKS ? null : tooFew(share.g, share.f, LEAST_SHARE_BLOCKS),
      base: shares[0],
      candidate: shares[1],
      unit: 'share',
      scale: 'share',
      d: share.d,
      se: share.se,
      df: share.df,
      f: share.f,
      gEff: share.gEff,
      blocks: share.g,
      hodgesLehmann: null,
      p: share.p,
    },
    fast: found === 'both' ? { base: fastOf(0), candidate: fastOf(1) } : null,
    note: noteOf(joined, metric, shift),
  }
}

function locationEffect(all: Effect, { location, found }: RegimeShift): Effect {
  const rest = withoutBand(all)
  if (location === null) {
    const side = found === 'first' ? 'base' : 'candidate'
    const why = `the ${side} answers in two speeds and the other side in one`
    return { ...rest, why, d: null, se: null, df: null, f: null, gEff: null, hodgesLehmann: null, p: null }
  }
  const { d, se, df, f, gEff, g, p } = location
  const why = gEff >= LEAST_BLOCKS ? null : tooFew(g, f)
  return { ...rest, why, d, se, df, f, gEff, blocks: g, p, hodgesLehmann: null }
}

function noteOf({ pair }: Joined, metric: RegimeMetric, { shares, ratios, found }: RegimeShift): string {
  const told = (['base', 'candidate'] as const).flatMap((side, i) => {
    const ratio = ratios[i] ?? null
    return ratio === null
      ? []
      : [
          `${Math.round(100 * shares[i]!)} % of the requests take ${ratio.toFixed(2)} times as long in the ${side}`,
        ]
  })
  const how = found === 'both' ? '; the fast ones are compared, and the share of the slow ones' : ''
  return `${pair.candidate}: two regimes in ${metric}: ${told.join(', ')}${how}`
}

function alone(samples: readonly Sample[], metric: RegimeMetric): Sample[] {
  return samples
    .filter(
      (sample) =>
        counts(sample) && !isUnproven(sample) && sample.asked.concurrency === 1 && (sample[metric] ?? 0) > 0,
    )
    .sort((a, b) => a.atMs - b.atMs)
}

function toRows(samples: readonly Sample[], metric: RegimeMetric): RegimeRow[] {
  const blocks = new Map<string, number>()
  return samples.map((sample) => {
    const { cell, probe, block } = sample
    const label = `${probe}\n${block}`
    const number = blocks.get(label) ?? blocks.size
    blocks.set(label, number)
    return { cell, block: number, log: Math.log(sample[metric]!) }
  })
}
