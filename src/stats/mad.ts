/** Robust spread, and the clipping of outliers by it. */
import { median } from './quantile.js'

/** 1 / Φ⁻¹(.75): makes the median absolute deviation of a normal sample estimate its sd. */
export const MAD_TO_SD = 1.4826

/** Median absolute deviation about `centre` (the median), scaled to the sd of a normal distribution. */
export function mad(values: ArrayLike<number>, centre: number = median(values)): number {
  return MAD_TO_SD * median(Array.from(values, (value) => Math.abs(value - centre)))
}

/** Values beyond `centre` ± `reach` are moved to that border (winsorised). */
export function winsorise(values: ArrayLike<number>, centre: number, reach: number): number[] {
  return Array.from(values, (value) => Math.min(centre + reach, Math.max(centre - reach, value)))
}
