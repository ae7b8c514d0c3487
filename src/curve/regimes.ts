/** Recognises a target that answers in two speeds. */
import { isTwo, twoNormals, type TwoRegimes } from '../stats/mixture.js'

export interface Regimes {
  /** Share of the slow one. */
  share: number
  /** Slow ÷ fast. */
  ratio: number
  /** Mean number of successive requests in the slow one. */
  spell: number
}

/** `residuals`: ln(observed ÷ predicted) in order of time. Null where one regime does. */
export function regimesOf(residuals: Float64Array): Regimes | null {
  const found = twoNormals(residuals)
  return found !== null && isTwo(found) ? describe(found) : null
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
