/** Every prefix that a region has computed, whatever its replicas have forgotten since: what a cold cache is held against. */

export interface Seen {
  /** Leading tokens of this prompt that were computed before, in whole blocks and without the last token. */
  lookUp(hashes: ArrayLike<number>, promptTokens: number): number
  remember(hashes: ArrayLike<number>): void
}

/** Blocks kept at most; the first to come are the first to go. */
const MAX_BLOCKS = 1_000_000

export function createSeen(blockTokens: number): Seen {
  const kept = new Set<number>()

  /** A block's hash holds all before it, so where one is known all before it are, and halving finds the end. */
  function known(hashes: ArrayLike<number>): number {
    const { length } = hashes
    if (length === 0 || kept.has(hashes[length - 1]!)) return length
    let low = 0
    let high = length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (kept.has(hashes[middle]!)) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    lookUp: (hashes, promptTokens) =>
      Math.min(known(hashes), Math.floor((promptTokens - 1) / blockTokens)) * blockTokens,
    remember(hashes) {
      for (let i = known(hashes); i < hashes.length; i++) kept.add(hashes[i]!)
      for (const oldest of kept) {
        if (kept.size <= MAX_BLOCKS) break
        kept.delete(oldest)
      }
    },
  }
}
