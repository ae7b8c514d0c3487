/** The median of each value's neighbourhood. */
import { median } from './quantile.js'

/** Over windows of `width` (odd) centred on each value; at the ends over what there is of them. */
export function runningMedian(series: readonly number[], width: number): number[] {
  const half = (width - 1) / 2
  return series.map((_, i) => median(series.slice(Math.max(0, i - half), i + half + 1)))
}
