/** A shift of the mean, seen as the values come. */

export interface Cusum {
  /** Sums of what lies above and below: each starts at 0 and never falls under it. */
  readonly up: number
  readonly down: number
}

export interface CusumOptions {
  /** Half of the shift that is looked for, in sd. @default .5 */
  readonly slack?: number
  /** A value counts for at most this many sd. @default 3 */
  readonly clip?: number
}

export const CUSUM_START: Cusum = { up: 0, down: 0 }

/** Where an alarm is raised: about one in 8,500 values of normal noise (simulated). */
export const CUSUM_LIMIT = 8

/** Two-sided CUSUM (Page 1954, Biometrika 41): the state after one more standardised value. */
export function cusum({ up, down }: Cusum, z: number, { slack = 0.5, clip = 3 }: CusumOptions = {}): Cusum {
  const value = Math.min(clip, Math.max(-clip, z))
  return { up: Math.max(0, up + value - slack), down: Math.max(0, down - value - slack) }
}
