/** Samples as rows of a law: which of them count, at which lengths, in which block. */
import { counts } from '../sample/counts.js'
import type { Sample } from '../sample/sample.js'

/** One sample of a law. */
export interface Row {
  /** Prompt tokens that had to be computed, n − c. */
  fresh: number
  /** Prompt tokens served from the prefix cache, c. */
  cached: number
  /** Mean context while decoding: prompt tokens + half of the output tokens. */
  context: number
  outputTokens: number
  concurrency: number
  ttft: number | null
  tpot: number | null
  /** Asked warm. */
  warm: boolean
  /** Asked warm, and the server did not say how much it served from the cache: `cached` is what was asked. */
  apart: boolean
  unverified: boolean
  /** Number of its block in order of time; a block is one pass of one probe over its cells. */
  block: number
  /** Number of its cell. */
  cell: number
}

/**
 * The successful closed-loop samples whose cache state was not contradicted, in order of time. Counts are the
 * server's where it gave them, else ours, else what was asked. Own prompts (cache `any`) feed no curve.
 */
export function toRows(samples: readonly Sample[]): Row[] {
  const blocks = numbering()
  const cells = numbering()
  return samples
    .filter(feedsCurves)
    .sort((a, b) => a.atMs - b.atMs)
    .map((sample) => {
      const { asked } = sample
      // Servers have reported nonsense: 0 prompt tokens, or more cached ones than there are.
      const promptTokens = sample.promptTokens || asked.promptTokens
      const outputTokens = sample.outputTokens || asked.outputTokens
      const warm = asked.cache === 'warm'
      const reported = sample.cachedTokens ?? (warm ? asked.prefixTokens : 0)
      const cached = Math.min(promptTokens, Math.max(0, reported))
      return {
        fresh: promptTokens - cached,
        cached,
        context: promptTokens + outputTokens / 2,
        outputTokens,
        concurrency: asked.concurrency ?? 1,
        ttft: sample.ttft,
        tpot: sample.tpot,
        warm,
        apart: warm && sample.cachedTokens === undefined,
        unverified: sample.cacheState === 'unverified',
        block: blocks(`${sample.probe}\n${sample.block}`),
        cell: cells(sample.cell),
      }
    })
}

function feedsCurves(sample: Sample): boolean {
  const { asked } = sample
  const isLaw = asked.cache !== 'any' && asked.search !== true
  return counts(sample) && isLaw && asked.concurrency !== null && asked.rate === null
}

/** Numbers labels from 0 in the order in which they come. */
export function numbering(): (label: string) => number {
  const known = new Map<string, number>()
  return (label) => {
    const number = known.get(label) ?? known.size
    known.set(label, number)
    return number
  }
}

/** A row with a time above 0; a time of 0 has no logarithm. */
export type Timed = Row & { ms: number }

export function timed(rows: readonly Row[], metric: 'ttft' | 'tpot'): Timed[] {
  return rows.flatMap((row) => {
    const ms = row[metric]
    return ms !== null && ms > 0 ? [{ ...row, ms }] : []
  })
}

export function rangeOf(values: readonly number[]): readonly [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  )
}
