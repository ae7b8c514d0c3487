/** Waiting for an instant, closer than a timer alone comes to it. */
import type { Clock } from '../units/time.js'

// setTimeout fires up to 1.1 ms late at p99: sleep to shortly before the instant, then let the event loop spin.
const SPIN_NS = 2_000_000

/** Resolves at `atNs` of `clock`, or at once when that is past. Sockets are served while it waits. */
export async function waitUntil(atNs: number, clock: Clock): Promise<void> {
  const sleepNs = atNs - clock.nowNs() - SPIN_NS
  if (sleepNs > 0) await new Promise<void>((resolve) => setTimeout(resolve, sleepNs / 1e6))
  while (clock.nowNs() < atNs) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A pause that a stop ends early. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}
