/** Wilson's interval of a share, right for few trials and for none or all successes. */
import { normalQuantile } from './normal.js'

/** Wilson 1927 (JASA 22). [0, 1] without trials. */
export function wilson(successes: number, trials: number, confidence = 0.95): { low: number; high: number } {
  if (trials === 0) return { low: 0, high: 1 }
  const z = normalQuantile((1 + confidence) / 2)
  const share = successes / trials
  const centre = share + (z * z) / (2 * trials)
  const reach = z * Math.sqrt((share * (1 - share)) / trials + (z / (2 * trials)) ** 2)
  const scale = 1 + (z * z) / trials
  return { low: Math.max(0, (centre - reach) / scale), high: Math.min(1, (centre + reach) / scale) }
}
