/** Tells what a stream of bytes is by how it begins, and cuts it into documents, lines or records for an intake. */
import { append, createWindow } from './byte-window.js'
import type { ByteWindow } from './byte-window.js'
import { compressionOf, decompressAll } from './decompress.js'
import type { Intake } from './intake.js'
import { createSplitter } from './json-splitter.js'
import type { Splitter } from './json-splitter.js'

/** Bytes of one line or record, decompressed; a longer one is passed over and counted. */
const MAX_RECORD = 32 * 1024 * 1024

/** A document up to here is read whole; a longer one is taken apart as it arrives. */
const MAX_DOCUMENT = 8 * 1024 * 1024

/** Takes what it can from the window; false: nothing more can come of this stream. */
type Framer = (window: ByteWindow, isLast: boolean) => boolean | Promise<boolean>

/**
 * Reads a stream to its end; yields after each chunk, so that the caller takes what is ready. JSON (one document,
 * lines, or documents one after another), the Collector's length-prefixed records, or one protobuf request.
 */
export async function* readFrames(
  chunks: AsyncIterable<Uint8Array>,
  intake: Intake,
): AsyncGenerator<undefined> {
  const window = createWindow()
  let framer: Framer | undefined
  for await (const chunk of chunks) {
    append(window, chunk)
    if (framer === undefined && window.end - window.start < 16) continue
    framer ??= framerOf(window, intake, false)
    if (framer === undefined) continue // a first line that is not whole yet
    const goesOn = await framer(window, false)
    yield undefined
    if (!goesOn) return
  }
  framer ??= framerOf(window, intake, true)
  await framer?.(window, true)
  yield undefined
}

const NEWLINE = 0x0a

/** A byte-order mark says nothing; white space before the first bracket neither. */
function skipMark(window: ByteWindow): void {
  const { bytes, start } = window
  if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) window.start += 3
}

/** Undefined: not to be told yet, which it is at the last. */
function framerOf(window: ByteWindow, intake: Intake, isLast: boolean): Framer | undefined {
  skipMark(window)
  const { bytes, start, end } = window
  let at = start
  while (at < end && isSpace(bytes[at])) at++
  if (at === end) {
    window.start = end // white space alone, so far
    return undefined
  }
  const first = bytes[at]
  if (first === 0x7b || first === 0x5b) {
    window.start = at
    const newline = bytes.indexOf(NEWLINE, at)
    const lineEnd = newline < 0 || newline >= end ? -1 : newline
    if (lineEnd < 0) return isLast || end - at > MAX_DOCUMENT ? documents(intake) : undefined
    try {
      JSON.parse(bytes.toString('utf8', at, lineEnd))
      return lines(intake)
    } catch {
      // A first line that is broken among whole ones, or the first line of a document.
      return lineEnd - at > 200 ? lines(intake) : documents(intake)
    }
  }
  if (end - start >= 5) {
    const length = bytes.readUInt32BE(start)
    const inner = bytes[start + 4] ?? 0
    const isRecord = inner === 0x0a || inner === 0x7b || inner === 0x28
    if (bytes[start] !== 0x0a && length > 0 && length <= MAX_RECORD && isRecord) return records(intake)
  }
  return bytes[start] === 0x0a ? request(intake) : unknown(intake)
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function unknown(intake: Intake): Framer {
  return ({ bytes, start, end }) => {
    const isParquet = bytes.toString('latin1', start, start + 4) === 'PAR1'
    if (isParquet) intake.fault('a Parquet file: export JSON lines instead')
    else if (end > start) intake.fault('a file that is neither JSON nor OTLP protobuf, gzip or zstd')
    return false
  }
}

function lines(intake: Intake): Framer {
  let rest: Framer | undefined
  return (window, isLast) => {
    if (rest !== undefined) return rest(window, isLast)
    for (;;) {
      const newline = window.bytes.indexOf(NEWLINE, window.start)
      const isWhole = newline >= 0 && newline < window.end
      if (!isWhole && !isLast) break
      const end = isWhole ? newline : window.end
      readLine(window.bytes, window.start, end, intake, !isWhole)
      window.start = Math.min(end + 1, window.end)
      if (!isWhole) return false
    }
    // A line so long is taken apart as it arrives, and so is all that follows it.
    if (window.end - window.start > MAX_DOCUMENT) rest = documents(intake)
    return true
  }
}

function readLine(bytes: Buffer, start: number, end: number, intake: Intake, isCut: boolean): void {
  if (end - start < 2 || intake.otlpText(bytes, start, end)) return
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8', start, end))
  } catch {
    const isEmpty = bytes.toString('utf8', start, end).trim() === ''
    if (!isEmpty) intake.fault(isCut ? 'a record that ends early' : 'malformed JSON')
    return
  }
  intake.value(value)
}

/** One document, or several one after another: a small one is read whole. */
function documents(intake: Intake): Framer {
  let splitter: Splitter | undefined
  return (window, isLast) => {
    const waiting = window.bytes.subarray(window.start, window.end)
    const isSmall = splitter === undefined && waiting.length <= MAX_DOCUMENT
    if (isSmall && !isLast) return true
    window.start = window.end
    if (isSmall) {
      if (intake.otlpText(waiting, 0, waiting.length)) return false
      const value = parseJson(waiting)
      if (value !== undefined) {
        intake.value(value)
        return false
      }
    }
    splitter ??= createSplitter({
      maxRecordBytes: MAX_RECORD,
      value: (value) => intake.value(value),
      fault: (kind) => intake.fault(kind),
    })
    splitter.push(waiting)
    if (isLast) splitter.end()
    return true
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** `uint32` big-endian length, then JSON or protobuf, either as zstd (Collector, file exporter). */
function records(intake: Intake): Framer {
  let passOver = 0 // bytes of a record that is too long
  return async (window, isLast) => {
    const passed = Math.min(passOver, window.end - window.start)
    window.start += passed
    passOver -= passed
    while (passOver === 0 && window.end - window.start >= 4) {
      const length = window.bytes.readUInt32BE(window.start)
      if (length > MAX_RECORD) {
        intake.fault(`a record of more than ${MAX_RECORD / 1024 / 1024} MiB`)
        passOver = length + 4 - (window.end - window.start)
        window.start = window.end
        break
      }
      if (window.end - window.start - 4 < length) break
      const record = window.bytes.subarray(window.start + 4, window.start + 4 + length)
      window.start += 4 + length
      await readRecord(record, intake)
    }
    if (isLast && (window.end > window.start || passOver > 0)) intake.fault('a record that ends early')
    return true
  }
}

async function readRecord(record: Buffer, intake: Intake): Promise<void> {
  let body = record
  const compression = compressionOf(record)
  if (compression !== undefined) {
    try {
      body = await decompressAll(record, compression, MAX_RECORD)
    } catch {
      return intake.fault(`a ${compression} record that cannot be decompressed`)
    }
  }
  if (body[0] === 0x7b) readLine(body, 0, body.length, intake, false)
  else if (!intake.otlpProto(body)) intake.fault('malformed protobuf')
}

/** A request whose lists are read one by one: a message is the same whether it comes in one piece or several. */
function request(intake: Intake): Framer {
  return (window, isLast) => {
    for (;;) {
      const { bytes, start, end } = window
      const stop = listEnd(bytes, start, end)
      if (stop === undefined || stop > end) break
      if (!intake.otlpProto(bytes.subarray(start, stop))) intake.fault('malformed protobuf')
      window.start = stop
    }
    const waiting = window.end - window.start
    const isBroken = waiting > MAX_RECORD || (waiting > 0 && (isLast || window.bytes[window.start] !== 0x0a))
    if (isBroken) intake.fault('malformed protobuf')
    return !isBroken
  }
}

/** The end of the field 1 that starts here; undefined where none does, or its length is not whole. */
function listEnd(bytes: Buffer, start: number, end: number): number | undefined {
  if (start >= end || bytes[start] !== 0x0a) return undefined
  let length = 0
  let scale = 1
  for (let at = start + 1; at < end && at <= start + 5; at++) {
    const byte = bytes[at] ?? 0
    length += (byte & 0x7f) * scale
    scale *= 128
    if (byte < 0x80) return at + 1 + length
  }
  return undefined
}
