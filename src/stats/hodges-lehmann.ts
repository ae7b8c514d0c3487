/** The Hodges-Lehmann shift between two samples. */
import { mannWhitneyQuantile } from './mann-whitney.js'
import { ascending, quantile } from './quantile.js'

export interface HodgesLehmann {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/** Median of all differences b − a (Hodges & Lehmann 1963, Ann. Math. Stat. 34). */
export function hodgesLehmann(a: readonly number[], b: readonly number[]): number {
  return quantile(differences(a, b), 0.5, { sorted: true })
}

/**
 * The estimate with the interval that inverts the Mann-Whitney test (Hollander & Wolfe 1999, 4.3; R's
 * `wilcox.test(conf.int = TRUE)`). With very few values it is [least, greatest difference] and covers less.
 */
export function hodgesLehmannInterval(
  a: readonly number[],
  b: readonly number[],
  confidence = 0.95,
): HodgesLehmann {
  const sorted = differences(a, b)
  const rank = Math.max(1, mannWhitneyQuantile((1 - confidence) / 2, a.length, b.length))
  return {
    estimate: quantile(sorted, 0.5, { sorted: true }),
    low: sorted[rank - 1]!,
    high: sorted[sorted.length - rank]!,
  }
}

function differences(a: readonly number[], b: readonly number[]): Float64Array {
  return ascending(b.flatMap((later) => a.map((earlier) => later - earlier)))
}
