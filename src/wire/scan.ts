/** Watches a body go by, chunk for chunk, for its end marker and for an event that never ends. */

/** State of the scan between two chunks; plain data, so that a chunk allocates nothing. */
export interface LineScan {
  /** Null: only the length of lines is watched. */
  readonly marker: Uint8Array | null
  /** Marker bytes that matched so far on the current line; -1: this line cannot be it any more. */
  matched: number
  /** Bytes since the last line break. */
  lineBytes: number
  /** Bytes of the longest line so far that lay over more than one chunk, the open one included. */
  longest: number
}

const LINE_FEED = 10

/**
 * The marker is looked for at the start of a line only: generated text inside JSON holds no raw line break,
 * so a model that writes `data: [DONE]` cannot end its own stream.
 */
export function lineScan(endMarker: string | null): LineScan {
  const line = endMarker?.replace(/^[\r\n]+|[\r\n]+$/g, '') ?? ''
  return { marker: line === '' ? null : Buffer.from(line), matched: 0, lineBytes: 0, longest: 0 }
}

/** Whether the marker became complete in this chunk; wherever its bytes were cut. */
export function scanChunk(scan: LineScan, chunk: Buffer): boolean {
  const { marker } = scan
  const length = chunk.length
  if (marker === null) {
    measure(scan, length, chunk.indexOf(LINE_FEED), chunk.lastIndexOf(LINE_FEED))
    return false
  }
  let found = false
  let matched = scan.matched
  let first = -1
  let last = -1
  let at = 0
  for (;;) {
    if (matched >= 0) {
      while (at < length && matched < marker.length && chunk[at] === marker[matched]) {
        at++
        matched++
      }
      if (matched === marker.length) {
        found = true
        matched = -1
      } else if (at < length) matched = -1
      else break
    }
    const next = chunk.indexOf(LINE_FEED, at)
    if (next === -1) break
    if (first === -1) first = next
    last = next
    at = next + 1
    matched = 0
    if (at === length) break
  }
  scan.matched = matched
  measure(scan, length, first, last)
  return found
}

/** Only the first line of a chunk can be longer than the chunk; the others are shorter than any limit. */
function measure(scan: LineScan, length: number, first: number, last: number): void {
  const line = scan.lineBytes + (first === -1 ? length : first)
  if (line > scan.longest) scan.longest = line
  scan.lineBytes = last === -1 ? line : length - 1 - last
}
