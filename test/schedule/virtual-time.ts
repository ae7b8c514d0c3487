/** A clock that a test moves: sleepers wake in order, and nothing else takes time. */
import type { Clock } from '../../src/units/time.js'

export interface VirtualTime {
  clock: Clock
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Runs everything that is due until then. */
  advanceTo(utcMs: number): Promise<void>
  /** Sets the wall clock; the monotonic one goes on. */
  jump(ms: number): void
  /** The machine sleeps: the wall clock goes on, nothing runs, and the monotonic clock stands. */
  suspend(ms: number): void
}

export function virtualTime(startUtcMs: number): VirtualTime {
  let monotonicMs = 1_000
  let offsetMs = startUtcMs - monotonicMs
  let sleepers: { atMs: number; wake: () => void }[] = []
  /** Long enough for whatever a wake sets going to come to its next sleep. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) await Promise.resolve()
  }
  return {
    clock: { nowNs: () => monotonicMs * 1e6, utcMs: () => monotonicMs + offsetMs },
    sleep(ms, signal) {
      return new Promise((resolve) => {
        const sleeper = { atMs: monotonicMs + ms, wake: resolve }
        if (signal?.aborted === true) return resolve()
        sleepers.push(sleeper)
        signal?.addEventListener(
          'abort',
          () => {
            sleepers = sleepers.filter((each) => each !== sleeper)
            resolve()
          },
          { once: true },
        )
      })
    },
    async advanceTo(utcMs) {
      await settle()
      for (;;) {
        const next = sleepers.reduce<(typeof sleepers)[number] | null>(
          (best, each) => (best === null || each.atMs < best.atMs ? each : best),
          null,
        )
        if (next === null || next.atMs + offsetMs > utcMs) break
        monotonicMs = Math.max(monotonicMs, next.atMs)
        sleepers = sleepers.filter((each) => each !== next)
        next.wake()
        await settle()
      }
      monotonicMs = Math.max(monotonicMs, utcMs - offsetMs)
    },
    jump: (ms) => void (offsetMs += ms),
    suspend: (ms) => void (offsetMs += ms),
  }
}
