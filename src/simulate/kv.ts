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
  /** When each block was last used and when it was written, ms; heeded only where blocks have a lifetime. */
  readonly usedMs: Float64Array
  readonly bornMs: Float64Array
  readonly lifetime: KvLifetime
  /** The blocks of the last look-up. */
  readonly found: number[]
  /** Now, for the lifetimes. */
  nowMs: number
}

/** How long a block can be found, ms: since its last use, and in all. `Infinity`: for as long as it has its place. */
export interface KvLifetime {
  readonly idleMs: number
  readonly maxMs: number
}

const FOREVER: KvLifetime = { idleMs: Infinity, maxMs: Infinity }

export function createKvPool(blocks: number, lifetime: KvLifetime = FOREVER): KvPool {
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
    usedMs: new Float64Array(blocks),
    bornMs: new Float64Array(blocks),
    lifetime,
    found: [],
    nowMs: 0,
  }
}

/** The block with this content, or −1: never written, lost, or too old. */
function find(pool: KvPool, hash: number): number {
  const block = pool.byHash.get(hash)
  if (block === undefined) return -1
  const { idleMs, maxMs } = pool.lifetime
  const tooOld = pool.nowMs - pool.usedMs[block]! > idleMs || pool.nowMs - pool.bornMs[block]! > maxMs
  return tooOld ? -1 : block
}

/**
 * How many leading blocks of `hashes` are present, at most `limit`. Holds none of them; which they are stands in
 * `found` until the next call.
 */
export function countHits(pool: KvPool, hashes: ArrayLike<number>, limit: number): number {
  const end = Math.min(limit, hashes.length)
  const { found } = pool
  found.length = 0
  for (let i = 0; i < end; i++) {
    const block = find(pool, hashes[i]!)
    if (block < 0) break
    found.push(block)
  }
  return found.length
}

/** How many of the first `hits` blocks that were found nobody holds: taking them uses up free blocks too. */
export function countIdleHits({ refs, found }: KvPool, hits: number): number {
  let idle = 0
  for (let i = 0; i < hits; i++) if (refs[found[i]!] === 0) idle++
  return idle
}

/** Takes a share in a block that was found. */
export function hold(pool: KvPool, block: number): void {
  if (pool.refs[block]!++ === 0) unlink(pool, block)
  pool.usedMs[block] = pool.nowMs
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
  const earlier = pool.byHash.get(hash)
  if (earlier !== undefined) {
    if (find(pool, hash) >= 0) return
    pool.hashes[earlier] = 0
  }
  pool.hashes[block] = hash
  pool.byHash.set(hash, block)
  pool.bornMs[block] = pool.nowMs
  pool.usedMs[block] = pool.nowMs
}

/** Gives back all of a sequence's blocks, last first, so that the end of a prefix is forgotten before its start. */
export function releaseAll(pool: KvPool, blocks: number[]): void {
  for (let i = blocks.length - 1; i >= 0; i--) {
    const block = blocks[i]!
    pool.usedMs[block] = pool.nowMs
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
