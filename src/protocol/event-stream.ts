/** Frames of AWS's binary event stream (`application/vnd.amazon.eventstream`), each with the chunk that completed it. */
import { createRequire } from 'node:module'
import type * as Smithy from '@smithy/eventstream-codec'
import type { ArrivedFrame, FramedBody } from './frame.js'

// Two lengths and a checksum before the headers, a checksum behind the payload.
const PRELUDE_BYTES = 12
const LEAST_BYTES = PRELUDE_BYTES + 4

const utf8 = new TextDecoder()
/** Loaded with the first message: it costs a start some 95 ms, and most targets speak no event stream. */
let codec: Smithy.EventStreamCodec | undefined

function decoder(): Smithy.EventStreamCodec {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is required has no type but this
  const { EventStreamCodec } = createRequire(import.meta.url)('@smithy/eventstream-codec') as typeof Smithy
  codec = new EventStreamCodec(
    (bytes) => (typeof bytes === 'string' ? bytes : utf8.decode(bytes)),
    (text) => new TextEncoder().encode(text),
  )
  return codec
}

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
  try {
    const { headers, body } = (codec ?? decoder()).decode(message)
    const header = (name: string): string => {
      const found = headers[name]
      return found?.type === 'string' ? found.value : ''
    }
    const data = utf8.decode(body)
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
  } catch (error) {
    return corrupt(error instanceof Error ? error.message : 'it cannot be read')
  }
}

function corrupt(why: string): ArrivedFrame['frame'] {
  return { name: CORRUPT, data: `a message of the event stream is damaged: ${why}` }
}
