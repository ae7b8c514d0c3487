/** Waiting for an instant, closer than a timer alone comes to it. */
import type { Clock } from '../units/time.js'

// setTimeout fires up to 1.1 ms late at p99: sleep to shortly before the instant, then let the event loop spin.
const SPIN_NS = 2_000_000
// A timer of 2^31 ms fires at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Resolves at `atNs` of `clock`, at once when that is past, or when the signal fires. Sockets are served meanwhile. */
export async function waitUntil(atNs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const sleepNs = atNs - clock.nowNs() - SPIN_NS
    if (sleepNs <= 0) break
    await pause(Math.min(sleepNs / 1e6, LONGEST_TIMER_MS), signal)
  }
  while (!signal.aborted && clock.nowNs() < atNs) await giveWay()
}

/** The same to the millisecond: no spin, which would take a core from the thread that waits out the rest. */
export async function sleepUntil(atNs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let leftNs = atNs - clock.nowNs(); leftNs > 0 && !signal.aborted; leftNs = atNs - clock.nowNs())
    await pause(Math.min(Math.ceil(leftNs / 1e6), LONGEST_TIMER_MS), signal)
}

// A stop by another stream must not wait for the end of a long hold.
const HOLD_SLICE_MS = 100

/** Resolves at `atNs`, or when the run begins to end; for holds that need not end on the millisecond. */
export async function holdUntil(
  atNs: number,
  { clock, stopping, drain }: { clock: Clock; stopping(): boolean; drain: AbortSignal },
): Promise<void> {
  for (let nowNs = clock.nowNs(); nowNs < atNs && !stopping() && !drain.aborted; nowNs = clock.nowNs())
    await pause(Math.min(HOLD_SLICE_MS, Math.ceil((atNs - nowNs) / 1e6)), drain)
}

/** One turn of the event loop: timers, sockets and signals are served. */
export async function giveWay(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A pause that a stop ends early. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
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
