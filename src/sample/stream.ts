/** What a whole exchange's stream said, each event with the chunk that completed it. */
import { frameBody, type ArrivedFrame } from '../protocol/frame.js'
import type { Frame, Protocol, Route, ServerTimings, StreamEvent, Usage } from '../protocol/protocol.js'
import type { Exchange } from '../wire/exchange.js'

/** One frame of the stream as it arrived. */
export interface Moment {
  /** Index of the chunk that completed the frame. */
  chunk: number
  /** Its arrival on the exchange's monotonic clock. */
  atNs: number
  frame: Frame
  events: StreamEvent[]
}

export interface Stream {
  /** Up to the terminal event, in order of arrival. */
  moments: Moment[]
  usage: Usage
  timings: ServerTimings | undefined
  route: Route
  finishReason: string | undefined
  error: { message: string; type?: string | undefined } | undefined
  /** Arrival of the terminal event; undefined where it never came. */
  endNs: number | undefined
  comments: number
  /** NUL bytes and bad UTF-8. */
  replaced: number
  malformed: string[]
  /** Frames behind the terminal event: ignored. */
  afterEnd: number
  oversized: boolean
}

/** Frames and decodes the body; nothing is judged here. */
export function readStream(exchange: Exchange, protocol: Protocol): Stream {
  const framed = frameBody(exchange.body, exchange.chunkEnd, protocol.framing)
  const stream: Stream = {
    moments: [],
    usage: {},
    timings: undefined,
    route: {},
    finishReason: undefined,
    error: undefined,
    endNs: undefined,
    comments: framed.comments,
    replaced: framed.replaced,
    malformed: [],
    afterEnd: 0,
    oversized: framed.oversized,
  }
  for (const arrived of framed.frames) {
    if (stream.endNs !== undefined) stream.afterEnd++
    else take(stream, exchange, protocol, arrived)
  }
  if (stream.endNs === undefined && framed.tail) takeTail(stream, exchange, protocol, framed.tail)
  return stream
}

function take(stream: Stream, exchange: Exchange, protocol: Protocol, { frame, chunk }: ArrivedFrame): void {
  const atNs = exchange.chunkNs[chunk] ?? exchange.endNs
  const events = protocol.decode(frame)
  stream.moments.push({ chunk, atNs, frame, events })
  for (const event of events) note(stream, event, atNs)
}

/**
 * A last frame without its blank line may be cut anywhere, so it is believed in one thing only: that the stream has
 * ended. Small servers close the connection right behind `data: [DONE]`.
 */
function takeTail(stream: Stream, exchange: Exchange, protocol: Protocol, frame: Frame): void {
  const events = protocol.decode(frame)
  if (!events.some((event) => event.kind === 'end')) return
  take(stream, exchange, protocol, {
    frame,
    chunk: exchange.endMarkerChunk ?? exchange.chunkNs.length - 1,
  })
}

function note(stream: Stream, event: StreamEvent, atNs: number): void {
  switch (event.kind) {
    case 'output':
      return
    case 'usage':
      Object.assign(stream.usage, event.usage)
      return
    case 'route':
      Object.assign(stream.route, event.route)
      return
    case 'timings':
      stream.timings = {
        ...stream.timings,
        ...event.timings,
        raw: { ...stream.timings?.raw, ...event.timings.raw },
      }
      return
    case 'finish':
      stream.finishReason = event.reason
      return
    case 'end':
      stream.endNs ??= atNs
      return
    case 'error':
      stream.error ??= { message: event.message, type: event.type }
      return
    case 'malformed':
      stream.malformed.push(event.detail)
      return
    default:
      event satisfies never
  }
}
