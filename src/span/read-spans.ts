/** Files, folders and standard input to spans, in flat memory. */
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemReason } from '../border/system-error.js'
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
      try {
        files.push(...(await filesBelow(path)))
      } catch (error) {
        return { ok: false, message: `${path}: cannot be read: ${systemReason(error)}` }
      }
    }
  }
  return { ok: true, files }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
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
    yield* readStream(file === '-' ? input : chunksOf(file), intake)
  }
  intake.end()
  const rest = intake.take()
  if (rest.length > 0) yield rest
}

const CHUNK = 256 * 1024

/** A file in chunks that all stand in the same memory: each holds until the next is asked for. */
async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path)
  try {
    const buffer = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK, null)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/**
 * One stream of bytes; traces that are not whole at its end stay in the intake. A chunk may be used again by its source
 * when the next is asked for.
 */
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
    head.push(Buffer.from(next.value))
    length += next.value.length
  }
  const first = Buffer.concat(head)
  const whole = joined(first, iterator)
  const compression = compressionOf(first)
  return compression === undefined ? whole : decompress(copied(whole), compression)
}

/** Several chunks are in the hands of a decompressor at once. */
async function* copied(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield Buffer.from(chunk)
}

async function* joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first
    for (;;) {
      const next = await rest.next()
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await rest.return?.()
  }
}
