/** One HTTP/1.1 connection: an undici Client around a socket that stands already. */
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { addRead, emptyBatch, handedOver, hasRoom, mayEnd, seekRead } from './batch.js'
import { exchangeFailure, isUnsendable, type Broken } from './failure.js'
import type { Flight, Reading } from './flight.js'
import { handOver, requestHeaders, type Link, type LinkOptions } from './link.js'
import { Client } from './undici-client.js'

/**
 * How long bytes of a body lie here, stamped, until the next read has them parsed: that costs 5 µs, whether of one event or
 * of ten. The sweep does it only where no read comes, for many at once would be a stall.
 */
const HOLD_NS = 150e6
const GOLDEN = 0.618034
let links = 0
/** Streams that began together are not parsed together: each connection waits for a time of its own, evenly spread. */
const holdOfNext = (): number => HOLD_NS * (0.6 + 0.8 * ((++links * GOLDEN) % 1))

/**
 * A Client a connection, not undici's Pool: so it is known which connection carries what, setting it up is ours
 * to time and to explain, and a request that failed can never be sent a second time behind our back.
 *
 * Arrival is stamped where the socket pushes bytes into its stream; at undici's onResponseData, after its parser,
 * it is 2 µs later (p99 19 µs; 200 streams × 50 events/s, Node 20, a busy machine). What was read inside a chunked body is
 * held back until an end shows or it has lain too long, and parsed in one go; the pieces that undici
 * then hands on, one for every HTTP chunk, are views of what it was given, so that each finds the read that it came with.
 */
export function http1Link({ socket, tcp }: { socket: Socket; tcp: Socket }, options: LinkOptions): Link {
  const { origin, at, clock, forward, hint } = options
  const reading: Reading = { ns: 0, count: -1 }
  const batch = emptyBatch()
  /** Inside a body whose end shows (`mayEnd`). */
  let holds = false
  const holdNs = holdOfNext()
  let isHanding = false
  let readBytes = -1
  let readNs = 0
  const push = socket.push

  /** Has undici parse what is held, in this same turn: it reads on the event. */
  function hand(): void {
    if (isHanding || batch.end === batch.from) return
    isHanding = true
    try {
      push.call(socket, batch.bytes.subarray(batch.from, batch.end))
      socket.emit('readable')
    } finally {
      isHanding = false
      handedOver(batch, socket.readableLength === 0)
    }
  }
  const isTls = tcp !== socket
  socket.push = function stamped(bytes: unknown, encoding?: BufferEncoding): boolean {
    if (!(bytes instanceof Uint8Array)) {
      hand()
      return push.call(this, bytes, encoding)
    }
    // TLS pushes once for every record of one network read.
    const isSame = isTls && tcp.bytesRead === readBytes
    if (!isSame) readNs = clock.nowNs()
    if (isTls) readBytes = tcp.bytesRead
    if (!hasRoom(batch, bytes.length)) hand()
    addRead(batch, bytes, readNs, isSame)
    if (!holds || mayEnd(batch) || readNs - batch.readNs[0]! > holdNs) hand()
    return socket.readableLength < socket.readableHighWaterMark
  }
  const destroy = socket.destroy
  socket.destroy = function handFirst(error?: Error) {
    hand()
    return destroy.call(this, error)
  }

  // The request leaves in one write of all its parts, and is stamped there: what undici does before is our time, not the
  // server's.
  let atWrite: Flight | undefined
  const onWrite = (): void => {
    if (atWrite === undefined) return
    atWrite.startNs = clock.nowNs()
    atWrite = undefined
  }
  const { _write, _writev } = socket
  // oxlint-disable-next-line no-underscore-dangle -- the names that a Writable's own methods have
  socket._write = function stamped(...parts) {
    onWrite()
    _write.apply(this, parts)
  }
  // oxlint-disable-next-line no-underscore-dangle -- as above
  socket._writev = function stamped(...parts) {
    onWrite()
    _writev?.apply(this, parts)
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
      if (status < 200) return
      seekRead(batch, batch.end, reading)
      flight?.response(reading.ns, status, headers)
      holds = headers['transfer-encoding'] === 'chunked'
    },
    onResponseData(_controller, chunk) {
      // Bytes that lay in undici's hands for a while belong to no read that is known any more: they count as of the last.
      const begin = chunk.buffer === batch.bytes.buffer ? chunk.byteOffset : batch.end
      for (let done = 0; done < chunk.length;) {
        const end = Math.min(chunk.length, seekRead(batch, begin + done, reading) - begin)
        flight?.data(reading, end - done === chunk.length ? chunk : chunk.subarray(done, end))
        done = end
      }
    },
    onResponseEnd() {
      holds = false
      seekRead(batch, batch.end, reading)
      // Not yet: undici closes the socket at the end of this turn if the server asked for it. But before whoever
      // waits for the landing asks for the next connection.
      queueMicrotask(onFree)
      flight?.complete(reading.ns)
    },
    onResponseError(_controller, error) {
      holds = false
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
      next.flush = (beforeNs) => {
        if (batch.reads > 0 && batch.readNs[0]! < beforeNs) hand()
      }
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
