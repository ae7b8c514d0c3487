/** The prefix cache of a hosted face, seen from outside: minimum, step, lifetime, no pool to share. */

export interface PrefixRules {
  /** Fewer tokens than this are never served from the cache. */
  readonly cacheMinTokens: number
  /** Cached tokens come in multiples of this. */
  readonly cacheStepTokens: number
  /** A block not used for this long is gone, and at the latest `cacheMaxMs` after it was written. 0: never. */
  readonly cacheIdleMs: number
  readonly cacheMaxMs: number
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
  const kept = new Map<number, { usedMs: number; bornMs: number }>()
  const idleMs = rules.cacheIdleMs || Infinity
  const maxMs = rules.cacheMaxMs || Infinity

  function isThere(hash: number, nowMs: number): boolean {
    const times = kept.get(hash)
    return times !== undefined && nowMs - times.usedMs <= idleMs && nowMs - times.bornMs <= maxMs
  }

  function renew(hash: number, nowMs: number): void {
    const bornMs = isThere(hash, nowMs) ? kept.get(hash)!.bornMs : nowMs
    kept.delete(hash)
    kept.set(hash, { usedMs: nowMs, bornMs })
  }

  return {
    lookUp(hashes, promptTokens, nowMs) {
      let hits = 0
      while (hits < hashes.length && isThere(hashes[hits]!, nowMs)) hits++
      for (let i = hits - 1; i >= 0; i--) renew(hashes[i]!, nowMs)
      // The last token is always computed.
      const found = Math.min(hits * rules.blockTokens, promptTokens - 1)
      const cached = Math.floor(found / rules.cacheStepTokens) * rules.cacheStepTokens
      return cached >= rules.cacheMinTokens ? cached : 0
    },
    remember(hashes, nowMs) {
      for (let i = hashes.length - 1; i >= 0; i--) renew(hashes[i]!, nowMs)
      for (const hash of kept.keys()) {
        if (kept.size <= MAX_BLOCKS) break
        kept.delete(hash)
      }
    },
  }
}
