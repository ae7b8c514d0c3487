/** One HTTP/1.1 connection: an undici Client around a socket that stands already. */
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { exchangeFailure, isUnsendable, type Broken } from './failure.js'
import type { Flight, Reading } from './flight.js'
import { handOver, requestHeaders, type Link, type LinkOptions } from './link.js'
import { Client } from './undici-client.js'

/**
 * A Client a connection, not undici's Pool: so it is known which connection carries what, setting it up is ours
 * to time and to explain, and a request that failed can never be sent a second time behind our back.
 *
 * Arrival is stamped where the socket pushes bytes into its stream; at undici's onResponseData, after its parser,
 * it is 2 µs later (p99 19 µs; 200 streams × 50 events/s, Node 20, a busy machine). undici hands on one
 * piece for every HTTP chunk, TLS one for every record: all pieces of one network read share its stamp, and the
 * byte count of `tcp`, the socket at the bottom, tells one read from the next.
 */
export function http1Link({ socket, tcp }: { socket: Socket; tcp: Socket }, options: LinkOptions): Link {
  const { origin, at, clock, forward, hint } = options
  const reading: Reading = { ns: 0, count: -1 }
  const push = socket.push
  socket.push = function stamped(bytes: unknown, encoding?: BufferEncoding) {
    if (bytes === null || tcp.bytesRead !== reading.count) {
      reading.count = tcp.bytesRead
      reading.ns = clock.nowNs()
    }
    return push.call(this, bytes, encoding)
  }

  // The request leaves in one write of all its parts; what undici does before is our time, not the server's.
  let atWrite: Flight | undefined
  const onWrite = (): void => {
    if (atWrite === undefined) return
    atWrite.startNs = clock.nowNs()
    atWrite = undefined
  }
  const write = socket.write
  socket.write = (...parts: unknown[]): boolean => {
    onWrite()
    return Boolean(Reflect.apply(write, socket, parts))
  }

  const client = new Client(origin, {
    connect: handOver(socket),
    pipelining: 1,
    keepAliveTimeout: options.idleMs,
    // Deadlines are the transport's own; undici's never see a slow drip.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 16_384,
  })

  let flight: Flight | undefined
  let reused = false
  let used = false
  let gone = false

  // Not by the controller: undici 7 throws out of reach (assert in onComplete) when a body that only the
  // connection's end would have ended is aborted.
  const drop = (): void => {
    socket.destroy(new Error('dropped'))
  }
  const onGone = (): void => {
    if (gone) return
    gone = true
    options.onGone(link)
  }
  // Until its first exchange nobody reads the socket: bytes or an end by then mean that it is of no use.
  const onEarly = (): void => {
    socket.destroy()
  }
  const onFree = (): void => {
    if (socket.destroyed || gone) return
    flight = undefined
    options.onFree(link)
  }

  const broken = (): Omit<Broken, 'phase'> => ({ at, reused, tls: origin.protocol === 'https:', hint })

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      const current = flight
      if (!current || current.landed) return controller.abort(new Error('landed'))
      // undici writes headers and body to the socket in this same turn, which stamps it once more.
      current.startNs = clock.nowNs()
      atWrite = current
    },
    onResponseStart(_controller, status, headers) {
      if (status >= 200) flight?.response(reading.ns, status, headers)
    },
    onResponseData(_controller, chunk) {
      flight?.data(reading, chunk)
    },
    onResponseEnd() {
      // Not yet: undici closes the socket at the end of this turn if the server asked for it. But before whoever
      // waits for the landing asks for the next connection.
      queueMicrotask(onFree)
      flight?.complete(reading.ns)
    },
    onResponseError(_controller, error) {
      const current = flight
      if (current && isUnsendable(error)) {
        queueMicrotask(onFree) // before whoever waits for the landing asks for the next connection
        return current.fail(exchangeFailure(error, { ...broken(), phase: 'send' }))
      }
      onGone()
      socket.destroy()
      if (!current || current.landed) return
      if (current.startNs === undefined && reused) return options.onUnsent(current)
      const unsent = current.startNs === undefined || socket.writableLength > 0
      const phase = current.headersNs !== undefined ? 'body' : unsent ? 'send' : 'headers'
      current.fail(exchangeFailure(error, { ...broken(), phase }))
    },
  }

  const link: Link = {
    http: '1.1',
    capacity: () => 1,
    free: () => (flight === undefined && !gone && !socket.destroyed ? 1 : 0),
    run(next, isReused) {
      flight = next
      reused = isReused
      if (!used) {
        used = true
        socket.off('readable', onEarly)
      }
      next.drop = drop
      const { method, path, body } = next.request
      const headers = requestHeaders(next.request)
      if (forward?.authorization !== undefined) headers['proxy-authorization'] = forward.authorization
      client.dispatch({ method, path: forward ? origin.origin + path : path, headers, body }, handler)
    },
    close: () =>
      new Promise((resolve) => {
        if (socket.closed) return resolve()
        socket.once('close', () => resolve())
        socket.destroy()
      }),
  }
  socket.on('readable', onEarly)
  socket.once('close', onGone)
  return link
}
