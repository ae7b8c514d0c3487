/** What a whole exchange's stream said, each event with the chunk that completed it. */
import { frameBody, type ArrivedFrame } from '../protocol/frame.js'
import type {
  Frame,
  Protocol,
  ReportedUsage,
  Route,
  ServerTimings,
  StreamEvent,
  Usage,
} from '../protocol/protocol.js'
import type { Exchange } from '../wire/exchange.js'

/** One frame of the stream as it arrived. */
export interface Moment {
  /** Index of the chunk that completed the frame. */
  chunk: number
  /** Its arrival on the exchange's monotonic clock. */
  atNs: number
  frame: Frame
  events: StreamEvent[]
  /** SSE comments before it. */
  comments: number
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
  const reported: ReportedUsage = {}
  const stream: Stream = {
    moments: [],
    usage: reported,
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
  return { ...stream, usage: summed(reported) }
}

/** One meaning for all: the prompt includes what was read from and written to the cache. */
function summed({ uncachedTokens, ...usage }: ReportedUsage): Usage {
  if (uncachedTokens === undefined) return usage
  const { cachedTokens = 0, cacheWriteTokens = 0 } = usage
  return { ...usage, promptTokens: uncachedTokens + cachedTokens + cacheWriteTokens }
}

function take(stream: Stream, exchange: Exchange, protocol: Protocol, arrived: ArrivedFrame): void {
  const { frame, chunk, comments } = arrived
  const atNs = exchange.chunkNs[chunk] ?? exchange.endNs
  const events = protocol.decode(frame)
  stream.moments.push({ chunk, atNs, frame, events, comments })
  for (const event of events) note(stream, event, atNs)
}

/**
 * A last frame without its blank line may be cut anywhere, so it is believed in one thing only: that the stream has
 * ended. Small servers close the connection right behind `data: [DONE]`.
 */
function takeTail(stream: Stream, exchange: Exchange, protocol: Protocol, frame: Frame): void {
  const last = protocol.endsWithBody ? 'finish' : 'end'
  if (!protocol.decode(frame).some((event) => event.kind === last)) return
  take(stream, exchange, protocol, {
    frame,
    chunk: exchange.endMarkerChunk ?? exchange.chunkNs.length - 1,
    comments: stream.comments,
  })
}

/** What is new in a usage: counts only grow, so a 0 behind a count says nothing (gateways send it for what they do not know). */
function grown(known: ReportedUsage, { ...usage }: ReportedUsage): ReportedUsage {
  for (const key of COUNTS) if (usage[key] === 0 && (known[key] ?? 0) > 0) delete usage[key]
  return usage
}

const COUNTS = [
  'promptTokens',
  'uncachedTokens',
  'cachedTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
] as const

function note(stream: Stream, event: StreamEvent, atNs: number): void {
  switch (event.kind) {
    case 'output':
    case 'hidden':
      return
    case 'usage':
      Object.assign(stream.usage, grown(stream.usage, event.usage))
      return
    case 'route':
      stream.route = mergeRoutes(stream.route, event.route)
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

/** Later values replace earlier ones, field by field; the provider's own names too. */
export function mergeRoutes(earlier: Route, later: Route): Route {
  const raw = { ...earlier.raw, ...later.raw }
  return { ...earlier, ...later, ...(Object.keys(raw).length > 0 && { raw }) }
}
