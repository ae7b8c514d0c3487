/** How long a prefix stays warm: the age at which the probability of a hit falls through one half. */
import type { Parameter } from './curve.js'

export interface AgedHit {
  ageS: number
  hit: boolean
}

export interface Lifetime {
  /** Undefined where the probability does not cross one half among the ages that were asked. */
  lifetimeS: Parameter | undefined
  warnings: readonly string[]
}

/** .95 quantile of the limit of the likelihood ratio of a monotone function at a point (Banerjee & Wellner 2001, Ann. Statist. 29). */
const RATIO_95 = 2.26916
const T_975 = 1.96

/**
 * Monotone maximum likelihood: the hit probability never rises with age (pool adjacent violators; Ayer et al. 1955,
 * Ann. Math. Stat. 26). The interval holds every age T at which "P(T) = 1/2" is not rejected by the likelihood ratio
 * against the fit without it, so it needs no form of the law and no smoothing.
 */
export function lifetimeOf(samples: readonly AgedHit[]): Lifetime {
  const sorted = [...samples].sort((a, b) => a.ageS - b.ageS)
  const fit = falling(sorted)
  const ages = [...new Set(sorted.map(({ ageS }) => ageS))]
  const [youngest, oldest] = [ages[0]!, ages.at(-1)!]
  const cold = sorted.findIndex((_, i) => fit[i]! < 0.5)
  if (cold === -1) {
    return {
      lifetimeS: undefined,
      warnings: [`the lifetime is longer than the ${oldest} s that were asked`],
    }
  }
  if (cold === 0) {
    return {
      lifetimeS: undefined,
      warnings: [`the lifetime is shorter than the ${youngest} s that were asked`],
    }
  }
  const value = between(sorted[cold - 1]!.ageS, sorted[cold]!.ageS)
  const best = logLikelihood(sorted, fit)
  const isLikely = (atS: number): boolean =>
    2 * (best - logLikelihood(sorted, heldAtHalf(sorted, atS))) <= RATIO_95
  // The likelihood changes at the ages asked only: one candidate in each gap.
  const gaps = ages.slice(1).map((age, i) => [ages[i]!, age] as const)
  const likely = gaps.filter(([from, to]) => isLikely(between(from, to)))
  const low = likely.length === 0 ? sorted[cold - 1]!.ageS : likely[0]![0]
  const high = likely.length === 0 ? sorted[cold]!.ageS : likely.at(-1)![1]
  const warnings = [
    ...(isLikely(youngest / 2)
      ? [`the lifetime may be shorter than ${youngest} s: ask more prefixes of short ages`]
      : []),
    ...(isLikely(oldest * 2)
      ? [`the lifetime may be longer than ${oldest} s: ask more prefixes of long ages`]
      : []),
  ]
  const lifetimeS: Parameter = { value, low, high, se: (high - low) / (2 * T_975), unit: 's' }
  return { lifetimeS, warnings }
}

const between = (a: number, b: number): number => Math.sqrt(a * b)

/** The falling fit under P(atS) = 1/2: each side by itself, held at one half from its side (the constrained maximum). */
function heldAtHalf(sorted: readonly AgedHit[], atS: number): number[] {
  const before = sorted.filter(({ ageS }) => ageS <= atS)
  const after = sorted.filter(({ ageS }) => ageS > atS)
  return [...falling(before).map((p) => Math.max(0.5, p)), ...falling(after).map((p) => Math.min(0.5, p))]
}

/** Shares that never rise, one a sample, nearest to the hits; samples of one age share theirs. */
export function falling(sorted: readonly AgedHit[]): number[] {
  const pools: { sum: number; count: number; ageS: number }[] = []
  for (const { ageS, hit } of sorted) {
    const last = pools.at(-1)
    if (last?.ageS === ageS) {
      last.sum += hit ? 1 : 0
      last.count++
    } else pools.push({ sum: hit ? 1 : 0, count: 1, ageS })
  }
  const merged: { sum: number; count: number }[] = []
  for (const { sum, count } of pools) {
    let pool = { sum, count }
    for (
      let last = merged.at(-1);
      last && last.sum / last.count < pool.sum / pool.count;
      last = merged.at(-1)
    ) {
      merged.pop()
      pool = { sum: last.sum + pool.sum, count: last.count + pool.count }
    }
    merged.push(pool)
  }
  return merged.flatMap(({ sum, count }) => Array.from({ length: count }, () => sum / count))
}

function logLikelihood(sorted: readonly AgedHit[], p: readonly number[]): number {
  return sorted.reduce((sum, { hit }, i) => {
    const share = hit ? p[i]! : 1 - p[i]!
    return sum + (share > 0 ? Math.log(share) : -Infinity)
  }, 0)
}
