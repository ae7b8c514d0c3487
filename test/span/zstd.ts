/** Zstandard frames made by hand (RFC 8878): blocks as they are, or one byte repeated. */

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
/** Largest block. */
const BLOCK = 128 * 1024

/** Frame header: a window of 128 KiB, no content size, no checksum. */
const HEADER = Buffer.from([0x00, 7 << 3])

export function zstdRaw(bytes: Uint8Array): Buffer {
  const parts: Uint8Array[] = [MAGIC, HEADER]
  for (let at = 0; at < bytes.length || at === 0; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK)
    parts.push(blockHeader(at + BLOCK >= bytes.length, 0, block.length), block)
  }
  return Buffer.concat(parts)
}

/** `blocks` × 128 KiB of zeros, each block in 4 bytes. */
export function zstdBomb(blocks: number): Buffer {
  const parts: Uint8Array[] = [MAGIC, HEADER]
  for (let i = 0; i < blocks; i++) parts.push(blockHeader(i === blocks - 1, 1, BLOCK), Buffer.from([0]))
  return Buffer.concat(parts)
}

function blockHeader(isLast: boolean, type: 0 | 1, size: number): Buffer {
  const header = Buffer.alloc(4)
  header.writeUInt32LE((size << 3) | (type << 1) | (isLast ? 1 : 0))
  return header.subarray(0, 3)
}
