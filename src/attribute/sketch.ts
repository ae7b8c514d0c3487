/** Quantiles of a stream in fixed memory: counts in buckets of equal ratio. */

export interface Sketch {
  add(value: number): void
  /** The p-quantile to within 1 %; undefined while it is empty. */
  quantile(p: number): number | undefined
  readonly count: number
}

// Buckets of ratio γ give any quantile to within (γ − 1)/(γ + 1) (Masson, Rim & Lee 2019, DDSketch, VLDB 12).
const GAMMA = 1.02
const LOG_GAMMA = Math.log(GAMMA)
const MOST = 10_000_000
const BUCKETS = Math.ceil(Math.log(MOST) / LOG_GAMMA) + 2

/** For values from 1 up to ten million; what is below 1 counts as 0, what is above as ten million. */
export function createSketch(): Sketch {
  let counts = new Uint16Array(0)
  let wide: Uint32Array | undefined
  let zeros = 0
  let total = 0

  return {
    get count() {
      return total
    },
    add(value) {
      total++
      if (!(value >= 1)) {
        zeros++
        return
      }
      const bucket = Math.min(BUCKETS - 1, Math.ceil(Math.log(value) / LOG_GAMMA))
      if (wide !== undefined) {
        wide[bucket]!++
        return
      }
      if (counts.length === 0) counts = new Uint16Array(BUCKETS)
      if (counts[bucket]! < 65_535) counts[bucket]!++
      else {
        wide = Uint32Array.from(counts)
        wide[bucket]!++
      }
    },
    quantile(p) {
      if (total === 0) return undefined
      let rank = Math.ceil(p * total) - zeros
      if (rank <= 0) return 0
      const buckets = wide ?? counts
      for (let i = 0; i < buckets.length; i++) {
        rank -= buckets[i]!
        // The middle of a bucket, in ratio: at most 1 % from all that is in it.
        if (rank <= 0) return (2 * GAMMA ** i) / (1 + GAMMA)
      }
      return MOST
    },
  }
}
