/** The paged KV cache of one replica: blocks with reference counts, found again by chained hash, freed by age. */

/** Blocks are numbers below `refs.length`. Those that nobody holds form a list, oldest first, linked by index. */
export interface KvPool {
  readonly refs: Int32Array
  /** Chained hash of a block's content; 0 where it holds nothing that can be found again. */
  readonly hashes: Float64Array
  readonly byHash: Map<number, number>
  /** The list of free blocks; index `refs.length` is its sentinel. */
  readonly next: Int32Array
  readonly previous: Int32Array
  free: number
}

export function createKvPool(blocks: number): KvPool {
  const next = new Int32Array(blocks + 1)
  const previous = new Int32Array(blocks + 1)
  for (let i = 0; i <= blocks; i++) {
    next[i] = i === blocks ? 0 : i + 1
    previous[i] = i === 0 ? blocks : i - 1
  }
  return {
    refs: new Int32Array(blocks),
    hashes: new Float64Array(blocks),
    byHash: new Map(),
    next,
    previous,
    free: blocks,
  }
}

/** How many leading blocks of `hashes` are present, at most `limit`. Holds none of them. */
export function countHits(pool: KvPool, hashes: ArrayLike<number>, limit: number): number {
  const end = Math.min(limit, hashes.length)
  let hits = 0
  while (hits < end && pool.byHash.has(hashes[hits]!)) hits++
  return hits
}

/** How many of the first `hits` blocks nobody holds: taking them uses up free blocks too. */
export function countIdleHits(pool: KvPool, hashes: ArrayLike<number>, hits: number): number {
  let idle = 0
  for (let i = 0; i < hits; i++) if (pool.refs[pool.byHash.get(hashes[i]!)!] === 0) idle++
  return idle
}

/** Takes a share in a block that was found by its hash. */
export function hold(pool: KvPool, hash: number): number {
  const block = pool.byHash.get(hash)
  if (block === undefined) throw new Error(`no block with hash ${hash}`)
  if (pool.refs[block]!++ === 0) unlink(pool, block)
  return block
}

/** Takes the block that was free longest; what it held is forgotten. −1 when none is free. */
export function allocate(pool: KvPool): number {
  if (pool.free === 0) return -1
  const block = pool.next[pool.refs.length]!
  unlink(pool, block)
  const hash = pool.hashes[block]!
  if (hash !== 0) {
    pool.byHash.delete(hash)
    pool.hashes[block] = 0
  }
  pool.refs[block] = 1
  return block
}

/** Makes a full block findable. A block with the same content that came earlier stays the one that is found. */
export function publish(pool: KvPool, block: number, hash: number): void {
  if (pool.byHash.has(hash)) return
  pool.hashes[block] = hash
  pool.byHash.set(hash, block)
}

/** Gives back all of a sequence's blocks, last first, so that the end of a prefix is forgotten before its start. */
export function releaseAll(pool: KvPool, blocks: number[]): void {
  for (let i = blocks.length - 1; i >= 0; i--) {
    const block = blocks[i]!
    if (--pool.refs[block]! === 0) append(pool, block)
  }
  blocks.length = 0
}

function unlink(pool: KvPool, block: number): void {
  const before = pool.previous[block]!
  const after = pool.next[block]!
  pool.next[before] = after
  pool.previous[after] = before
  pool.free--
}

/** A block that can't be found again goes to the front: it is the cheapest to lose. */
function append(pool: KvPool, block: number): void {
  const sentinel = pool.refs.length
  const before = pool.hashes[block] === 0 ? sentinel : pool.previous[sentinel]!
  const after = pool.next[before]!
  pool.next[before] = block
  pool.previous[block] = before
  pool.next[block] = after
  pool.previous[after] = block
  pool.free++
}
