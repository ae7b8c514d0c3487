/** The shifts of the curves' parameters. */
import type { Curve, Parameter } from '../curve/curve.js'
import { fitCurves } from '../curve/fit-curves.js'
import type { Law } from '../plan/probe.js'
import type { Random } from '../random/random.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { tTwoSided } from '../stats/student-t.js'
import { GUESSED } from '../stats/regime-shift.js'
import type { RegimeEffects } from './regime-effects.js'
import { LEAST_BLOCKS, type Effect } from './effect.js'
import type { Joined } from './join.js'
import { tooFew } from './metric-effect.js'

/** `level`: shared by all requests of a block, so the correlation of blocks widens it; else a contrast inside one. */
const PARAMETERS: Readonly<Record<string, { law: Law; level: boolean; gated: boolean }>> = {
  base: { law: 'prefill', level: true, gated: true },
  fresh: { law: 'prefill', level: false, gated: true },
  hit: { law: 'prefill', level: false, gated: true },
  curve: { law: 'prefill', level: false, gated: false },
  // The gate has tpot for it, which rests on more samples.
  step: { law: 'decode', level: true, gated: false },
  perContext: { law: 'decode', level: false, gated: true },
  ttftPerPeer: { law: 'contention', level: false, gated: false },
  tpotPerPeer: { law: 'contention', level: false, gated: false },
}

/** The metric whose blocks tell degrees of freedom and serial correlation. */
const METRIC_OF = {
  prefill: 'ttft',
  decode: 'tpot',
  contention: 'ttft',
  cache: '',
} as const satisfies Record<Law, string>

export interface CurvePair {
  base: readonly Curve[]
  candidate: readonly Curve[]
}

/**
 * Curves of the same cells and of the same form. Those in the snapshots serve where all cells are common. Where one
 * prefill law is curved and the other straight `fresh` is not the same quantity, and both are refitted as lines: one
 * design bends both alike, while a curve forced on the side that does not show it would carry the other's luck.
 */
export function comparableCurves(
  joined: Joined,
  base: Snapshot,
  candidate: Snapshot,
  options: { random: Random; resamples: number },
): CurvePair {
  const stored = {
    base: base.curves.filter(({ target }) => target === joined.pair.base),
    candidate: candidate.curves.filter(({ target }) => target === joined.pair.candidate),
  }
  const kept = joined.base.length > 0 && joined.candidate.length > 0
  const found = joined.whole || !kept ? stored : refit(joined, options)
  const curved = [found.base, found.candidate].map(isCurved)
  if (!kept || curved[0] === curved[1]) return found
  return refit(joined, { ...options, curved: false })
}

/** Laws of which both sides have two regimes, fitted to the samples of the fast one; the others as they are. */
export function fastCurves(
  usual: CurvePair,
  regimes: ReadonlyMap<string, RegimeEffects>,
  options: { random: Random; resamples: number },
): CurvePair {
  let curves = usual
  for (const law of ['prefill', 'decode'] as const) {
    const fast = regimes.get(METRIC_OF[law])?.fast
    if (!fast) continue
    let fitted = refit(fast, { ...options, laws: [law] })
    if (isCurved(fitted.base) !== isCurved(fitted.candidate)) {
      fitted = refit(fast, { ...options, laws: [law], curved: false })
    }
    const side = (name: 'base' | 'candidate'): Curve[] => [
      ...fitted[name],
      ...curves[name].filter((curve) => curve.law !== law),
    ]
    curves = { base: side('base'), candidate: side('candidate') }
  }
  return curves
}

function refit(
  { base, candidate }: Pick<Joined, 'base' | 'candidate'>,
  options: { random: Random; resamples: number; curved?: boolean; laws?: readonly Law[] },
): CurvePair {
  const { random } = options
  return {
    base: fitCurves(base, { ...options, random: random.fork('base') }).curves,
    candidate: fitCurves(candidate, { ...options, random: random.fork('candidate') }).curves,
  }
}

const isCurved = (curves: readonly Curve[]): boolean =>
  curves.some(({ parameters }) => parameters['curve'] !== undefined)

/** `metrics`: the effects of the same pair by name. `gate`: names gated by the scenario on top of the usual ones. */
export function parameterEffects(
  { pair }: Joined,
  curves: CurvePair,
  metrics: ReadonlyMap<string, Effect>,
  gate: ReadonlySet<string>,
  regimes: ReadonlyMap<string, RegimeEffects>,
): Effect[] {
  return Object.entries(PARAMETERS).flatMap(([name, { law, level, gated }]) => {
    const [ours, theirs] = [curves.base, curves.candidate].map((side) =>
      side.find((curve) => curve.law === law),
    )
    const [a, b] = [ours?.parameters[name], theirs?.parameters[name]]
    if (ours === undefined || theirs === undefined || a === undefined || b === undefined) return []
    const scores = metrics.get(METRIC_OF[law])
    const blocks = [ours.blocks, theirs.blocks] as const
    const f = level ? (scores?.f ?? 1) : 1
    const regime = law === 'contention' ? undefined : regimes.get(METRIC_OF[law])
    const guessed = regime === undefined ? 1 : GUESSED
    // A median of two regimes against one of one: their ratio says nothing of either.
    const isRatio = a.value > 0 && (regime === undefined || regime.fast !== null)
    // In a design that chooses its cells a parameter may rest on few of the blocks.
    const told = [a.blocks ?? ours.blocks, b.blocks ?? theirs.blocks] as const
    const isSeldom = a.blocks !== undefined || b.blocks !== undefined
    const usual = scores?.df ?? Math.min(...blocks) - 1
    const df = isSeldom ? Math.min(usual, welchDf([a.se, b.se], told)) : usual
    const gEff = Math.min(...blocks) / f
    const difference = b.value - a.value
    const se = Math.sqrt((a.se ** 2 + b.se ** 2) * f) * guessed
    // A probe's blocks are counted by the metric: those of several probes lie side by side in the curve.
    const least = scores === undefined ? blocks : scores.blocks
    const isShort = Math.min(...least) < LEAST_BLOCKS || Math.min(...told) < LEAST_BLOCKS
    const why =
      doubt(a, b) ??
      untested(scores) ??
      (isShort
        ? tooFew(Math.min(...told) < LEAST_BLOCKS ? told : least, 1)
        : gEff < LEAST_BLOCKS
          ? tooFew(blocks, f)
          : null)
    const scale = a.value > 0 ? 1 / a.value : NaN
    const unverified = a.unverified === true || b.unverified === true
    return [
      {
        pair,
        name,
        kind: 'parameter' as const,
        gated: (gated || gate.has(name)) && !unverified,
        why,
        base: a.value,
        candidate: b.value,
        unit: a.unit,
        scale: 'relative' as const,
        d: isRatio ? difference * scale : null,
        se: isRatio ? se * scale : null,
        df,
        f,
        gEff,
        blocks,
        hodgesLehmann: null,
        p: se > 0 ? tTwoSided(difference / se, df) : difference === 0 ? 1 : 0,
      },
    ]
  })
}

/** Welch-Satterthwaite; 1 at least. */
function welchDf([a, b]: readonly [number, number], blocks: readonly [number, number]): number {
  const spread = a ** 4 / Math.max(1, blocks[0] - 1) + b ** 4 / Math.max(1, blocks[1] - 1)
  return spread > 0 ? Math.max(1, (a ** 2 + b ** 2) ** 2 / spread) : 1
}

/** Without block scores the correlation of blocks is not known. */
function untested(scores: Effect | undefined): string | null {
  return scores === undefined || scores.d === null ? (scores?.why ?? 'its metric could not be tested') : null
}

function doubt(a: Parameter, b: Parameter): string | null {
  if (a.bounded === true || b.bounded === true)
    return 'held at 0 in a fit: nothing of it shows within the noise'
  if (!(a.value > 0)) return 'it is 0 in the base: there is no ratio'
  return null
}
