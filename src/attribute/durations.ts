/** How long spans took and what their verdicts were, in fixed memory: counts by length and verdict. */
import { verdicts, type Verdict } from '../span/causes.js'

export type VerdictCounts = Record<Verdict, number>

export interface Durations {
  add(durationMs: number, verdict: Verdict): void
  /** Milliseconds that a share `p` of the spans does not pass, to within 2.5 %; null while it is empty. */
  quantile(p: number): number | null
  /** Verdicts of the spans beyond the p-quantile; of all for 0. */
  beyond(p: number): { overMs: number; spans: number; verdicts: VerdictCounts }
  readonly count: number
}

// Buckets of equal ratio γ, as in DDSketch (Masson, Rim & Lee 2019, VLDB 12): up to some three hours.
const GAMMA = 1.05
const LOG_GAMMA = Math.log(GAMMA)
const BUCKETS = Math.ceil(Math.log(10_000_000) / LOG_GAMMA) + 2
const indexOf = Object.fromEntries(verdicts.map((verdict, i) => [verdict, i]))

export function createDurations(): Durations {
  const counts = new Uint32Array(BUCKETS * verdicts.length)
  let count = 0

  const inBucket = (bucket: number): number => {
    let sum = 0
    for (let i = 0; i < verdicts.length; i++) sum += counts[bucket * verdicts.length + i] ?? 0
    return sum
  }
  /** The last bucket that the quantile needs. */
  const bucketOf = (p: number): number => {
    let left = Math.ceil(p * count)
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= inBucket(bucket)
      if (left <= 0) return bucket
    }
    return BUCKETS - 1
  }

  return {
    add(durationMs, verdict) {
      const bucket = durationMs > 1 ? Math.min(BUCKETS - 1, Math.ceil(Math.log(durationMs) / LOG_GAMMA)) : 0
      const at = bucket * verdicts.length + (indexOf[verdict] ?? 0)
      counts[at] = (counts[at] ?? 0) + 1
      count++
    },
    quantile: (p) => (count === 0 ? null : (2 * GAMMA ** bucketOf(p)) / (1 + GAMMA)),
    beyond(p) {
      const last = count === 0 || p <= 0 ? -1 : bucketOf(p)
      const found = noVerdicts()
      let spans = 0
      for (let at = (last + 1) * verdicts.length; at < counts.length; at++) {
        const verdict = verdicts[at % verdicts.length]
        const here = counts[at] ?? 0
        if (verdict !== undefined) found[verdict] += here
        spans += here
      }
      return { overMs: last < 0 ? 0 : GAMMA ** last, spans, verdicts: found }
    },
    get count() {
      return count
    },
  }
}

function noVerdicts(): VerdictCounts {
  return Object.fromEntries(verdicts.map((verdict) => [verdict, 0])) as VerdictCounts // eslint-disable-line typescript/no-unsafe-type-assertion -- of exactly these keys
}
