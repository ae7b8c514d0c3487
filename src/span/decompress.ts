/** Undoes gzip and Zstandard, told by their first bytes, in a stream or at once; what comes out is counted, not trusted. */
import { Decompress } from 'fzstd'
import { Readable } from 'node:stream'
import * as zlib from 'node:zlib'

export type Compression = 'gzip' | 'zstd'

/** Windows above 128 MiB are refused, as zstd's own tool does without `--long`. */
const MAX_ZSTD_WINDOW = 128 * 1024 * 1024

/** RFC 1952 and RFC 8878. */
export function compressionOf(head: Uint8Array): Compression | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip'
  return head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd ? 'zstd' : undefined
}

export class TooLarge extends Error {}

/** Decompressed bytes. Throws where the stream is broken or ends early; what came before has been given out. */
export async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  const native = compression === 'gzip' ? zlib.createGunzip() : nativeZstd()
  if (native === undefined) yield* ownZstd(chunks)
  else {
    const source = Readable.from(chunks)
    source.on('error', (error) => native.destroy(error))
    yield* source.pipe(native) as AsyncIterable<Uint8Array>
  }
}

/** At once, for one record or request. Throws `TooLarge` above `maxBytes` and others where the bytes are broken. */
export async function decompressAll(
  input: Uint8Array,
  compression: Compression,
  maxBytes: number,
): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of decompress(once(input), compression)) {
    length += part.length
    if (length > maxBytes) throw new TooLarge(`more than ${maxBytes} bytes when decompressed`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

async function* once(input: Uint8Array): AsyncGenerator<Uint8Array> {
  // In small steps: the decoder must not fill memory before the count is looked at.
  for (let at = 0; at < input.length; at += 16_384) yield input.subarray(at, at + 16_384)
}

/** Node 22.15 and later have it. */
function nativeZstd(): ReturnType<typeof zlib.createGunzip> | undefined {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress')
  if (typeof create !== 'function') return undefined
  const stream: unknown = create()
  return isTransform(stream) ? stream : undefined
}

function isTransform(value: unknown): value is ReturnType<typeof zlib.createGunzip> {
  return value instanceof Readable && 'write' in value && typeof value.write === 'function'
}

async function* ownZstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = []
  let isDone = false
  const decoder = new Decompress((part, final) => {
    if (part.length > 0) ready.push(part)
    isDone ||= final === true
  })
  let head: Uint8Array | undefined
  for await (const chunk of chunks) {
    if (head === undefined) {
      head = chunk
      checkWindow(chunk)
    }
    // A small input may stand for much output: in steps, so that what waits in `ready` stays small.
    for (let at = 0; at < chunk.length; at += 4096) {
      decoder.push(chunk.subarray(at, at + 4096))
      const parts = ready
      ready = []
      yield* parts
    }
  }
  decoder.push(new Uint8Array(0), true)
  yield* ready
  if (!isDone) throw new Error('the zstd stream ends early')
}

/** What the first frame asks to be kept (RFC 8878, 3.1.1.1): its window, or all its content in a single segment. */
function checkWindow(head: Uint8Array): void {
  const descriptor = head[4] ?? 0
  const isSingleSegment = (descriptor & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0
  const sizeAt = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes
  let size = 0
  for (let i = 0; i < sizeBytes; i++) size += (head[sizeAt + i] ?? 0) * 256 ** i
  const windowBytes = isSingleSegment ? size : 2 ** (10 + ((head[5] ?? 0) >>> 3))
  if (windowBytes > MAX_ZSTD_WINDOW) throw new TooLarge('a zstd window of more than 128 MiB')
}
