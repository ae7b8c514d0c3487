/** Files, folders and standard input to spans, in flat memory. */
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { compressionOf, decompress } from './decompress.js'
import { readFrames } from './framing.js'
import type { Intake } from './intake.js'
import type { Span } from './span.js'

export type SpanFiles = { ok: true; files: readonly string[] } | { ok: false; message: string }

/** Every file that the paths name, folders gone through, in the order of names; `-` is standard input. */
export async function listSpanFiles(paths: readonly string[]): Promise<SpanFiles> {
  const files: string[] = []
  for (const path of paths) {
    if (path === '-') {
      files.push(path)
      continue
    }
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) {
      return { ok: false, message: `${path}: no file or folder of spans lies here, or it may not be read` }
    }
    if (!found.isDirectory()) files.push(path)
    else {
      const entries = await readdir(path, { recursive: true, withFileTypes: true })
      const names = entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => join(entry.parentPath, entry.name))
      files.push(...names.sort())
    }
  }
  return { ok: true, files }
}

/**
 * All spans of the files, in batches of any size, the last ones when every file has ended. What cannot be read is
 * counted in the intake and stops nothing: not even a file that breaks off or may not be opened.
 */
export async function* readSpans(
  files: readonly string[],
  intake: Intake,
  input: AsyncIterable<Uint8Array> = process.stdin,
): AsyncGenerator<readonly Span[]> {
  for (const file of files) {
    const chunks = file === '-' ? input : createReadStream(file, { highWaterMark: 256 * 1024 })
    yield* readStream(chunks, intake)
  }
  intake.end()
  const rest = intake.take()
  if (rest.length > 0) yield rest
}

/** One stream of bytes; traces that are not whole at its end stay in the intake. */
export async function* readStream(
  chunks: AsyncIterable<Uint8Array>,
  intake: Intake,
): AsyncGenerator<readonly Span[]> {
  try {
    for await (const _ of readFrames(await plain(chunks), intake)) {
      const spans = intake.take()
      if (spans.length > 0) yield spans
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    intake.fault(`a file that breaks off${code === '' ? '' : ` (${code})`}`)
  }
}

async function plain(chunks: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let length = 0
  while (length < 18) {
    const next = await iterator.next()
    if (next.done === true) break
    head.push(next.value)
    length += next.value.length
  }
  const first = Buffer.concat(head)
  const whole = joined(first, iterator)
  const compression = compressionOf(first)
  return compression === undefined ? whole : decompress(whole, compression)
}

async function* joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  for (;;) {
    const next = await rest.next()
    if (next.done === true) return
    yield next.value
  }
}
