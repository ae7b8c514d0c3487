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

interface Block {
  usedMs: number
  bornMs: number
  /** When it took its place in the order of those that may go. */
  queuedMs: number
}

/** Blocks kept at most. 16-token blocks: 8 million tokens. */
const MAX_BLOCKS = 500_000

export function createPrefixMemory(rules: PrefixRules): PrefixMemory {
  // A Map keeps insertion order. What was used since it was put there gets a second chance (Corbató 1968, CLOCK).
  const kept = new Map<number, Block>()
  const idleMs = rules.cacheIdleMs || Infinity
  const maxMs = rules.cacheMaxMs || Infinity

  function find(hash: number, nowMs: number): Block | undefined {
    const block = kept.get(hash)
    if (block === undefined) return undefined
    return nowMs - block.usedMs <= idleMs && nowMs - block.bornMs <= maxMs ? block : undefined
  }

  function makeRoom(): void {
    for (const [hash, block] of kept) {
      if (kept.size <= MAX_BLOCKS) return
      kept.delete(hash)
      if (block.usedMs > block.queuedMs) kept.set(hash, { ...block, queuedMs: block.usedMs })
    }
  }

  return {
    lookUp(hashes, promptTokens, nowMs) {
      let hits = 0
      for (; hits < hashes.length; hits++) {
        const block = find(hashes[hits]!, nowMs)
        if (!block) break
        block.usedMs = nowMs
      }
      // The last token is always computed.
      const found = Math.min(hits * rules.blockTokens, promptTokens - 1)
      const cached = Math.floor(found / rules.cacheStepTokens) * rules.cacheStepTokens
      return cached >= rules.cacheMinTokens ? cached : 0
    },
    remember(hashes, nowMs) {
      for (let i = hashes.length - 1; i >= 0; i--) {
        const block = find(hashes[i]!, nowMs)
        if (block) block.usedMs = nowMs
        else kept.set(hashes[i]!, { usedMs: nowMs, bornMs: nowMs, queuedMs: nowMs })
      }
      makeRoom()
    },
  }
}
