/** Ctrl-C, SIGTERM and SIGHUP: once to drain what is in flight and save, twice to stop at once. */
import type { StopControl } from '../run/events.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// How long what was cut off may take to be saved before the process goes all the same; the journal is whole.
const LAST_GRACE_MS = 2_000

export function stopOnSignals(onFirst: () => void): { control: StopControl; release(): void } {
  const drain = new AbortController()
  const cut = new AbortController()
  let lastGrace: NodeJS.Timeout | undefined
  const listen = (): void => {
    if (!drain.signal.aborted) {
      drain.abort()
      onFirst()
      return
    }
    if (cut.signal.aborted) process.exit(130)
    cut.abort()
    lastGrace = setTimeout(() => process.exit(130), LAST_GRACE_MS).unref()
  }
  for (const signal of SIGNALS) process.on(signal, listen)
  return {
    control: { drain: drain.signal, cut: cut.signal },
    release() {
      clearTimeout(lastGrace)
      for (const signal of SIGNALS) process.off(signal, listen)
    },
  }
}

/** For a server that has nothing to drain: resolves at the first of them, or because nobody reads what it prints (`gone`). */
export function stopped(gone?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    gone?.addEventListener('abort', () => resolve(), { once: true })
    for (const signal of SIGNALS) process.once(signal, () => resolve())
  })
}
