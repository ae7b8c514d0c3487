/** Watches a body go by, chunk for chunk, for its end marker and for an event that never ends. */

/** State of the scan between two chunks; plain data, so that a chunk allocates nothing. */
export interface LineScan {
  /** Null: only the length of lines is watched. */
  readonly marker: Uint8Array | null
  /** Marker bytes that matched so far on the current line; -1: this line cannot be it any more. */
  matched: number
  /** Bytes since the last line break. */
  lineBytes: number
}

const LINE_FEED = 10

/**
 * The marker is looked for at the start of a line only: generated text inside JSON holds no raw line break,
 * so a model that writes `data: [DONE]` cannot end its own stream.
 */
export function lineScan(endMarker: string | null): LineScan {
  const line = endMarker?.replace(/^[\r\n]+|[\r\n]+$/g, '') ?? ''
  return { marker: line === '' ? null : Buffer.from(line), matched: 0, lineBytes: 0 }
}

/** Whether the marker became complete in this chunk; wherever its bytes were cut. */
export function scanChunk(scan: LineScan, chunk: Buffer): boolean {
  const { marker } = scan
  const length = chunk.length
  if (marker === null) {
    const last = chunk.lastIndexOf(LINE_FEED)
    scan.lineBytes = last === -1 ? scan.lineBytes + length : length - 1 - last
    return false
  }
  let found = false
  let matched = scan.matched
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
    last = next
    at = next + 1
    matched = 0
    if (at === length) break
  }
  scan.matched = matched
  scan.lineBytes = last === -1 ? scan.lineBytes + length : length - 1 - last
  return found
}
