/** Real time over an agenda: sleeps while nothing is near, polls when something is. */
import { createAgenda, type Agenda } from './agenda.js'

export interface Pacer {
  agenda: Agenda
  stop(): void
}

/**
 * `setTimeout` alone is 1.1 ms late at p99, so it ends this long before the due time and `setImmediate` turns the
 * event loop (sockets are read meanwhile) until the instant itself.
 */
const POLL_MS = 2

/**
 * While polling, the thread sleeps for this long between two looks at the sockets when the due time is still three
 * naps away (a nap takes 50 µs longer than asked). A request that arrives meanwhile is stamped that much late, and
 * the polling costs a tenth of a core instead of a whole one, which a client on the same machine needs.
 */
const NAP_MS = 0.1

/** `nowMs` is monotonic. Due times are absolute: a late token never makes its successors late. */
export function startPacer(nowMs: () => number): Pacer {
  const never = new Int32Array(new SharedArrayBuffer(4))
  let timer: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined
  let stopped = false
  let running = false

  function look(): void {
    timer = undefined
    immediate = undefined
    running = true
    try {
      agenda.runDue(nowMs())
    } finally {
      running = false
    }
    const aheadMs = agenda.nextMs() - nowMs()
    if (aheadMs > 3 * NAP_MS && aheadMs < POLL_MS + 1) Atomics.wait(never, 0, 0, NAP_MS)
    arm()
  }

  function arm(): void {
    if (stopped || immediate || running) return
    if (timer) clearTimeout(timer)
    timer = undefined
    const nextMs = agenda.nextMs()
    if (nextMs === Infinity) return
    const sleepMs = Math.floor(nextMs - nowMs() - POLL_MS)
    // Node waits at most 2^31 - 1 ms and treats more as 1.
    if (sleepMs >= 1) timer = setTimeout(look, Math.min(sleepMs, 2 ** 31 - 1))
    else immediate = setImmediate(look)
  }

  const agenda = createAgenda(arm)
  return {
    agenda,
    stop() {
      stopped = true
      if (timer) clearTimeout(timer)
      if (immediate) clearImmediate(immediate)
    },
  }
}
