/** The cache law: P(hit | prefix length, age) as minimum, step and lifetime, from requests that looked for its edges. */
import type { Sample } from '../sample/sample.js'
import { lifetimeOf } from './cache-lifetime.js'
import type { Parameter } from './curve.js'
import type { Fitted } from './law.js'
import { rangeOf } from './rows.js'

/** One warm request whose cached tokens the server reported. */
export interface CacheSample {
  prefixTokens: number
  cachedTokens: number
  /** Undefined: no longer than it took. */
  ageS: number | undefined
}

/** A prefix is taken for one that is not served after so many misses without a hit. */
const MISSES = 4
const T_975 = 1.96

/**
 * Of the samples that were asked to look for an edge (`asked.search`). `minimum` is the smallest count that was served,
 * its interval the bracket down to the longest prefix that was not; `step` the greatest common divisor of all counts
 * served, exact once a prefix half a step longer was served no more. Null without any such sample.
 */
export function fitCache(samples: readonly Sample[]): Fitted | null {
  const rows = samples.flatMap(({ asked, outcome, warmup, cacheState, cachedTokens }): CacheSample[] =>
    asked.search === true &&
    asked.cache === 'warm' &&
    outcome === 'ok' &&
    !warmup &&
    // Where the state is known, a count that is left out was one of 0 (Gemini).
    (cachedTokens !== undefined || cacheState !== 'unverified')
      ? [{ prefixTokens: asked.prefixTokens, cachedTokens: cachedTokens ?? 0, ageS: asked.ageS }]
      : [],
  )
  if (rows.length === 0) return null
  const blocks = new Set(
    samples.filter(({ asked }) => asked.search).map(({ probe, block }) => `${probe}/${block}`),
  )
  const young = rows.filter(({ ageS }) => ageS === undefined)
  const aged = rows.flatMap(({ ageS, cachedTokens }) =>
    ageS === undefined ? [] : [{ ageS, hit: cachedTokens > 0 }],
  )
  const edges = edgesOf(young)
  const lifetime = aged.length === 0 ? null : lifetimeOf(aged)
  const parameters: Record<string, Parameter> = {
    ...edges?.parameters,
    ...(lifetime?.lifetimeS !== undefined && { lifetimeS: lifetime.lifetimeS }),
  }
  const warnings = [...(edges?.warnings ?? []), ...(lifetime?.warnings ?? [])]
  if (edges === null && young.length > 0) {
    warnings.push(`no prefix of up to ${Math.max(...young.map((row) => row.prefixTokens))} tokens was served`)
  }
  return {
    parameters,
    // A hit or none: there is no time to be off by.
    residual: { quantiles: Array.from({ length: 99 }, () => 0), sd: 0 },
    validity: {
      prefix: rangeOf(rows.map(({ prefixTokens }) => prefixTokens)),
      ageS: aged.length === 0 ? [0, 0] : [0, rangeOf(aged.map(({ ageS }) => ageS))[1]],
    },
    samples: rows.length,
    blocks: blocks.size,
    regimes: 1,
    warnings,
  }
}

function edgesOf(rows: readonly CacheSample[]): {
  parameters: Record<'minimum' | 'step', Parameter>
  warnings: string[]
} | null {
  const hits = rows.filter(({ cachedTokens }) => cachedTokens > 0)
  if (hits.length === 0) return null
  const smallest = Math.min(...hits.map(({ cachedTokens }) => cachedTokens))
  const step = hits.map(({ cachedTokens }) => cachedTokens).reduce(greatestCommonDivisor)
  const shortest = Math.min(...hits.map(({ prefixTokens }) => prefixTokens))
  const missed = missedPrefixes(rows).filter((prefix) => prefix < shortest)
  const longestMiss = missed.length === 0 ? 0 : Math.max(...missed)
  // The largest gap between a prefix and what was served of it: a step of half that or less would have served more.
  const gap = Math.max(...hits.map(({ prefixTokens, cachedTokens }) => prefixTokens - cachedTokens))
  const isProven = step === 1 || gap >= step / 2
  return {
    parameters: {
      minimum: bracket(smallest, Math.min(smallest, longestMiss + 1), smallest),
      step: bracket(step, isProven ? step : 1, step),
    },
    warnings: [
      ...(missed.length === 0
        ? [`the minimum may lie below ${smallest} tokens: no shorter prefix was refused`]
        : []),
      ...(isProven ? [] : ['the step may be smaller: no prefix lay far enough behind a served count']),
    ],
  }
}

function missedPrefixes(rows: readonly CacheSample[]): number[] {
  const counts = new Map<number, { hits: number; misses: number }>()
  for (const { prefixTokens, cachedTokens } of rows) {
    const count = counts.get(prefixTokens) ?? { hits: 0, misses: 0 }
    if (cachedTokens > 0) count.hits++
    else count.misses++
    counts.set(prefixTokens, count)
  }
  return [...counts].flatMap(([prefix, { hits, misses }]) => (hits === 0 && misses >= MISSES ? [prefix] : []))
}

function bracket(value: number, low: number, high: number): Parameter {
  return { value, low, high, se: (high - low) / (2 * T_975), unit: 'tokens' }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
