/** What happened on the wire for one request: bytes and times, nothing else. */

/** How long each part may take, milliseconds; each has its own timer, since a slow drip never fires undici's. */
export interface Deadlines {
  /** DNS, TCP and TLS together. */
  connectMs: number
  /** Request start to response headers. */
  firstByteMs: number
  /** Between two chunks; the first has this from the headers on, or `firstByteMs` from the start, whichever ends later. */
  gapMs: number
  /** The whole request, connection set-up included. */
  totalMs: number
}

export interface WireRequest {
  method: 'GET' | 'POST'
  /** Path and query, appended to the origin. */
  path: string
  headers: Readonly<Record<string, string>>
  body: string | null
  /**
   * Bytes that announce the end of the stream; null where only the end of the body does. Found at the start of a
   * line only, so that no model can write its own end. After it the body has 250 ms to end, and nothing that
   * breaks then is a failure any more.
   */
  endMarker: string | null
  /** The response is cut off beyond. @default 256 MiB */
  maxBodyBytes?: number | undefined
  /** `messages`: a binary event stream, whose `endMarker` is the name of its last event. @default lines */
  framing?: 'lines' | 'messages' | undefined
  deadlines: Deadlines
}

/** Failures that the transport itself sees; a closed list. */
export type WireFailureKind =
  | 'refused' // nobody listens there
  | 'dns' // the host name has no address
  | 'tls' // certificate or handshake
  | 'reset' // connection reset before the response began
  | 'closed' // connection closed before the response began
  | 'truncated' // the body ended inside
  | 'malformed' // not HTTP
  | 'goaway' // HTTP/2: the server is going away
  | 'timeout'
  | 'oversized' // one event over 1 MiB, or the response over its limit
  | 'aborted' // we stopped it (second Ctrl-C)
  | 'resource' // out of file descriptors, no route, unreachable network

export interface WireFailure {
  kind: WireFailureKind
  /** Which phase it struck. */
  phase: 'connect' | 'send' | 'headers' | 'body'
  /** A sentence for a person: no secret, no raw bytes of the peer. */
  detail: string
  /** System or library error code (`ECONNREFUSED`, `CERT_HAS_EXPIRED`), where there is one. */
  code?: string | undefined
}

export interface Connection {
  reused: boolean
  /** Milliseconds; 0 on a reused connection. */
  dnsMs: number
  connectMs: number
  tlsMs: number
  http: '1.1' | '2'
}

export interface Exchange {
  /** Monotonic nanoseconds of the clock that was passed in. */
  /** Handed to the transport; waiting for a connection lies between this and `startNs`. */
  enqueuedNs: number
  /** The instant before the first request byte is handed to the socket on a ready connection. Undefined: never sent. */
  startNs: number | undefined
  connection: Connection
  /** Response headers complete. */
  headersNs: number | undefined
  status: number | undefined
  /** Lower-case names; repeated headers joined by ', '. */
  headers: Readonly<Record<string, string>>
  /** Body bytes in order of arrival. */
  body: Uint8Array
  /** Arrival of each network chunk, and the offset in `body` just after its last byte. Same length. */
  chunkNs: Float64Array
  chunkEnd: Float64Array
  /** Index of the chunk in which the end marker was complete; undefined where it never came. */
  endMarkerChunk: number | undefined
  /** Body complete, marker found and grace over, or failure. */
  endNs: number
  failure: WireFailure | undefined
}
