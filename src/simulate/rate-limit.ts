/** A token bucket for each key: what a 429 comes from. */

export interface Allowed {
  readonly ok: boolean
  readonly remaining: number
  /** ms until the next request would pass; 0 when this one did. */
  readonly waitMs: number
  /** ms until the bucket is full again. */
  readonly resetMs: number
}

/** `cost` is what the request takes out of the bucket; what costs more than a whole one passes when it is full. */
export type RateLimit = (key: string, nowMs: number, cost?: number) => Allowed

/** Holds `perMinute` requests and refills steadily. */
export function createRateLimit(perMinute: number): RateLimit {
  const buckets = new Map<string, { level: number; atMs: number }>()
  const perMs = perMinute / 60_000
  const size = Math.max(1, perMinute)
  return (key, nowMs, cost = 1) => {
    const bucket = buckets.get(key) ?? { level: size, atMs: nowMs }
    bucket.level = Math.min(size, bucket.level + (nowMs - bucket.atMs) * perMs)
    bucket.atMs = nowMs
    buckets.set(key, bucket)
    const wanted = Math.min(cost, size)
    const ok = bucket.level >= wanted
    if (ok) bucket.level -= wanted
    return {
      ok,
      remaining: Math.floor(bucket.level),
      waitMs: ok ? 0 : (wanted - bucket.level) / perMs,
      resetMs: (size - bucket.level) / perMs,
    }
  }
}
