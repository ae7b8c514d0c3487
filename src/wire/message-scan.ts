/** Watches a binary event stream go by (`application/vnd.amazon.eventstream`) for its last event and for a message too long. */

/** State of the scan between two chunks; a chunk allocates nothing. */
export interface MessageScan {
  /** The header that names the last event, as it stands in a message. */
  readonly marker: Buffer
  /** Begin of the open message: its prelude and what of its headers there is room for. */
  readonly head: Buffer
  /** Bytes of the open message so far. */
  seen: number
  /** Bytes of the whole message, 0 until its prelude is there. */
  length: number
  /** Bytes of `head` that are wanted: the prelude, then the headers as well. */
  wanted: number
  /** Bytes of the longest message so far, the open one included. */
  longest: number
  /** No message can be that long, so where the next one begins is not known. */
  lost: boolean
}

const PRELUDE_BYTES = 12
const LEAST_BYTES = PRELUDE_BYTES + 4
// Its three headers take some 90 bytes.
const HEAD_CAPACITY = 1024
const STRING = 7

/** The name is looked for among a message's headers only, so no generated text can end its own stream. */
export function messageScan(lastEvent: string): MessageScan {
  const name = ':event-type'
  const marker = Buffer.concat([
    Buffer.from([name.length]),
    Buffer.from(name),
    Buffer.from([STRING, lastEvent.length >> 8, lastEvent.length & 0xff]),
    Buffer.from(lastEvent),
  ])
  const head = Buffer.alloc(HEAD_CAPACITY)
  return { marker, head, seen: 0, length: 0, wanted: PRELUDE_BYTES, longest: 0, lost: false }
}

/** Whether the last event became complete in this chunk; wherever its bytes were cut. */
export function scanMessages(scan: MessageScan, chunk: Buffer): boolean {
  let found = false
  let at = 0
  while (at < chunk.length && !scan.lost) {
    if (scan.seen < scan.wanted) {
      const end = Math.min(chunk.length, at + scan.wanted - scan.seen)
      chunk.copy(scan.head, scan.seen, at, end)
      scan.seen += end - at
      at = end
      if (scan.length === 0 && scan.seen === PRELUDE_BYTES) readPrelude(scan)
    } else {
      const end = Math.min(chunk.length, at + scan.length - scan.seen)
      scan.seen += end - at
      at = end
    }
    if (scan.length === 0 || scan.seen < scan.length) continue
    if (scan.head.subarray(PRELUDE_BYTES, scan.wanted).includes(scan.marker)) found = true
    scan.seen = 0
    scan.length = 0
    scan.wanted = PRELUDE_BYTES
  }
  return found
}

function readPrelude(scan: MessageScan): void {
  const length = scan.head.readUInt32BE(0)
  const headers = scan.head.readUInt32BE(4)
  if (length < LEAST_BYTES || headers > length - LEAST_BYTES) {
    scan.lost = true
    return
  }
  scan.length = length
  scan.wanted = Math.min(PRELUDE_BYTES + headers, HEAD_CAPACITY)
  if (length > scan.longest) scan.longest = length
}
