/** The transport: keeps connections to one origin and sends exchanges over them; failures are values. */
import type { Clock } from '../units/time.js'
import type { Exchange, WireFailure, WireRequest } from './exchange.js'
import { Flight } from './flight.js'
import { http1Link } from './http1.js'
import { MAX_STREAMS, http2Link } from './http2.js'
import type { Link, LinkOptions } from './link.js'
import {
  openConnection,
  secureContexts,
  type Opened,
  type Opening,
  type Route,
  type TlsOptions,
} from './open.js'
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

/** undici's own default for idling: below the 5 s after which uvicorn and Node close, so that no request meets a closing connection. */
export const TRANSPORT_DEFAULTS = { proxy: 'env', idleMs: 4_000, warmConnectMs: 10_000 } as const

export interface SendOptions {
  /** 'new': a connection for this exchange alone, closed after it. 'reused': a kept one where there is one. */
  connection: 'reused' | 'new'
  signal?: AbortSignal | undefined
}

export interface Warmed {
  opened: number
  /** Why not all were opened. */
  failure: WireFailure | undefined
}

export interface Transport {
  /** Opens connections beforehand until `n` exchanges can start at once: `n` of HTTP/1.1, fewer of HTTP/2. */
  warm(n: number): Promise<Warmed>
  /** Never rejects. No redirect is followed, nothing is sent twice. */
  send(request: WireRequest, options: SendOptions): Promise<Exchange>
  /** Aborts what is in the air and closes every connection. */
  close(): Promise<void>
}

/** One coarse timer for all deadlines: a timer a chunk would cost more than reading the chunk. */
const SWEEP_MS = 25

export function createTransport(options: TransportOptions): Transport {
  const { clock, maxConnections, http } = options
  const idleMs = options.idleMs ?? TRANSPORT_DEFAULTS.idleMs
  const warmConnectMs = options.warmConnectMs ?? TRANSPORT_DEFAULTS.warmConnectMs
  const origin = new URL(options.origin)
  const chosen = chooseProxy(origin, options.proxy ?? TRANSPORT_DEFAULTS.proxy, options.env ?? process.env)
  const proxy = 'proxy' in chosen ? chosen.proxy : null
  const own = `${origin.hostname}:${portOf(origin)}`
  const at = proxy ? `${own} (through the proxy ${proxy.hostname}:${portOf(proxy)})` : own
  const tls = options.tls ?? {}
  const secrets = secureContexts(tls)
  const route: Route = { origin, proxy, offerHttp2: http === '2', tls, at }
  const forward = proxy && origin.protocol === 'http:' ? { authorization: proxyAuthorization(proxy) } : null

  const hint =
    origin.protocol === 'http:'
      ? 'if this port speaks TLS, write https:// instead of http://'
      : tls.cert === undefined
        ? 'if it asks for a client certificate, name one in tls.certFile and tls.keyFile'
        : 'it may not accept our client certificate (tls.certFile)'

  const flights = new Set<Flight>()
  /** In order of arrival: a kept connection that frees itself goes to the first. */
  const waiting = new Set<Flight>()
  /** Kept connections; `idle` holds those with room, the last used on top. */
  const kept = new Set<Link>()
  const idle: Link[] = []
  const single = new Set<Link>()
  const openings = new Set<Opening>()
  /** Openings whose connection will be kept. */
  let opening = 0
  /** Exchanges that one connection carries at once: a guess until one stands. */
  let perConnection = http === '2' && origin.protocol === 'https:' ? MAX_STREAMS : 1
  let closed = false

  let sweep: NodeJS.Timeout | undefined
  function watch(): void {
    sweep ??= setInterval(() => {
      const nowNs = clock.nowNs()
      for (const each of openings) each.check(nowNs)
      for (const flight of flights) flight.check(nowNs)
      if (flights.size > 0 || openings.size > 0) return
      clearInterval(sweep)
      sweep = undefined
    }, SWEEP_MS)
  }

  function onLanded(flight: Flight): void {
    flights.delete(flight)
    waiting.delete(flight)
  }

  async function open(
    limitMs: number,
    register: (cancel: Opening['cancel']) => void,
  ): Promise<Opened | WireFailure> {
    if ('problem' in chosen)
      return { kind: 'refused', phase: 'connect', detail: chosen.problem, code: undefined }
    const started = openConnection(route, secrets, clock, limitMs)
    openings.add(started)
    watch()
    register(started.cancel)
    const result = await started.done
    openings.delete(started)
    if (!closed || 'kind' in result) return result
    result.socket.destroy()
    return { kind: 'aborted', phase: 'connect', detail: 'the transport was closed', code: undefined }
  }

  function linkOf(opened: Opened, callbacks: Pick<LinkOptions, 'onFree' | 'onGone' | 'onUnsent'>): Link {
    const { session, socket, tcp } = opened
    const settings = { origin, at, clock, hint, idleMs, forward, ...callbacks }
    return session ? http2Link({ session, socket, tcp }, settings) : http1Link(opened, settings)
  }

  function board(flight: Flight, link: Link, fresh: Opened | undefined): void {
    const { dnsMs, connectMs, tlsMs } = fresh ?? { dnsMs: 0, connectMs: 0, tlsMs: 0 }
    flight.connection = { reused: fresh === undefined, dnsMs, connectMs, tlsMs, http: link.http }
    link.run(flight, fresh === undefined)
  }

  const keeping: Pick<LinkOptions, 'onFree' | 'onGone' | 'onUnsent'> = {
    onFree(link) {
      if (!idle.includes(link)) idle.push(link)
      pump()
    },
    onGone(link) {
      kept.delete(link)
      const index = idle.indexOf(link)
      if (index !== -1) idle.splice(index, 1)
      pump()
    },
    onUnsent(flight) {
      waiting.add(flight)
      pump()
    },
  }

  /** Opens one more kept connection; the first that wait get it, or its failure. */
  async function openKept(limitMs: number): Promise<WireFailure | undefined> {
    opening++
    const result = await open(limitMs, () => undefined)
    opening--
    if ('kind' in result) {
      for (const flight of [...waiting].slice(0, perConnection)) flight.fail(result)
      pump()
      return result
    }
    const link = linkOf(result, keeping)
    perConnection = link.capacity()
    kept.add(link)
    const [first] = waiting
    if (first) {
      waiting.delete(first)
      board(first, link, result)
    }
    if (link.free() > 0) idle.push(link)
    pump()
    return undefined
  }

  function pump(): void {
    if (closed) return
    for (const flight of waiting) {
      const link = takeIdle()
      if (!link) break
      waiting.delete(flight)
      board(flight, link, undefined)
    }
    const [first] = waiting
    while (first && waiting.size > opening * perConnection && kept.size + opening < maxConnections)
      void openKept(first.request.deadlines.connectMs)
  }

  function takeIdle(): Link | undefined {
    for (let link = idle.at(-1); link; link = idle.at(-1)) {
      if (link.free() > 1) return link
      idle.pop()
      if (link.free() === 1) return link
    }
    return undefined
  }

  async function sendOnNew(flight: Flight): Promise<void> {
    const result = await open(flight.request.deadlines.connectMs, (cancel) => {
      flight.drop = () =>
        cancel({ kind: 'aborted', phase: 'connect', detail: 'no longer wanted', code: undefined })
    })
    if ('kind' in result) return flight.fail(result)
    if (flight.landed) return void result.socket.destroy()
    const link = linkOf(result, {
      onFree: (free) => void free.close(),
      onGone: (gone) => void single.delete(gone),
      onUnsent: () => undefined,
    })
    single.add(link)
    board(flight, link, result)
  }

  return {
    async warm(n) {
      let opened = 0
      for (;;) {
        const room = [...kept].reduce((sum, link) => sum + link.free(), opening * perConnection)
        const lacking = Math.ceil((n - room) / perConnection)
        const length = Math.min(lacking, maxConnections - kept.size - opening)
        if (length <= 0) return { opened, failure: undefined }
        const results = await Promise.all(Array.from({ length }, () => openKept(warmConnectMs)))
        const failures = results.filter((result) => result !== undefined)
        opened += length - failures.length
        if (failures.length > 0) return { opened, failure: failures[0] }
      }
    },
    send(request, { connection, signal }) {
      const flight = new Flight(request, { at, clock, signal, onLanded })
      if (closed) flight.abort('refused: the transport is closed')
      else if (signal?.aborted) flight.abort('stopped by us')
      if (flight.landed) return flight.landing
      flights.add(flight)
      watch()
      if (connection === 'new') {
        void sendOnNew(flight)
      } else {
        waiting.add(flight)
        pump()
      }
      return flight.landing
    },
    async close() {
      closed = true
      const stop: WireFailure = {
        kind: 'aborted',
        phase: 'connect',
        detail: 'the transport was closed',
        code: undefined,
      }
      const pending = [...openings].map((each) => (each.cancel(stop), each.done))
      for (const flight of flights) flight.abort('stopped: the transport was closed')
      await Promise.all([...pending, ...[...kept, ...single].map((link) => link.close())])
      clearInterval(sweep)
      sweep = undefined
    },
  }
}
