/** Where `--otlp` writes attributions: a file of OTLP/JSON lines, or a URL. */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { systemReason } from '../border/system-error.js'
import type { Attributed } from '../attribute/paired.js'
import { toOtlp } from '../attribute/to-otlp.js'
import { createAttributionSender } from '../serve/attribution-sender.js'
import { otlpLine } from '../span/otlp-envelope.js'
import { plural } from '../report/numbers.js'

export interface OtlpOut {
  add(attributed: Attributed): void
  /** Sends on what waits. */
  flush(): void
  drained(): Promise<void>
  /** In words what did not get there; null where all did. */
  close(): Promise<string | null>
}

export type OpenedOtlp = { ok: true; out: OtlpOut } | { ok: false; message: string }

const BATCH = 64

export async function openOtlp(
  target: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<OpenedOtlp> {
  return /^[a-z]+:\/\//i.test(target) ? openUrl(target, env) : openFile(target)
}

function openUrl(url: string, env: Readonly<Record<string, string | undefined>>): OpenedOtlp {
  const made = createAttributionSender({ url, headers: headersOf(env['OTEL_EXPORTER_OTLP_HEADERS'] ?? '') })
  if (!made.ok) return made
  const { sender } = made
  return {
    ok: true,
    out: {
      add: sender.add,
      flush: sender.flush,
      drained: sender.settled,
      async close() {
        await sender.close()
        const { lost } = sender.counts
        return lost === 0
          ? null
          : `${plural(lost, 'attribution')} did not get to the OTLP address: it did not answer, or refused them`
      },
    },
  }
}

/** `key=value,key=value` with percent-encoded values (OpenTelemetry specification, OTLP exporter). */
function headersOf(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair) => {
    const at = pair.indexOf('=')
    if (at < 1) return []
    const value = pair.slice(at + 1).trim()
    return [[pair.slice(0, at).trim().toLowerCase(), decoded(value)] as const]
  })
  return Object.fromEntries(pairs)
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

async function openFile(file: string): Promise<OpenedOtlp> {
  const stream = createWriteStream(file, { mode: 0o600 })
  try {
    await once(stream, 'open')
  } catch (error) {
    return {
      ok: false,
      message: `--otlp ${file} cannot be written: ${systemReason(error)}; choose another file`,
    }
  }
  let fault: string | null = null
  stream.on(
    'error',
    (error) => (fault ??= `--otlp ${file} could not be written whole: ${systemReason(error)}`),
  )
  let waiting: Attributed[] = []
  const flush = (): void => {
    if (waiting.length > 0 && fault === null) stream.write(`${otlpLine(toOtlp(waiting))}\n`)
    waiting = []
  }
  return {
    ok: true,
    out: {
      add(attributed) {
        waiting.push(attributed)
        if (waiting.length >= BATCH) flush()
      },
      flush,
      async drained() {
        if (stream.writableNeedDrain && fault === null) await once(stream, 'drain').catch(() => undefined)
      },
      async close() {
        flush()
        if (fault !== null) return fault
        stream.end()
        await once(stream, 'close').catch(() => undefined)
        return fault
      },
    },
  }
}
