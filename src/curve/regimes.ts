/** Recognises a target that answers in two speeds. */
import { twoNormals, type TwoRegimes } from '../stats/mixture.js'

export interface Regimes {
  /** Share of the slow one. */
  share: number
  /** Slow ÷ fast. */
  ratio: number
  /** Mean number of successive requests in the slow one. */
  spell: number
}

/** What makes a mixture two regimes. */
export interface RegimeLimits {
  samples: number
  gain: number
  separation: number
  share: number
  ratio: number
}

// Simulated on 108 residuals: 30 % at 1.6 times found always, a lognormal never taken for two, a skewed queue in 15 %.
const PROOF: RegimeLimits = { samples: 100, gain: 10, separation: 2, share: 0.05, ratio: 1.2 }

/** `residuals`: ln(observed ÷ predicted) in order of time. Null where one regime does. */
export function regimesOf(residuals: Float64Array): Regimes | null {
  const found = residuals.length < PROOF.samples ? null : twoNormals(residuals)
  return found !== null && isTwo(found, PROOF) ? describe(found) : null
}

export function isTwo(found: TwoRegimes, limits: RegimeLimits = PROOF): boolean {
  const { posterior, gain, separation, share } = found
  return (
    posterior.length >= limits.samples &&
    gain > limits.gain &&
    separation > limits.separation &&
    Math.min(share, 1 - share) > limits.share &&
    ratioOf(found) > limits.ratio
  )
}

export function describe(found: TwoRegimes): Regimes {
  return { share: found.share, ratio: ratioOf(found), spell: spellOf(found.posterior) }
}

const ratioOf = ({ means }: TwoRegimes): number => Math.exp(means[1] - means[0])

function spellOf(posterior: Float64Array): number {
  let slow = 0
  let spells = 0
  for (const [i, p] of posterior.entries()) {
    if (p < 0.5) continue
    slow++
    if (i === 0 || posterior[i - 1]! < 0.5) spells++
  }
  return spells > 0 ? slow / spells : 0
}

export function regimeWarning({ share, ratio, spell }: Regimes): string {
  const how = `${Math.round(100 * share)} % of the requests take ${ratio.toFixed(2)} times as long`
  return `two regimes: ${how}, in spells of ${spell.toFixed(1)}; the curve is the median of both`
}
