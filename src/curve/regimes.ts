/** Recognises a target that answers in two speeds. */
import { twoNormals } from '../stats/mixture.js'

export interface Regimes {
  /** Share of the slow one. */
  share: number
  /** Slow ÷ fast. */
  ratio: number
  /** Mean number of successive requests in the slow one. */
  spell: number
}

// Simulated on 108 residuals: 30 % at 1.6 times found always, a lognormal never taken for two, a skewed queue in 15 %.
const LEAST = { samples: 100, gain: 10, separation: 2, share: 0.05, ratio: 1.2 }

/** `residuals`: ln(observed ÷ predicted) in order of time. Null where one regime does. */
export function regimesOf(residuals: Float64Array): Regimes | null {
  if (residuals.length < LEAST.samples) return null
  const found = twoNormals(residuals)
  if (found === null) return null
  const { means, share, posterior, gain, separation } = found
  const ratio = Math.exp(means[1] - means[0])
  const isTwo =
    gain > LEAST.gain &&
    separation > LEAST.separation &&
    Math.min(share, 1 - share) > LEAST.share &&
    ratio > LEAST.ratio
  return isTwo ? { share, ratio, spell: spellOf(posterior) } : null
}

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
