/** Which replica serves: prompts that begin alike go to the same one, until there are too many of them. */
import type { FleetConstants } from './fleet-constants.js'

export interface Asked {
  readonly hashes: ArrayLike<number>
  readonly key: string
  readonly nowMs: number
  /** Uniform draws: which replica where no prefix chooses, and which of the others when the home overflows. */
  readonly replica: number
  readonly overflow: number
}

export type Router = (asked: Asked) => number

/** Prefixes remembered at most; the least recently asked for go first. */
const MAX_PREFIXES = 100_000

/**
 * Chance decides by the request's own draws and never by the load of the moment, so that a run without some cause
 * routes as the run with it. A prefix has a bucket that holds `overflowPerMinute` requests and refills at that rate.
 */
export function createRouter(
  constants: Pick<FleetConstants, 'replicas' | 'affinityTokens' | 'overflowPerMinute'> & {
    readonly blockTokens: number
  },
): Router {
  const { replicas, overflowPerMinute } = constants
  const affinityBlocks = Math.max(1, Math.floor(constants.affinityTokens / constants.blockTokens))
  const buckets = new Map<number, { level: number; atMs: number }>()

  function isOverfull(prefix: number, nowMs: number): boolean {
    if (overflowPerMinute === 0) return false
    const bucket = buckets.get(prefix) ?? { level: overflowPerMinute, atMs: nowMs }
    buckets.delete(prefix)
    buckets.set(prefix, bucket)
    bucket.level = Math.min(
      overflowPerMinute,
      bucket.level + ((nowMs - bucket.atMs) * overflowPerMinute) / 60_000,
    )
    bucket.atMs = nowMs
    for (const oldest of buckets.keys()) {
      if (buckets.size <= MAX_PREFIXES) break
      buckets.delete(oldest)
    }
    if (bucket.level < 1) return true
    bucket.level--
    return false
  }

  return ({ hashes, key, nowMs, replica, overflow }) => {
    if (replicas === 1) return 0
    const blocks = Math.min(affinityBlocks, hashes.length)
    if (blocks === 0) return Math.floor(replica * replicas)
    const prefix = mixKey(hashes[blocks - 1]!, key)
    const home = prefix % replicas
    if (!isOverfull(prefix, nowMs)) return home
    return (home + 1 + Math.floor(overflow * (replicas - 1))) % replicas
  }
}

/** 32 bits of a block hash and a key: FNV-1a over the key, murmur3's finish. */
function mixKey(hash: number, key: string): number {
  let h = (hash % 4_294_967_296) ^ Math.floor(hash / 4_294_967_296)
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
