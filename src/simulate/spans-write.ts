/** Labelled spans into files or a pipe, a line at a time. */
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { systemReason } from '../border/system-error.js'
import { labelledSpans, type SpansSetup } from './spans.js'

export interface SpansOutput {
  /** Lines of OTLP/JSON: a file, which is replaced, or a stream. */
  readonly spans: string | Writable
  /** The truth, one JSON object a line. Default: none. */
  readonly truth?: string | undefined
  /** Told now and then how many calls are written. */
  readonly onProgress?: (written: number) => void
}

export type SpansWritten =
  | { readonly ok: true; readonly written: number }
  /** `unwritable`: a file could not be opened, and nothing was run; `broken`: writing failed on the way. */
  | { readonly ok: false; readonly reason: 'unwritable' | 'broken'; readonly problem: string }

/** A reader that goes away ends it early, and is no error. */
export async function writeLabelledSpans(setup: SpansSetup, output: SpansOutput): Promise<SpansWritten> {
  for (const path of [output.spans, output.truth]) {
    if (typeof path !== 'string') continue
    const fault = await faultOfFile(path)
    if (fault !== undefined) return { ok: false, reason: 'unwritable', problem: fault }
  }
  const spans = createSink(output.spans)
  const truth = output.truth === undefined ? undefined : createSink(output.truth)
  let written = 0
  for (const call of labelledSpans(setup)) {
    await spans.write(call.line)
    await truth?.write(JSON.stringify(call.truth))
    if (spans.fault() !== undefined || truth?.fault() !== undefined) break
    written++
    if (written % PROGRESS_EVERY === 0) output.onProgress?.(written)
  }
  await spans.end()
  await truth?.end()
  const fault = spans.fault() ?? truth?.fault()
  if (fault === undefined || fault === 'EPIPE') return { ok: true, written }
  return { ok: false, reason: 'broken', problem: `writing failed after ${written} calls (${fault})` }
}

const PROGRESS_EVERY = 1000

async function faultOfFile(path: string): Promise<string | undefined> {
  try {
    await (await open(path, 'a', 0o600)).close()
    return undefined
  } catch (error) {
    return `${path} cannot be written: ${systemReason(error)}; choose another file`
  }
}

interface Sink {
  /** Waits while the other end is slow, so that lines do not pile up. */
  write(line: string): Promise<void>
  end(): Promise<void>
  fault(): string | undefined
}

/** Lines are joined before they are written; a write each would cost more than the line. */
const WRITE_CHARS = 256 * 1024

function createSink(to: string | Writable): Sink {
  const stream: Writable = typeof to === 'string' ? createWriteStream(to, { mode: 0o600 }) : to
  let fault: string | undefined
  let held: string[] = []
  let heldChars = 0
  const fail = (error: unknown): void => {
    fault ??= codeOf(error)
  }
  stream.on('error', fail)
  const flush = (): Promise<void> =>
    new Promise((resolve) => {
      const text = held.join('')
      held = []
      heldChars = 0
      if (text === '' || fault !== undefined || stream.destroyed) resolve()
      else
        stream.write(text, (error) => {
          if (error) fail(error)
          resolve()
        })
    })
  return {
    async write(line) {
      held.push(line, '\n')
      heldChars += line.length
      if (heldChars >= WRITE_CHARS) await flush()
    },
    async end() {
      await flush()
      if (typeof to !== 'string' || fault !== undefined) return
      await new Promise<void>((resolve) => void stream.end(resolve))
    },
    fault: () => fault,
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
