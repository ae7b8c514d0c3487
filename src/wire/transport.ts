/** The transport: keeps connections to one origin and sends exchanges over them; failures are values. */
import type { Clock } from '../units/time.js'
import type { Exchange, WireFailure, WireRequest } from './exchange.js'
import { Flight } from './flight.js'
import { http1Link } from './http1.js'
import { MAX_STREAMS, http2Link } from './http2.js'
import type { Link, LinkCallbacks } from './link.js'
import { openConnection, secureContexts, type Opening, type Route, type TlsOptions } from './open.js'
import { board, createPool, type Made, type Warmed } from './pool.js'
import { chooseProxy, portOf, proxyAuthorization } from './proxy.js'

export interface TransportOptions {
  /** Scheme, host, port. */
  origin: string
  clock: Clock
  /** '2' is offered, not forced: over TLS only, and the server may choose 1.1; `Connection.http` says which. */
  http: '1.1' | '2'
  /** Kept connections at most. Those of `connection: 'new'` live for one exchange and are not counted. */
  maxConnections: number
  tls?: TlsOptions | undefined
  /** 'none', 'env' (HTTPS_PROXY, HTTP_PROXY, NO_PROXY) or a URL; with a proxy the phases are those of reaching it. */
  proxy?: string | undefined
  /** Where 'env' looks. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** A kept HTTP/1.1 connection without exchange is closed after this; a server's keep-alive hint wins. */
  idleMs?: number | undefined
  /** How long opening a connection beforehand may take. */
  warmConnectMs?: number | undefined
}

/** Idle connections go before uvicorn and Node close them after 5 s, so that no request meets a closing one. */
const TRANSPORT_DEFAULTS = { proxy: 'env', idleMs: 4_000, warmConnectMs: 10_000 } as const

export interface SendOptions {
  /** 'new': a connection for this exchange alone, closed after it. 'reused': a kept one where there is one. */
  connection: 'reused' | 'new'
  signal?: AbortSignal | undefined
  /** Not sent before this instant of the clock; only a transport with a `leadNs` heeds it. */
  notBeforeNs?: number | undefined
}

export interface Transport {
  /** How long before its due time a request should be handed over, nanoseconds; undefined: at that time. */
  readonly leadNs?: number | undefined
  /** Opens connections beforehand until `n` exchanges can start at once: `n` of HTTP/1.1, fewer of HTTP/2. */
  warm(n: number): Promise<Warmed>
  /** Never rejects. No redirect is followed, nothing is sent twice. */
  send(request: WireRequest, options: SendOptions): Promise<Exchange>
  /** Aborts what is in the air and closes every connection. */
  close(): Promise<void>
}

/** One coarse timer for all deadlines: a timer a chunk would cost more than reading the chunk. */
const SWEEP_MS = 25
/** Of more exchanges a sweep looks at every fourth only: 200 in one go make what arrives meanwhile .5 ms late. */
const FEW_FLIGHTS = 32
const ROUND = 4

export function createTransport(options: TransportOptions): Transport {
  const { clock, maxConnections, http } = options
  const idleMs = options.idleMs ?? TRANSPORT_DEFAULTS.idleMs
  const warmConnectMs = options.warmConnectMs ?? TRANSPORT_DEFAULTS.warmConnectMs
  const origin = new URL(new URL(options.origin).origin)
  const chosen = chooseProxy(origin, options.proxy ?? TRANSPORT_DEFAULTS.proxy, options.env ?? process.env)
  const proxy = 'proxy' in chosen ? chosen.proxy : null
  const own = `${origin.hostname}:${portOf(origin)}`
  const at = proxy ? `${own} (through the proxy ${proxy.hostname}:${portOf(proxy)})` : own
  const tls = options.tls ?? {}
  const secrets = secureContexts(tls)
  const route: Route = { origin, proxy, offerHttp2: http === '2', tls, at }
  const forward = proxy && origin.protocol === 'http:' ? { authorization: proxyAuthorization(proxy) } : null

  const hint = hintOf(origin, tls)

  /** Each with a number of its own: whose turn it is must not hang on who has landed. */
  const flights = new Map<Flight, number>()
  const openings = new Set<Opening>()
  /** Every connection whose socket is not closed yet. */
  const links = new Set<Link>()
  let closed = false

  let sweep: NodeJS.Timeout | undefined
  let sweeps = 0
  let sent = 0
  function watch(): void {
    sweep ??= setInterval(() => {
      const nowNs = clock.nowNs()
      for (const each of openings) each.check(nowNs)
      const step = flights.size > FEW_FLIGHTS ? ROUND : 1
      sweeps++
      for (const [flight, turn] of flights) if ((turn + sweeps) % step === 0) flight.check(nowNs)
      if (flights.size > 0 || openings.size > 0) return
      clearInterval(sweep)
      sweep = undefined
    }, SWEEP_MS)
  }

  async function make(
    limitMs: number,
    callbacks: LinkCallbacks,
    register?: (cancel: () => void) => void,
  ): Promise<Made | WireFailure> {
    if (closed) return stopped('refused: the transport is closed')
    if ('problem' in chosen)
      return { kind: 'refused', phase: 'connect', detail: chosen.problem, code: undefined }
    const opening = openConnection(route, secrets, clock, limitMs)
    openings.add(opening)
    watch()
    register?.(() => opening.cancel(stopped('no longer wanted')))
    const opened = await opening.done
    openings.delete(opening)
    if ('kind' in opened) return opened
    const { socket, tcp, session, dnsMs, connectMs, tlsMs } = opened
    const settings = { origin, at, clock, hint, idleMs, forward, ...callbacks }
    const link = session
      ? http2Link({ session, socket, tcp }, settings)
      : http1Link({ socket, tcp }, settings)
    links.add(link)
    socket.once('close', () => links.delete(link))
    return { link, times: { dnsMs, connectMs, tlsMs } } // an exchange is data: no socket may hang on it
  }

  const perConnection = http === '2' && origin.protocol === 'https:' ? MAX_STREAMS : 1
  const pool = createPool({ maxConnections, perConnection, make })

  async function sendOnNew(flight: Flight): Promise<void> {
    const callbacks: LinkCallbacks = {
      onFree: (link) => void link.close(),
      onGone: () => undefined,
      onUnsent: () => undefined,
    }
    const made = await make(flight.request.deadlines.connectMs, callbacks, (cancel) => {
      flight.drop = cancel
    })
    if ('kind' in made) flight.fail(made)
    else if (flight.landed) await made.link.close()
    else board(flight, made.link, made.times)
  }

  return {
    warm: (n) => pool.warm(n, warmConnectMs),
    send(request, { connection, signal }) {
      const onLanded = (flight: Flight): void => {
        flights.delete(flight)
        pool.forget(flight)
      }
      const flight = new Flight(request, { at, clock, signal, onLanded })
      if (closed) flight.abort('refused: the transport is closed')
      else if (signal?.aborted) flight.abort('stopped by us')
      if (flight.landed) return flight.landing
      flights.set(flight, sent++)
      watch()
      if (connection === 'new') void sendOnNew(flight)
      else pool.take(flight)
      return flight.landing
    },
    async close() {
      closed = true
      pool.stop()
      for (const opening of openings) opening.cancel(stopped('stopped: the transport was closed'))
      for (const flight of flights.keys()) flight.abort('stopped: the transport was closed')
      await Promise.all([...openings].map((opening) => opening.done))
      await Promise.all([...links].map((link) => link.close()))
      clearInterval(sweep)
      sweep = undefined
    },
  }
}

function stopped(why: string): WireFailure {
  return { kind: 'aborted', phase: 'connect', detail: `the exchange was ${why}`, code: undefined }
}

/** What a close without an answer may mean on a connection just made. */
function hintOf(origin: URL, tls: TlsOptions): string {
  if (origin.protocol === 'http:') return 'if this port speaks TLS, write https:// instead of http://'
  return tls.cert === undefined
    ? 'if it asks for a client certificate, name one in tls.certFile and tls.keyFile'
    : 'it may not accept our client certificate (tls.certFile)'
}
