/** Kept connections: who waits for one, who gets it, when another is opened. */
import type { Connection, WireFailure } from './exchange.js'
import type { Flight } from './flight.js'
import type { Link, LinkCallbacks } from './link.js'

/** A connection that was just made, and what that took. */
export interface Made {
  link: Link
  times: Pick<Connection, 'dnsMs' | 'connectMs' | 'tlsMs'>
}

export interface Warmed {
  opened: number
  /** Why not all were opened. */
  failure: WireFailure | undefined
}

export interface Pool {
  /** Gives the flight a connection as soon as there is one. */
  take(flight: Flight): void
  /** It landed: it waits no more. */
  forget(flight: Flight): void
  /** Opens connections until `n` exchanges can start at once. */
  warm(n: number, limitMs: number): Promise<Warmed>
  /** Nothing is opened or boarded from now on. */
  stop(): void
}

export interface PoolOptions {
  maxConnections: number
  /** Exchanges that one connection carries at once: a guess until one stands. */
  perConnection: number
  make(limitMs: number, callbacks: LinkCallbacks): Promise<Made | WireFailure>
}

const REUSED = { dnsMs: 0, connectMs: 0, tlsMs: 0 }

/**
 * Some servers close the connection right behind each answer and never say so (llama.cpp's, 0.1 to 0.6 ms after a
 * stream): a request sent into that is lost. So the first HTTP/1.1 connection that comes free rests this long, once,
 * and tells by what becomes of it whether this server keeps connections.
 */
const REST_MS = 50

/** Puts the flight on the connection; only the one for whom it was made pays for it. */
export function board(flight: Flight, link: Link, times?: Made['times']): void {
  flight.connection = { reused: times === undefined, ...(times ?? REUSED), http: link.http }
  link.run(flight, times === undefined)
}

export function createPool({ maxConnections, perConnection, make }: PoolOptions): Pool {
  /** In order of arrival: a connection that frees itself goes to the first. */
  const waiting = new Set<Flight>()
  const kept = new Set<Link>()
  /** Those with room, the last used on top: it is the least likely to have been closed for idling. */
  const idle: Link[] = []
  let opening = 0
  let stopped = false
  /** Whether the server keeps a connection after an answer; undefined while nobody knows. */
  let keeps: boolean | undefined
  /** Free, and held back until that is known; the first of them finds it out. */
  let resting: Link[] = []
  let trial: Promise<void> | undefined

  const callbacks: LinkCallbacks = {
    onFree(link) {
      if (link.http === '2' || keeps === true) return offer(link)
      if (keeps === false) return void link.close()
      resting.push(link)
      trial ??= rest(link)
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

  function offer(link: Link): void {
    if (!idle.includes(link)) idle.push(link)
    pump()
  }

  async function rest(first: Link): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve, REST_MS))
    keeps = kept.has(first)
    const rested = resting.filter((link) => kept.has(link))
    resting = []
    for (const link of rested) callbacks.onFree(link)
    pump()
  }

  /** Opens one more; the first that wait get it, or its failure. */
  async function open(limitMs: number): Promise<WireFailure | undefined> {
    opening++
    const made = await make(limitMs, callbacks)
    opening--
    if ('kind' in made) {
      for (const flight of [...waiting].slice(0, perConnection)) flight.fail(made)
      pump()
      return made
    }
    const { link, times } = made
    perConnection = Math.max(1, link.capacity())
    kept.add(link)
    const [first] = waiting
    if (first) {
      waiting.delete(first)
      board(first, link, times)
    }
    if (link.free() > 0) offer(link)
    else pump()
    return undefined
  }

  function pump(): void {
    if (stopped) return
    let connectMs = 0
    for (const flight of waiting) {
      const link = takeIdle()
      connectMs = flight.request.deadlines.connectMs
      if (!link) break
      waiting.delete(flight)
      board(flight, link)
    }
    const coming = opening * perConnection + resting.length
    for (let lacking = waiting.size - coming; lacking > 0; lacking -= perConnection)
      if (kept.size + opening < maxConnections) void open(connectMs)
  }

  function takeIdle(): Link | undefined {
    for (let link = idle.at(-1); link; link = idle.at(-1)) {
      if (link.free() > 1) return link
      idle.pop()
      if (link.free() === 1) return link
    }
    return undefined
  }

  return {
    take(flight) {
      waiting.add(flight)
      pump()
    },
    forget: (flight) => void waiting.delete(flight),
    async warm(n, limitMs) {
      let opened = 0
      await trial
      for (;;) {
        const room = [...kept].reduce((sum, link) => sum + link.free(), opening * perConnection)
        const lacking = Math.ceil((n - room) / perConnection)
        const length = Math.min(lacking, maxConnections - kept.size - opening)
        if (length <= 0) return { opened, failure: undefined }
        const results = await Promise.all(Array.from({ length }, () => open(limitMs)))
        const failures = results.filter((result) => result !== undefined)
        opened += length - failures.length
        if (failures.length > 0) return { opened, failure: failures[0] }
      }
    },
    stop() {
      stopped = true
    },
  }
}
