/** The prefix cache of a hosted face, seen from outside: minimum, step, lifetime, no pool to share. */

export interface PrefixRules {
  /** Fewer tokens than this are never served from the cache. */
  readonly cacheMinTokens: number
  /** Cached tokens come in multiples of this. */
  readonly cacheStepTokens: number
  /** A block not used for this long is gone. */
  readonly cacheIdleMs: number
  readonly blockTokens: number
}

export interface PrefixMemory {
  /** Tokens of this prompt that are served from the cache now. Renews what it finds. */
  lookUp(hashes: ArrayLike<number>, promptTokens: number, nowMs: number): number
  remember(hashes: ArrayLike<number>, nowMs: number): void
}

/** Blocks kept at most; the least recently used go first. 16-token blocks: 8 million tokens. */
const MAX_BLOCKS = 500_000

export function createPrefixMemory(rules: PrefixRules): PrefixMemory {
  // A Map keeps insertion order, so deleting and setting again makes it a least-recently-used list.
  const usedMs = new Map<number, number>()

  function renew(hash: number, nowMs: number): void {
    usedMs.delete(hash)
    usedMs.set(hash, nowMs)
  }

  return {
    lookUp(hashes, promptTokens, nowMs) {
      let hits = 0
      while (hits < hashes.length) {
        const lastMs = usedMs.get(hashes[hits]!)
        if (lastMs === undefined || nowMs - lastMs > rules.cacheIdleMs) break
        hits++
      }
      for (let i = hits - 1; i >= 0; i--) renew(hashes[i]!, nowMs)
      // The last token is always computed.
      const found = Math.min(hits * rules.blockTokens, promptTokens - 1)
      const cached = Math.floor(found / rules.cacheStepTokens) * rules.cacheStepTokens
      return cached >= rules.cacheMinTokens ? cached : 0
    },
    remember(hashes, nowMs) {
      for (let i = hashes.length - 1; i >= 0; i--) renew(hashes[i]!, nowMs)
      for (const hash of usedMs.keys()) {
        if (usedMs.size <= MAX_BLOCKS) break
        usedMs.delete(hash)
      }
    },
  }
}
