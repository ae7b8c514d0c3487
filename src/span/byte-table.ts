/** Looks things up by keys that stand in bytes, as UTF-8, and keeps texts that come again: no string is made for either. */

/** Bytes, and the same ones as words of four: these are compared in a fourth of the time. */
export interface ByteSource {
  bytes: Buffer
  view: DataView
}

export const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength)

const word = (view: DataView, at: number): number => view.getUint32(at, true)

/** Whether `length` bytes are the same. */
export function isSame(a: DataView, atA: number, b: DataView, atB: number, length: number): boolean {
  if (length < 4) {
    for (let i = 0; i < length; i++) if (a.getUint8(atA + i) !== b.getUint8(atB + i)) return false
    return true
  }
  const last = length - 4
  for (let i = 0; i < last; i += 4) if (word(a, atA + i) !== word(b, atB + i)) return false
  return word(a, atA + last) === word(b, atB + last)
}

/** Keys and names that differ in length, in the middle, or near the end come to different numbers. */
function hashOf(view: DataView, start: number, end: number): number {
  const length = end - start
  let sum = length
  if (length < 4) for (let at = start; at < end; at++) sum = Math.imul(sum, 31) + view.getUint8(at)
  else {
    const near = Math.max(start, end - 8)
    sum = Math.imul(sum, 33) + word(view, end - 4)
    sum = Math.imul(sum, 0x9e3779b1) + word(view, near)
    sum = Math.imul(sum, 0x9e3779b1) + word(view, start + ((length - 4) >> 1))
  }
  sum = Math.imul(sum ^ (sum >>> 15), 0x85ebca6b)
  return sum ^ (sum >>> 13)
}

/** What belongs to the key between `start` and `end`. */
export type ByteTable<T> = (source: ByteSource, start: number, end: number) => T | undefined

/** Open addressing; a hit is compared with all of the key. */
export function createByteTable<T>(entries: readonly (readonly [key: string, value: T])[]): ByteTable<T> {
  const size = 2 ** Math.ceil(Math.log2(Math.max(4, entries.length) * 6))
  const table: ({ at: number; length: number; value: T } | undefined)[] = Array.from({ length: size })
  const all = Buffer.from(entries.map(([key]) => key).join(''))
  const keys = viewOf(all)
  let from = 0
  for (const [key, value] of entries) {
    const length = Buffer.byteLength(key)
    let at = hashOf(keys, from, from + length) & (size - 1)
    while (table[at] !== undefined) at = (at + 1) % size
    table[at] = { at: from, length, value }
    from += length
  }
  return ({ view }, start, end) => {
    const length = end - start
    for (let at = hashOf(view, start, end) & (size - 1); ; at = (at + 1) & (size - 1)) {
      const slot = table[at]
      if (slot === undefined) return undefined
      if (slot.length === length && isSame(view, start, keys, slot.at, length)) return slot.value
    }
  }
}

/** The text between `start` and `end`. */
export type Texts = (source: ByteSource, start: number, end: number) => string

/**
 * Names of models and operations come again and again, and comparing bytes costs less than making a string: a table
 * of fixed size, each place holding the text that came there last, and its bytes.
 */
export function createTexts(): Texts {
  const SIZE = 1024
  const MAX_LENGTH = 40
  const texts: string[] = Array.from({ length: SIZE }, () => '')
  const lengths = new Uint8Array(SIZE)
  const kept = Buffer.alloc(SIZE * MAX_LENGTH)
  const keptView = viewOf(kept)
  return ({ bytes, view }, start, end) => {
    const length = end - start
    if (length > MAX_LENGTH) return bytes.toString('utf8', start, end)
    const place = hashOf(view, start, end) & (SIZE - 1)
    const from = place * MAX_LENGTH
    if (lengths[place] === length && isSame(view, start, keptView, from, length)) return texts[place]!
    const fresh = bytes.toString('utf8', start, end)
    texts[place] = fresh
    lengths[place] = length
    for (let i = 0; i < length; i++) kept[from + i] = bytes[start + i]!
    return fresh
  }
}
