/** What the pool knows of a ready connection, whatever HTTP it speaks. */
import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import type { Clock } from '../units/time.js'
import type { WireRequest } from './exchange.js'
import type { Flight } from './flight.js'

export interface Link {
  readonly http: '1.1' | '2'
  /** Exchanges at once. */
  capacity(): number
  /** Exchanges that may start now without waiting. */
  free(): number
  /** Carries the exchange; every outcome reaches the flight, or `onUnsent`. */
  run(flight: Flight, reused: boolean): void
  /** Closes at once; resolves when the descriptor is gone. */
  close(): Promise<void>
}

export interface LinkCallbacks {
  /** There is room again. */
  onFree(link: Link): void
  /** The connection is gone, or takes nothing more. */
  onGone(link: Link): void
  /** A kept connection turned out dead before a byte of this exchange was sent: it may take another. */
  onUnsent(flight: Flight): void
}

export interface LinkOptions extends LinkCallbacks {
  origin: URL
  at: string
  clock: Clock
  /** What a close without an answer may mean on a fresh connection. */
  hint: string
  /** A kept HTTP/1.1 connection without exchange is closed after this, milliseconds; a server's hint wins. */
  idleMs: number
  /** Absolute URLs in the request line, and this header if not undefined: a plain proxy forwards. */
  forward: { authorization: string | undefined } | null
}

/** Gives undici a socket that stands already, once; a second call means that it has gone. */
export function handOver(socket: Socket): buildConnector.connector {
  let given = false
  return (_options, callback) => {
    const gone = given || socket.destroyed
    given = true
    // undici resumes only on a later tick; and with an error of its own kind it would try for ever.
    queueMicrotask(() =>
      gone
        ? callback(Object.assign(new Error('gone'), { code: 'ECONNRESET' }), null)
        : callback(null, socket),
    )
  }
}

/** Names in lower case; a packed body could not be timed, so none is asked for. */
export function requestHeaders(request: WireRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value
  headers['accept-encoding'] = 'identity'
  return headers
}
