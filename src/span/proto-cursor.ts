/** Steps through protobuf bytes (the encoding of proto3); broken bytes stop it, and it never reads past an end. */
import type { ByteSource } from './byte-table.js'
import { msOfNs } from './scalar.js'

export interface Cursor extends ByteSource {
  at: number
  /** The bytes are no message: no more tags come. */
  isBroken: boolean
}

/** Wire types. Groups (3, 4) were given up before OTLP began. */
const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** Tags as `nextTag` gives them. */
export const varintTag = (field: number): number => field * 8 + VARINT
export const fixed64Tag = (field: number): number => field * 8 + FIXED64
export const bytesTag = (field: number): number => field * 8 + BYTES

const TWO_32 = 4_294_967_296
const TWO_63 = 9_223_372_036_854_775_808

/** The next tag before `end`, field × 8 + wire type; 0 at the end and where the bytes are broken. */
export function nextTag(cursor: Cursor, end: number): number {
  if (cursor.isBroken || cursor.at >= end) return 0
  const first = cursor.bytes[cursor.at] ?? 0
  if (first >= 0x80) {
    const tag = readVarint(cursor, end)
    if (tag >= 8 && tag < TWO_32) return tag
  } else if (first >= 8) {
    cursor.at++
    return first
  }
  cursor.isBroken = true
  return 0
}

/** Unsigned; exact up to 2^53. */
export function readVarint(cursor: Cursor, end: number): number {
  const { bytes } = cursor
  let value = 0
  let scale = 1
  const stop = Math.min(end, cursor.at + 10)
  while (cursor.at < stop) {
    const byte = bytes[cursor.at++] ?? 0
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 128
  }
  cursor.isBroken = true
  return 0
}

/** An int64 that came as an unsigned varint: a negative one takes all ten bytes. */
export function readInt64(cursor: Cursor, end: number): number {
  const start = cursor.at
  const value = readVarint(cursor, end)
  if (value < TWO_63) return value
  let bits = 0n
  for (let at = cursor.at - 1; at >= start; at--) bits = (bits << 7n) | BigInt((cursor.bytes[at] ?? 0) & 0x7f)
  return Number(BigInt.asIntN(64, bits))
}

/** The end of a length-delimited value; the cursor stands at its start. */
export function valueEnd(cursor: Cursor, end: number): number {
  const first = cursor.bytes[cursor.at] ?? 0
  let length = first
  if (first < 0x80 && cursor.at < end) cursor.at++
  else length = readVarint(cursor, end)
  if (length <= end - cursor.at) return cursor.at + length
  cursor.isBroken = true
  return cursor.at
}

/** Nanoseconds since 1970 in a fixed64, as milliseconds; NaN for 0, which means not given. */
export function readTimeMs(cursor: Cursor, end: number): number {
  const { view, at } = cursor
  if (at + 8 > end) {
    cursor.isBroken = true
    return NaN
  }
  cursor.at = at + 8
  const ns = view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true)
  return ns > 0 ? msOfNs(ns) : NaN
}

export function readDouble(cursor: Cursor, end: number): number {
  const { view, at } = cursor
  if (at + 8 > end) {
    cursor.isBroken = true
    return NaN
  }
  cursor.at = at + 8
  return view.getFloat64(at, true)
}

/** Passes over the value of a tag. */
export function skipValue(cursor: Cursor, tag: number, end: number): void {
  switch (tag & 7) {
    case VARINT:
      readVarint(cursor, end)
      break
    case FIXED64:
      cursor.at += 8
      break
    case BYTES:
      cursor.at = valueEnd(cursor, end)
      break
    case FIXED32:
      cursor.at += 4
      break
    default:
      cursor.isBroken = true
  }
  if (cursor.at > end) cursor.isBroken = true
}

/** All bytes that fill the value, as hexadecimal; '' for another length and for zeros. */
export function readId(cursor: Cursor, end: number, length: number): string {
  const stop = valueEnd(cursor, end)
  const start = cursor.at
  cursor.at = stop
  if (stop - start !== length) return ''
  let sum = 0
  for (let at = start; at < stop; at++) sum |= cursor.bytes[at]!
  return sum === 0 ? '' : cursor.bytes.toString('hex', start, stop)
}
