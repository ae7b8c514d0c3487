/** Bytes that have come and are not used up yet, in one piece; it grows by doubling, so that each byte is copied seldom. */

export interface ByteWindow {
  /** The bytes from `start` to `end` are waiting. */
  bytes: Buffer
  start: number
  end: number
}

export function createWindow(): ByteWindow {
  return { bytes: Buffer.allocUnsafe(256 * 1024), start: 0, end: 0 }
}

/** Appends; what stood before `start` is given up, so that offsets move by the returned number of bytes to the left. */
export function append(window: ByteWindow, chunk: Uint8Array): number {
  const { bytes, start, end } = window
  const length = end - start
  if (end + chunk.length <= bytes.length) {
    bytes.set(chunk, end)
    window.end = end + chunk.length
    return 0
  }
  let target = bytes
  if (length + chunk.length > bytes.length) {
    let size = bytes.length
    while (size < length + chunk.length) size *= 2
    target = Buffer.allocUnsafe(size)
  }
  bytes.copy(target, 0, start, end)
  target.set(chunk, length)
  window.bytes = target
  window.start = 0
  window.end = length + chunk.length
  return start
}
