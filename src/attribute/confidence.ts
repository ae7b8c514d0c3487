/** How sure a verdict is, as a probability that holds: raw odds are tempered by what the span carries. */
import { normalCdf } from '../stats/normal.js'
import type { Tier } from '../span/causes.js'

/**
 * Temperatures of the log odds (Guo et al. 2017, On Calibration of Modern Neural Networks), one for each class of
 * evidence. On the 33 worlds of one fault with seeds `tune/1/…` (November 2026) the raw odds were off by .015, .006 and
 * .016 (expected calibration error), so all stand at 1; `npm run check:attribution` judges them on other seeds.
 */
const TEMPERATURE = { full: 1, first: 1, duration: 1 } as const
const CLASS_OF = {
  A: 'full',
  B: 'full',
  C: 'first',
  D: 'duration',
  E: 'duration',
} as const satisfies Record<Tier, keyof typeof TEMPERATURE>

/** No verdict is surer than this: one span in five hundred is like nothing that was foreseen. */
const MOST = 0.998
/** Log odds shrink by this factor for every doubt: beyond the sampled range, a stale baseline. */
const DOUBT = 0.7

export function tempered(raw: number, tier: Tier, doubts: number): number {
  const p = Math.min(MOST, Math.max(1 - MOST, raw))
  const logit = (Math.log(p / (1 - p)) / TEMPERATURE[CLASS_OF[tier]]) * DOUBT ** doubts
  return 1 / (1 + Math.exp(-logit))
}

/** That an excess known to within `sdMs` lies on its side of the limit. */
export function beyond(distanceMs: number, sdMs: number): number {
  return normalCdf(distanceMs / Math.max(1, sdMs))
}
