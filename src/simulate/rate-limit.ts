/** A token bucket for each key: what a 429 comes from. */

export interface Allowed {
  readonly ok: boolean
  readonly remaining: number
  /** ms until the next request would pass; 0 when this one did. */
  readonly waitMs: number
  /** ms until the bucket is full again. */
  readonly resetMs: number
}

export type RateLimit = (key: string, nowMs: number) => Allowed

/** Holds `perMinute` requests and refills steadily. */
export function createRateLimit(perMinute: number): RateLimit {
  const buckets = new Map<string, { level: number; atMs: number }>()
  const perMs = perMinute / 60_000
  const size = Math.max(1, perMinute)
  return (key, nowMs) => {
    const bucket = buckets.get(key) ?? { level: size, atMs: nowMs }
    bucket.level = Math.min(size, bucket.level + (nowMs - bucket.atMs) * perMs)
    bucket.atMs = nowMs
    buckets.set(key, bucket)
    const ok = bucket.level >= 1
    if (ok) bucket.level--
    return {
      ok,
      remaining: Math.floor(bucket.level),
      waitMs: ok ? 0 : (1 - bucket.level) / perMs,
      resetMs: (size - bucket.level) / perMs,
    }
  }
}
