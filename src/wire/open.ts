/** Opens one connection to an origin, directly or through a proxy, and times DNS, TCP and TLS. */
import type { ClientHttp2Session } from 'node:http2'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import {
  connect as connectTls,
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import { nsToMs, type Clock } from '../units/time.js'
import type { WireFailure } from './exchange.js'
import { connectFailure, connectTimeout, type Stage } from './failure.js'
import { beginSession } from './http2.js'
import { handOver } from './link.js'
import { hostOf, portOf, proxyAuthorization } from './proxy.js'

/** PEM texts. A custom CA stands in place of the public ones, as in Node and curl. */
export interface TlsOptions {
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
}

export interface Route {
  origin: URL
  /** Null: direct. */
  proxy: URL | null
  /** Offer HTTP/2 (TLS only). */
  offerHttp2: boolean
  tls: TlsOptions
  /** Host, port and proxy, for sentences. */
  at: string
}

/**
 * A ready socket and what making it took. Through a proxy, `connectMs` lasts until the tunnel stands; the wait for
 * HTTP/2 settings is in none of the three.
 */
export interface Opened {
  socket: Socket
  /** The socket at the bottom, beneath TLS. */
  tcp: Socket
  /** Where the server chose HTTP/2. */
  session: ClientHttp2Session | undefined
  dnsMs: number
  connectMs: number
  tlsMs: number
}

export interface Opening {
  readonly done: Promise<Opened | WireFailure>
  /** Called by the sweep. */
  check(nowNs: number): void
  /** Ends it early; `done` then holds this failure. */
  cancel(failure: WireFailure): void
}

/** TLS contexts cost milliseconds to make, so a transport makes its own once. Throws on PEM texts that are none. */
export interface Secrets {
  origin(): SecureContext
  proxy(): SecureContext
}

export function secureContexts(tls: TlsOptions): Secrets {
  let origin: SecureContext | undefined
  let proxy: SecureContext | undefined
  const { ca, cert, key } = tls
  return {
    origin: () =>
      (origin ??= createSecureContext({
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      })),
    // The proxy is another party: no client certificate, and the public CAs still hold.
    proxy: () => (proxy ??= createSecureContext(ca === undefined ? {} : { ca: [...rootCertificates, ca] })),
  }
}

/**
 * All plain sockets read into it, one after the other: a buffer of its own for each read, which Node allocates
 * (64 KiB, then cut), is what its collector marks and sweeps.
 */
const readBuffer = Buffer.allocUnsafeSlow(65_536)

export function openConnection(route: Route, secrets: Secrets, clock: Clock, limitMs: number): Opening {
  const { origin, proxy, at } = route
  let beginNs = clock.nowNs()
  const first = proxy ?? origin
  let stage: Stage = 'dns'
  let socket: Socket | undefined
  let ended: WireFailure | undefined

  /** Before the proxy has answered it is the proxy that cannot be reached. */
  const where = (): string =>
    proxy && (stage === 'dns' || stage === 'tcp')
      ? `the proxy ${proxy.hostname}:${portOf(proxy)} (on the way to ${origin.hostname}:${portOf(origin)})`
      : at
  const cancel = (failure: WireFailure): void => {
    ended ??= failure
    socket?.destroy(new Error('cancelled'))
  }

  async function open(): Promise<Opened> {
    if (proxy && origin.protocol === 'https:') {
      await import('undici') // what `tunnel` needs, loaded before anything is timed
      if (ended !== undefined) throw new Error('cancelled')
      beginNs = clock.nowNs()
    }
    let lookupNs: number | undefined
    const isPlain = first.protocol === 'http:' && origin.protocol === 'http:'
    const tcp: Socket = connectTcp({
      host: hostOf(first),
      port: portOf(first),
      ...(isPlain
        ? {
            onread: {
              buffer: readBuffer,
              // Lent: whoever takes up the connection copies it (http1.ts), and nobody reads before.
              callback: (n: number) => tcp.push(readBuffer.subarray(0, n)),
            },
          }
        : {}),
    })
    socket = tcp
    tcp.once('lookup', () => {
      lookupNs = clock.nowNs()
      stage = 'tcp'
    })
    if (isIP(hostOf(first)) !== 0) stage = 'tcp'
    tcp.setNoDelay(true)
    tcp.setKeepAlive(true, 60_000)
    await ready(tcp, 'connect')
    let stream = tcp
    if (proxy) {
      stage = 'proxy'
      if (proxy.protocol === 'https:') stream = await handshake(tcp, proxy, secrets.proxy(), ['http/1.1'])
      if (origin.protocol === 'https:') stream = await tunnel(stream, proxy, origin)
    }
    const connectedNs = clock.nowNs()
    if (origin.protocol === 'https:') {
      stage = 'tls'
      const protocols = route.offerHttp2 ? ['h2', 'http/1.1'] : ['http/1.1']
      stream = await handshake(stream, origin, secrets.origin(), protocols)
    }
    const readyNs = clock.nowNs()
    let session: ClientHttp2Session | undefined
    if ('alpnProtocol' in stream && stream.alpnProtocol === 'h2') {
      stage = 'http2'
      session = await beginSession(stream, origin)
    }
    return {
      socket: stream,
      tcp,
      session,
      dnsMs: nsToMs((lookupNs ?? beginNs) - beginNs),
      connectMs: nsToMs(connectedNs - (lookupNs ?? beginNs)),
      tlsMs: nsToMs(readyNs - connectedNs),
    }
  }

  /** Session tickets are not kept: every handshake is a full one, so that `tlsMs` means one thing. */
  async function handshake(
    under: Socket,
    url: URL,
    secureContext: SecureContext,
    ALPNProtocols: string[],
  ): Promise<TLSSocket> {
    const host = hostOf(url)
    const servername = isIP(host) === 0 ? { servername: host } : {}
    const over = connectTls({
      socket: under,
      host,
      ...servername,
      secureContext,
      ALPNProtocols,
      rejectUnauthorized: true,
    })
    socket = over
    await ready(over, 'secureConnect')
    return over
  }

  const done = open().then(
    (opened) => {
      if (ended === undefined) return opened
      opened.socket.destroy()
      return ended
    },
    (error: unknown) => {
      socket?.destroy()
      if (ended !== undefined) return ended
      return error instanceof Refusal ? error.failure : connectFailure(error, stage, where(), hostOf(first))
    },
  )
  return {
    done,
    cancel,
    check: (nowNs) => {
      if (nsToMs(nowNs - beginNs) > limitMs) cancel(connectTimeout(stage, where(), hostOf(first), limitMs))
    },
  }
}

/** A failure with a sentence already; never leaves this file. */
class Refusal extends Error {
  constructor(readonly failure: WireFailure) {
    super(failure.detail)
  }
}

/** Resolves on the event; rejects on an error or a close before it. The error listener stays: errors come late. */
function ready(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve)
    socket.on('error', reject)
    socket.once('close', () => reject(new Error('closed')))
  })
}

/** Asks the proxy for a tunnel (CONNECT, RFC 9110 §9.3.6). */
async function tunnel(socket: Socket, proxy: URL, origin: URL): Promise<Socket> {
  // The client alone has no `connect`: the package as a whole gives it that.
  const { Client } = await import('undici')
  const client = new Client(proxy.origin, {
    connect: handOver(socket),
    headersTimeout: 0,
  })
  const target = `${origin.hostname}:${portOf(origin)}`
  const authorization = proxyAuthorization(proxy)
  const answer = await client.connect({
    path: target,
    headers: {
      host: target,
      ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
    },
  })
  if (answer.statusCode >= 200 && answer.statusCode < 300) return socket
  const why = answer.statusCode === 407 ? ' (it wants credentials, or others)' : ''
  const detail = `the proxy ${proxy.host} answered ${answer.statusCode} to a tunnel to ${target}${why}`
  throw new Refusal({ kind: 'refused', phase: 'connect', detail, code: undefined })
}
