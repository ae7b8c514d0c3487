/** Frames of AWS's binary event stream (`application/vnd.amazon.eventstream`), each with the chunk that completed it. */
import { crc32 } from 'node:zlib'
import type { ArrivedFrame, FramedBody } from './frame.js'

// Two lengths and a checksum before the headers, a checksum behind the payload.
const PRELUDE_BYTES = 12
const LEAST_BYTES = PRELUDE_BYTES + 4

/** Bytes of a header's value, by its type; null: two bytes say how many follow. */
const VALUE_BYTES = [0, 0, 1, 2, 4, 8, null, null, 8, 16]
const STRING = 7

const utf8 = new TextDecoder()

/** Name of a frame that stands for a message whose checksum or headers are wrong; its data says what. */
export const CORRUPT = 'corrupt'

/**
 * An event is named by its `:event-type`, an exception `exception/<type>`, an error `error/<code>` (the three
 * `:message-type`s of the Smithy specification "Amazon Event Stream"). Behind a message whose length or checksum is
 * wrong nothing is read: where the next one begins is not known.
 *
 * @param chunkEnd offset in `body` just after each chunk, ascending
 * @param largest longest message that is read, bytes
 */
export function frameMessages(body: Uint8Array, chunkEnd: ArrayLike<number>, largest: number): FramedBody {
  const frames: ArrivedFrame[] = []
  const framed: FramedBody = { frames, tail: undefined, comments: 0, replaced: 0, oversized: false }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  let chunk = 0
  let at = 0
  while (at + PRELUDE_BYTES <= body.length) {
    const length = view.getUint32(at)
    if (length > largest) {
      framed.oversized = true
      break
    }
    const end = at + length
    if (end > body.length) break
    while ((chunkEnd[chunk] ?? end) < end) chunk++
    const frame = length < LEAST_BYTES ? corrupt('its length is impossible') : read(body.subarray(at, end))
    frames.push({ frame, chunk, comments: 0 })
    if (frame.name === CORRUPT) break
    at = end
  }
  return framed
}

function read(message: Uint8Array): ArrivedFrame['frame'] {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  const bodyEnd = message.length - 4
  const headersEnd = PRELUDE_BYTES + view.getUint32(4)
  if (view.getUint32(8) !== crc32(message.subarray(0, 8)))
    return corrupt('the checksum of its lengths does not fit')
  if (view.getUint32(bodyEnd) !== crc32(message.subarray(0, bodyEnd)))
    return corrupt('its checksum does not fit')
  const headers = headersEnd > bodyEnd ? null : readHeaders(message.subarray(PRELUDE_BYTES, headersEnd))
  if (headers === null) return corrupt('its headers cannot be read')
  const header = (name: string): string => headers.get(name) ?? ''
  const data = utf8.decode(message.subarray(headersEnd, bodyEnd))
  switch (header(':message-type')) {
    case 'exception':
      return { name: `exception/${header(':exception-type')}`, data }
    case 'error':
      return {
        name: `error/${header(':error-code')}`,
        data: JSON.stringify({ message: header(':error-message') }),
      }
    default:
      return { name: header(':event-type'), data }
  }
}

/** Those that are texts; null where a length leads out of them or a type is not known. */
function readHeaders(bytes: Uint8Array): Map<string, string> | null {
  const headers = new Map<string, string>()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < bytes.length) {
    const nameEnd = at + 1 + bytes[at]!
    if (nameEnd >= bytes.length) return null
    const type = bytes[nameEnd]!
    const fixed = VALUE_BYTES[type]
    if (fixed === undefined) return null
    let start = nameEnd + 1
    if (fixed === null) start += 2
    if (start > bytes.length) return null
    const end = start + (fixed ?? view.getUint16(start - 2))
    if (end > bytes.length) return null
    if (type === STRING)
      headers.set(utf8.decode(bytes.subarray(at + 1, nameEnd)), utf8.decode(bytes.subarray(start, end)))
    at = end
  }
  return headers
}

function corrupt(why: string): ArrivedFrame['frame'] {
  return { name: CORRUPT, data: `a message of the event stream is damaged: ${why}` }
}
