/** What one connection has read and nobody has parsed yet: bytes, and when each read of them came. */
import type { Reading } from './flight.js'

/** Stamps and bytes of the reads since the last hand-over; only numbers, so that a read allocates nothing. */
export interface Batch {
  /** Holds the bytes of all reads, one behind the other. */
  bytes: Buffer<ArrayBuffer>
  /** Where the bytes not yet handed over begin, and where they end. */
  from: number
  end: number
  /** Reads among them. */
  reads: number
  readonly readNs: Float64Array
  /** Where each of them ends in `bytes`. */
  readonly readEnd: Float64Array
  /** Number of the first of them on this connection. */
  firstRead: number
}

const CAPACITY = 8 * 1024
const MOST_READS = 64
/** `CR LF CR LF`: the end of a header section, of a chunked body, of its trailers (RFC 9112 §2.1, §7.1). */
const TAIL = 4

export function emptyBatch(): Batch {
  return {
    bytes: Buffer.allocUnsafeSlow(CAPACITY),
    from: 0,
    end: 0,
    reads: 0,
    readNs: new Float64Array(MOST_READS),
    readEnd: new Float64Array(MOST_READS),
    firstRead: 0,
  }
}

/** Whether another read of `length` bytes fits. */
export function hasRoom(batch: Batch, length: number): boolean {
  return batch.reads < MOST_READS && batch.end + length <= batch.bytes.length
}

/**
 * Takes up a copy of what was read. There must be room, or nothing held: then room is made. `isSame`: what comes is more of
 * the last read (TLS hands on one piece for every record).
 */
export function addRead(batch: Batch, bytes: Uint8Array, ns: number, isSame: boolean): void {
  if (batch.end + bytes.length > batch.bytes.length) {
    const wider = Buffer.allocUnsafeSlow(batch.end + bytes.length)
    batch.bytes.copy(wider, 0, 0, batch.end)
    batch.bytes = wider
  }
  batch.bytes.set(bytes, batch.end)
  batch.end += bytes.length
  if (isSame) {
    if (batch.reads > 0) batch.reads--
    else batch.firstRead--
  }
  batch.readNs[batch.reads] = ns
  batch.readEnd[batch.reads++] = batch.end
}

/** Whether a message may end here, so that what is held must not wait for more. */
export function mayEnd({ bytes, end }: Batch): boolean {
  return (
    end >= TAIL &&
    bytes[end - 1] === 10 &&
    bytes[end - 2] === 13 &&
    bytes[end - 3] === 10 &&
    bytes[end - 4] === 13
  )
}

/**
 * All that was held has been handed over. Where nobody keeps it (`isDone`) it is written over, but for the last bytes: the
 * end of a message can lie in two reads.
 */
export function handedOver(batch: Batch, isDone: boolean): void {
  const { bytes, end } = batch
  const kept = Math.min(TAIL, end)
  if (isDone && bytes.length === CAPACITY) bytes.copyWithin(0, end - kept, end)
  else {
    batch.bytes = Buffer.allocUnsafeSlow(CAPACITY)
    bytes.copy(batch.bytes, 0, end - kept, end)
  }
  batch.from = kept
  batch.end = kept
  batch.firstRead += batch.reads
  batch.readNs[0] = batch.readNs[Math.max(0, batch.reads - 1)]!
  batch.reads = 0
}

/** Sets `reading` to that read which the byte at `offset` of these bytes came with, and tells where that read ends. */
export function seekRead(batch: Batch, offset: number, reading: Reading): number {
  const last = batch.reads - 1
  let read = Math.max(0, last)
  while (read > 0 && batch.readEnd[read - 1]! > offset) read--
  reading.count = batch.firstRead + read
  reading.ns = batch.readNs[read]!
  return read === last ? Infinity : batch.readEnd[read]!
}
