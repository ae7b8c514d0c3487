/** Sends attributions as OTLP spans to a URL, in batches, behind the work that makes them. */
import { toOtlp } from '../attribute/to-otlp.js'
import type { Attributed } from '../attribute/paired.js'
import { otlpLine } from '../span/otlp-envelope.js'
import { checkForwardUrl, createForwarder } from './forward.js'

export interface AttributionSender {
  add(attributed: Attributed): void
  /** Sends what waits, although it is less than a batch. */
  flush(): void
  /** Waits while more than a batch is on its way. */
  settled(): Promise<void>
  /** Sends the rest. */
  close(): Promise<void>
  readonly counts: Readonly<{ sent: number; lost: number }>
}

export interface AttributionSenderOptions {
  /** Base URL; spans go to its /v1/traces. */
  url: string
  headers?: Readonly<Record<string, string>> | undefined
}

export type AttributionSenderResult = { ok: true; sender: AttributionSender } | { ok: false; message: string }

/** A call makes some seven spans. */
const BATCH = 64
/** Calls that wait for an address that does not answer; beyond, they are lost and counted. */
const MOST_WAITING = 10_000
const TRIES = 3
const RETRY_MS = 1000
const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504])

export function createAttributionSender({
  url,
  headers = {},
}: AttributionSenderOptions): AttributionSenderResult {
  const fault = checkForwardUrl(url)
  if (fault !== undefined) return { ok: false, message: fault }
  const forwarder = createForwarder({ url })
  const counts = { sent: 0, lost: 0 }
  let waiting: Attributed[] = []
  let sending: Promise<void> | undefined

  async function post(batch: readonly Attributed[]): Promise<void> {
    const body = Buffer.from(otlpLine(toOtlp(batch)))
    for (let i = 0; i < TRIES; i++) {
      if (i > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      const answer = await forwarder.pass(
        '/v1/traces',
        { ...headers, 'content-type': 'application/json' },
        body,
      )
      if (answer !== undefined && answer.status < 300) return void (counts.sent += batch.length)
      if (answer !== undefined && !AGAIN.has(answer.status)) break
    }
    counts.lost += batch.length
  }

  async function sendAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH)
      waiting = waiting.slice(BATCH)
      await post(batch)
    }
  }

  const start = (): Promise<void> =>
    (sending ??= sendAll().finally(() => {
      sending = undefined
    }))
  return {
    ok: true,
    sender: {
      counts,
      add(attributed) {
        if (waiting.length >= MOST_WAITING) return void counts.lost++
        waiting.push(attributed)
        if (waiting.length >= BATCH) void start()
      },
      flush: () => void start(),
      async settled() {
        if (waiting.length > BATCH) await start()
      },
      async close() {
        await start()
        // What was added while the last batch was ending.
        await start()
        await forwarder.close()
      },
    },
  }
}
