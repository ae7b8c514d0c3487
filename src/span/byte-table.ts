/** Looks things up by keys that stand in bytes, as UTF-8, and keeps texts that come again: no string is made for either. */

/** What belongs to the key between `start` and `end`. */
export type ByteTable<T> = (bytes: Uint8Array, start: number, end: number) => T | undefined

/** Open addressing over a hash of length and four bytes; a hit is compared byte by byte. */
export function createByteTable<T>(entries: readonly (readonly [key: string, value: T])[]): ByteTable<T> {
  const size = 2 ** Math.ceil(Math.log2(Math.max(4, entries.length) * 6))
  const table: ({ key: Uint8Array; value: T } | undefined)[] = Array.from({ length: size })
  for (const [text, value] of entries) {
    const key = Buffer.from(text)
    let at = hash(key, 0, key.length)
    while (table[at] !== undefined) at = (at + 1) % size
    table[at] = { key, value }
  }
  return (bytes, start, end) => {
    const length = end - start
    for (let at = hash(bytes, start, end); ; at = (at + 1) % size) {
      const slot = table[at]
      if (slot === undefined) return undefined
      const { key } = slot
      if (key.length !== length) continue
      let i = 0
      while (i < length && key[i] === bytes[start + i]) i++
      if (i === length) return slot.value
    }
  }

  /** Names of one family differ in length, in the middle and at the end. */
  function hash(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start
    let sum = length * 31 + (bytes[end - 1] ?? 0)
    sum = Math.imul(sum, 33) + (bytes[start + (length >> 1)] ?? 0)
    sum = Math.imul(sum, 33) + (bytes[end - 1 - (length >> 2)] ?? 0)
    sum = Math.imul(sum, 33) + (bytes[start + (length >> 2)] ?? 0)
    return (sum ^ (sum >>> 11)) & (size - 1)
  }
}

/** The text between `start` and `end`. */
export type Texts = (bytes: Buffer, start: number, end: number) => string

/**
 * Names of models and operations come again and again, and comparing bytes costs less than making a string: a table
 * of fixed size, each place holding the text that came there last. A text that is not ASCII is made anew each time.
 */
export function createTexts(): Texts {
  const SIZE = 1024
  const MAX_LENGTH = 40
  const known: string[] = Array.from({ length: SIZE }, () => '')
  return (bytes, start, end) => {
    const length = end - start
    if (length > MAX_LENGTH) return bytes.toString('utf8', start, end)
    // Texts that differ mostly differ at the end (versions) or in length.
    let hash = length
    for (let i = Math.max(start, end - 12); i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] ?? 0)) | 0
    hash = (hash ^ (hash >>> 11)) & (SIZE - 1)
    const text = known[hash] ?? ''
    if (text.length === length) {
      let i = 0
      while (i < length && text.charCodeAt(i) === bytes[start + i]) i++
      // A byte above 127 is never a character by itself, though a text may hold one of that code.
      if (i === length && isAscii(bytes, start, end)) return text
    }
    const fresh = bytes.toString('utf8', start, end)
    known[hash] = fresh
    return fresh
  }
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  let all = 0
  for (let i = start; i < end; i++) all |= bytes[i] ?? 0
  return all < 0x80
}
