/**
 * Steps through the bytes of a JSON text whose shape is foreseen, without making strings of what is passed over. Where
 * it meets anything else it stops for good, and a parser must look: it checks no more than it needs to find its way.
 */
import { isSame, viewOf } from './byte-table.js'
import type { ByteSource, ByteTable, Texts } from './byte-table.js'
import type { Scalar } from './scalar.js'

export interface JsonCursor extends ByteSource {
  at: number
  end: number
  /** Not what was foreseen: no more members, elements or values come. */
  isOdd: boolean
  /** The text of the last string stands from here to there, unless it is escaped. */
  from: number
  to: number
  isEscaped: boolean
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39

/** What `firstMember` and `nextMember` give behind the last member, and where the text is odd. */
export const END = 0
/** A member that is in no table. */
const OTHER = 1_000
/** In a table: only a parser knows what this member means. */
export const UNUSUAL = -1

export function createJsonCursor(): JsonCursor {
  const bytes = Buffer.alloc(0)
  return { bytes, view: viewOf(bytes), at: 0, end: 0, isOdd: false, from: 0, to: 0, isEscaped: false }
}

export function giveUp(cursor: JsonCursor): void {
  cursor.isOdd = true
  cursor.at = cursor.end
}

/** The next byte that is no white space; 0 at the end. */
export function peek(cursor: JsonCursor): number {
  const { bytes, end } = cursor
  while (cursor.at < end) {
    const byte = bytes[cursor.at]!
    if (byte > 0x20) return byte
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
    cursor.at++
  }
  if (cursor.at < end) giveUp(cursor)
  return 0
}

/** Passes over exactly these bytes, if they come next: the usual way to write what `firstMember` and `nextMember` read. */
export function passBytes(cursor: JsonCursor, usual: DataView): boolean {
  const { view, at, end } = cursor
  const length = usual.byteLength
  if (at + length > end || !isSame(view, at, usual, 0, length)) return false
  cursor.at = at + length
  return true
}

function expect(cursor: JsonCursor, byte: number): boolean {
  if (peek(cursor) === byte) {
    cursor.at++
    return true
  }
  giveUp(cursor)
  return false
}

/** Goes into an object; the number of its first member in the table, whose value comes next. */
export function firstMember(cursor: JsonCursor, names: ByteTable<number>): number {
  if (!expect(cursor, OPEN_BRACE)) return END
  if (peek(cursor) === CLOSE_BRACE) {
    cursor.at++
    return END
  }
  return member(cursor, names)
}

/** Behind the value of a member. */
export function nextMember(cursor: JsonCursor, names: ByteTable<number>): number {
  const byte = peek(cursor)
  cursor.at++
  if (byte === COMMA) return member(cursor, names)
  if (byte !== CLOSE_BRACE) giveUp(cursor)
  return END
}

function member(cursor: JsonCursor, names: ByteTable<number>): number {
  if (!passString(cursor)) return END
  const { from, to } = cursor
  const found = cursor.isEscaped ? UNUSUAL : (names(cursor, from, to) ?? OTHER)
  if (found === UNUSUAL || !expect(cursor, COLON)) {
    giveUp(cursor)
    return END
  }
  return found
}

/** Goes into a list; false: it is empty. */
export function firstElement(cursor: JsonCursor): boolean {
  if (!expect(cursor, OPEN_BRACKET)) return false
  if (peek(cursor) !== CLOSE_BRACKET) return !cursor.isOdd
  cursor.at++
  return false
}

/** Behind an element. */
export function nextElement(cursor: JsonCursor): boolean {
  const byte = peek(cursor)
  cursor.at++
  if (byte === COMMA) return true
  if (byte !== CLOSE_BRACKET) giveUp(cursor)
  return false
}

/** Strings of names and ids end within so many bytes; of longer ones the end is searched for. */
const NEAR = 48

export function passString(cursor: JsonCursor): boolean {
  if (!expect(cursor, QUOTE)) return false
  const { bytes, end } = cursor
  const from = cursor.at
  const near = Math.min(end, from + NEAR)
  cursor.from = from
  cursor.isEscaped = false
  let at = from
  while (at < near) {
    const byte = bytes[at]!
    if (byte === QUOTE) {
      cursor.to = at
      cursor.at = at + 1
      return true
    }
    if (byte === BACKSLASH) {
      cursor.isEscaped = true
      at++
    }
    at++
  }
  return passLongString(cursor, at)
}

function passLongString(cursor: JsonCursor, from: number): boolean {
  const { bytes, end } = cursor
  let at = from
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at)
    if (quote < 0 || quote >= end) {
      giveUp(cursor)
      return false
    }
    let slashes = 0
    while (quote - 1 - slashes >= from && bytes[quote - 1 - slashes] === BACKSLASH) slashes++
    at = quote + 1
    if (slashes % 2 === 0) {
      cursor.to = quote
      cursor.at = at
      // Whether it is escaped further on is looked for where it is read.
      return true
    }
  }
}

/** Any value. */
export function skipValue(cursor: JsonCursor): void {
  let depth = 0
  do {
    const byte = peek(cursor)
    if (byte === QUOTE) passString(cursor)
    else {
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--
      else if (byte === 0) giveUp(cursor)
      else if (depth === 0) return skipWord(cursor)
      cursor.at++
    }
  } while (depth > 0 && !cursor.isOdd)
  if (depth < 0) giveUp(cursor)
}

/** A number, true, false or null. */
function skipWord(cursor: JsonCursor): void {
  const { bytes, end } = cursor
  const from = cursor.at
  while (cursor.at < end && isWord(bytes[cursor.at]!)) cursor.at++
  if (cursor.at === from) giveUp(cursor)
}

function isWord(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= MINUS && byte <= NINE) || byte === 0x2b || byte === 0x45
}

/** The string that comes next; '' where the text is odd. */
export function readString(cursor: JsonCursor, texts: Texts): string {
  if (!passString(cursor)) return ''
  const { bytes, from, to } = cursor
  if (!cursor.isEscaped && (to - from < NEAR || !hasBackslash(bytes, from + NEAR, to)))
    return texts(cursor, from, to)
  try {
    return String(JSON.parse(bytes.toString('utf8', from - 1, to + 1)))
  } catch {
    giveUp(cursor)
    return ''
  }
}

function hasBackslash(bytes: Buffer, from: number, to: number): boolean {
  return bytes.subarray(from, to).includes(BACKSLASH)
}

/** A string, a number, true or false; undefined (and odd) for anything else. */
export function readScalar(cursor: JsonCursor, texts: Texts): Scalar | undefined {
  const byte = peek(cursor)
  if (byte === QUOTE) return readString(cursor, texts)
  if (byte === MINUS || (byte >= ZERO && byte <= NINE)) return readNumber(cursor)
  const isTrue = byte === 0x74
  const word = isTrue ? 'true' : 'false'
  const from = cursor.at
  skipWord(cursor)
  if (cursor.bytes.toString('latin1', from, cursor.at) === word) return isTrue
  giveUp(cursor)
  return undefined
}

/** Whole numbers of so many digits and powers of ten up to 1e22 are exact in a double, and so is their rounded ratio (Clinger 1990). */
const EXACT_DIGITS = 15
const POWERS = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`))

function readNumber(cursor: JsonCursor): number | undefined {
  const { bytes, end } = cursor
  const from = cursor.at
  const isNegative = bytes[from] === MINUS
  let at = isNegative ? from + 1 : from
  const first = at
  let value = 0
  let point = -1
  for (; at < end; at++) {
    const byte = bytes[at]!
    if (byte >= ZERO && byte <= NINE) value = value * 10 + byte - ZERO
    else if (byte === POINT && point < 0) point = at
    else break
  }
  const digits = at - first - (point < 0 ? 0 : 1)
  const fraction = point < 0 ? 0 : at - point - 1
  const isPlain = at === end || !isWord(bytes[at]!)
  const isPadded = bytes[first] === ZERO && digits > 1 && point !== first + 1
  if (isPlain && !isPadded && digits > fraction && digits <= EXACT_DIGITS && point !== at - 1) {
    cursor.at = at
    return (isNegative ? -value : value) / POWERS[fraction]!
  }
  skipWord(cursor)
  try {
    return Number(JSON.parse(bytes.toString('latin1', from, cursor.at)))
  } catch {
    giveUp(cursor)
    return undefined
  }
}

/** What the string from `from` to `to` is as a whole number; NaN where it is written in any other way, or too long. */
export function wholeNumber({ bytes, from, to, isEscaped }: JsonCursor): number {
  if (to - from > EXACT_DIGITS || to === from || isEscaped) return NaN
  if (bytes[from] === ZERO && to - from > 1) return NaN
  let value = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte < ZERO || byte > NINE) return NaN
    value = value * 10 + byte - ZERO
  }
  return value
}
