/** One HTTP/2 connection: a session of node:http2 around a TLS socket, many exchanges at once. */
import { connect, constants, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import { streamFailure } from './failure.js'
import type { Flight, Reading } from './flight.js'
import { requestHeaders, type Link, type LinkOptions } from './link.js'

/** Streams on one connection at most, also where the server would take more. */
export const MAX_STREAMS = 100
/** Windows so wide that flow control is never what slows a stream down. */
const STREAM_WINDOW = 1 << 20
const SESSION_WINDOW = 1 << 24

/** In the order of their codes (RFC 9113 §7). */
const ERROR_NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]

/** Ready when the server's settings are here, since they say how many streams it takes. */
export function beginSession(socket: Socket, origin: URL): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
      maxSessionMemory: 1_000,
    })
    session.on('error', reject)
    session.once('close', () => reject(new Error('closed')))
    session.once('remoteSettings', () => {
      session.setLocalWindowSize(SESSION_WINDOW)
      resolve(session)
    })
  })
}

/**
 * node:http2 and not undici's client over it: undici 7 reports a stream that the server reset as a clean end,
 * kills on GOAWAY what the server would finish, and does not hold streams back that the server has no room for,
 * so that their waiting would count as time to first byte.
 *
 * `tcp` is the socket at the bottom: its byte count tells one network read from the next, and all frames of one
 * read share one arrival time.
 */
export function http2Link(
  { session, socket, tcp }: { session: ClientHttp2Session; socket: Socket; tcp: Socket },
  options: LinkOptions,
): Link {
  const { origin, at, clock } = options
  const reading: Reading = { ns: 0, count: -1 }
  let streams = 0
  let goaway: { code: number; lastStream: number } | undefined
  let gone = false

  const touch = (): void => {
    if (tcp.bytesRead === reading.count) return
    reading.count = tcp.bytesRead
    reading.ns = clock.nowNs()
  }
  const capacity = (): number =>
    Math.min(MAX_STREAMS, session.remoteSettings.maxConcurrentStreams ?? MAX_STREAMS)
  const free = (): number =>
    gone || session.closed || session.destroyed ? 0 : Math.max(0, capacity() - streams)
  const onGone = (): void => {
    if (gone) return
    gone = true
    options.onGone(link)
  }

  function run(flight: Flight, reused: boolean): void {
    const { method, path, body } = flight.request
    const { host = origin.host, ...rest } = requestHeaders(flight.request)
    const bytes = body === null ? undefined : Buffer.from(body)
    const headers: OutgoingHttpHeaders = {
      ':method': method,
      ':path': path,
      ':scheme': 'https',
      ':authority': host,
      ...rest,
      ...(bytes === undefined ? {} : { 'content-length': bytes.length }),
    }
    const startNs = clock.nowNs()
    let stream
    try {
      stream = session.request(headers, { endStream: bytes === undefined })
    } catch (error) {
      if (!session.closed && !session.destroyed)
        return flight.fail(streamFailure({ at, phase: 'send', reused, error }))
      onGone()
      return options.onUnsent(flight)
    }
    flight.startNs = startNs
    if (bytes !== undefined) stream.end(bytes)
    streams++
    let failed: unknown
    let endNs: number | undefined
    flight.drop = () => stream.close(constants.NGHTTP2_CANCEL)
    stream.on('response', ({ ':status': status = 0, ...fields }) => {
      touch()
      flight.response(reading.ns, status, fields)
    })
    stream.on('data', (chunk: Buffer) => {
      touch()
      flight.data(reading, chunk)
    })
    stream.once('end', () => {
      touch()
      endNs = reading.ns
    })
    stream.once('error', (error) => {
      failed = error
    })
    // Only here is the reset code of the stream known for sure.
    stream.once('close', () => {
      streams--
      const { rstCode, id = 0 } = stream
      if (!flight.landed) {
        if (rstCode === constants.NGHTTP2_NO_ERROR && endNs !== undefined && flight.headersNs !== undefined)
          flight.complete(endNs)
        else {
          const refused = goaway !== undefined && (goaway.code !== 0 || id > goaway.lastStream)
          flight.fail(
            streamFailure({
              at,
              phase: flight.headersNs === undefined ? 'headers' : 'body',
              reused,
              error: failed,
              goaway: refused,
              rst:
                session.destroyed || socket.destroyed ? undefined : (ERROR_NAMES[rstCode] ?? String(rstCode)),
            }),
          )
        }
      }
      if (free() > 0) options.onFree(link)
    })
  }

  session.on('goaway', (code: number, lastStream: number) => {
    goaway ??= { code, lastStream }
    onGone()
  })
  session.once('close', onGone)

  const link: Link = {
    http: '2',
    capacity,
    free,
    run,
    close: () =>
      new Promise((resolve) => {
        if (socket.closed) return resolve()
        socket.once('close', () => resolve())
        session.destroy()
        socket.destroy()
      }),
  }
  return link
}
