/** One exchange in the air: takes the times and bytes that a connection reports, and lands as an Exchange. */
import { nsToMs, type Clock } from '../units/time.js'
import type { Connection, Exchange, WireFailure, WireRequest } from './exchange.js'
import { messageScan, scanMessages, type MessageScan } from './message-scan.js'
import { lineScan, scanChunk, type LineScan } from './scan.js'

const MAX_EVENT_BYTES = 1024 * 1024
const MAX_BODY_BYTES = 256 * 1024 * 1024
/** What the end of the body may take once the end marker was seen, which may have been held back before. */
const GRACE_MS = 250
/** How long a connection may hold back bytes that it has stamped, where no further read has them parsed. */
const LONGEST_HOLD_NS = 250e6
const FIRST_CAPACITY = 256
const FIRST_BYTES = 32 * 1024

/** A network read of a connection: when its bytes arrived, and a number that no other read of it has. */
export interface Reading {
  ns: number
  count: number
}

const NO_BYTES = Buffer.allocUnsafeSlow(0)
const NOT_CONNECTED: Connection = { reused: false, dnsMs: 0, connectMs: 0, tlsMs: 0, http: '1.1' }

/**
 * State that many small calls advance, so a class. Per chunk nothing is kept on the heap: stamps and bytes go into
 * arrays that double, parsing waits until the exchange has landed. Kept views of what was read made the collector
 * stop the loop for 7-8 ms a second at 10,000 events a second; copies of some 200 bytes do not.
 */
export class Flight {
  readonly request: WireRequest
  /** Host, port and proxy, for sentences. */
  readonly at: string
  readonly signal: AbortSignal | undefined
  readonly enqueuedNs: number
  readonly landing: Promise<Exchange>
  connection: Connection = NOT_CONNECTED
  startNs: number | undefined
  headersNs: number | undefined
  landed = false
  /** Tears down what carries the exchange; set by whoever carries it. */
  drop: (() => void) | undefined
  /** Has what the connection holds back parsed, where it came before this instant; set where one holds anything. */
  flush: ((beforeNs: number) => void) | undefined

  readonly #clock: Clock
  readonly #onLanded: (flight: Flight) => void
  #land: (exchange: Exchange) => void = () => undefined
  #status: number | undefined
  #headers: Record<string, string> = {}
  #body: Buffer<ArrayBuffer> = NO_BYTES
  #bytes = 0
  #chunks = 0
  #lastRead = -1
  #chunkNs = new Float64Array(FIRST_CAPACITY)
  #chunkEnd = new Float64Array(FIRST_CAPACITY)
  #scan: LineScan | MessageScan
  #eventsLimited: boolean
  #markerChunk: number | undefined
  #markerNs = 0
  #discard = false

  constructor(
    request: WireRequest,
    options: {
      at: string
      clock: Clock
      signal: AbortSignal | undefined
      onLanded: (flight: Flight) => void
    },
  ) {
    this.request = request
    this.at = options.at
    this.signal = options.signal
    this.#clock = options.clock
    this.#onLanded = options.onLanded
    this.enqueuedNs = this.#clock.nowNs()
    this.#scan =
      request.framing === 'messages' ? messageScan(request.endMarker ?? '') : lineScan(request.endMarker)
    this.#eventsLimited = request.endMarker !== null
    this.landing = new Promise((resolve) => {
      this.#land = resolve
    })
  }

  /** Where the exchange has got to, in the words of a failure. */
  get phase(): 'connect' | 'headers' | 'body' {
    return this.startNs === undefined ? 'connect' : this.headersNs === undefined ? 'headers' : 'body'
  }

  /** Response headers are complete. Names in lower case. */
  response(
    ns: number,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (this.landed) return
    this.headersNs = ns
    this.#status = status
    for (const [name, value] of Object.entries(headers))
      if (value !== undefined && !name.startsWith(':'))
        this.#headers[name] = typeof value === 'string' ? value : value.join(', ')
    this.#eventsLimited ||= /event-stream|ndjson/.test(this.#headers['content-type'] ?? '')
    const encoding = this.#headers['content-encoding'] ?? 'identity'
    if (encoding === '' || encoding.toLowerCase() === 'identity') return
    // An error answer says enough by its status; its packed body is of no use to anybody.
    if (status >= 400) this.#discard = true
    else
      this.#refuse('malformed', `${this.at} packed the body (content-encoding) though identity was asked for`)
  }

  /** Bytes of the body. Pieces of one read of the connection share one arrival time, and are one chunk. */
  data(reading: Reading, bytes: Buffer): void {
    if (this.landed || this.#discard) return
    this.#bytes += bytes.length
    if (this.#lastRead !== reading.count) {
      this.#lastRead = reading.count
      if (this.#chunks === this.#chunkNs.length) this.#grow()
      this.#chunkNs[this.#chunks++] = reading.ns
    }
    this.#chunkEnd[this.#chunks - 1] = this.#bytes
    if (this.#bytes > this.#body.length) this.#widen()
    this.#body.set(bytes, this.#bytes - bytes.length)
    const found = 'head' in this.#scan ? scanMessages(this.#scan, bytes) : scanChunk(this.#scan, bytes)
    if (found && this.#markerChunk === undefined) {
      this.#markerChunk = this.#chunks - 1
      this.#markerNs = reading.ns
    }
    if (this.#eventsLimited && this.#scan.longest > MAX_EVENT_BYTES)
      this.#refuse('oversized', `one event from ${this.at} is larger than 1 MiB`)
    else if (this.#bytes > (this.request.maxBodyBytes ?? MAX_BODY_BYTES))
      this.#refuse('oversized', `the response of ${this.at} is larger than ${this.#limitMiB()} MiB`)
  }

  complete(ns: number): void {
    this.#settle(ns, undefined)
  }

  fail(failure: WireFailure, ns = this.#clock.nowNs()): void {
    this.#settle(ns, failure)
  }

  /** Called by the sweep: an abort, the grace after the end marker, deadlines. */
  check(nowNs: number): void {
    if (this.signal?.aborted) return this.abort('stopped by us', nowNs)
    this.flush?.(nowNs - LONGEST_HOLD_NS)
    if (this.landed) return
    const { firstByteMs, gapMs, totalMs } = this.request.deadlines
    if (this.#markerChunk !== undefined && nsToMs(nowNs - this.#markerNs) > GRACE_MS) {
      this.flush?.(nowNs)
      if (this.landed) return
      this.complete(nowNs)
      this.drop?.()
      return
    }
    if (nsToMs(nowNs - this.enqueuedNs) > totalMs)
      return this.#timeout(nowNs, `did not finish the whole exchange within ${totalMs} ms`)
    if (this.startNs === undefined) return // the opening has a deadline of its own
    const sinceStartMs = nsToMs(nowNs - this.startNs)
    if (this.headersNs === undefined) {
      if (sinceStartMs > firstByteMs)
        this.#timeout(nowNs, `sent no response headers within ${firstByteMs} ms`)
    } else if (this.#chunks > 0) {
      const sinceChunkMs = nsToMs(nowNs - (this.#chunkNs[this.#chunks - 1] ?? nowNs))
      if (sinceChunkMs > gapMs && !this.#heldMore(nowNs))
        this.#timeout(nowNs, `sent nothing more for ${gapMs} ms`)
    } else if (
      sinceStartMs > firstByteMs &&
      nsToMs(nowNs - this.headersNs) > gapMs &&
      !this.#heldMore(nowNs)
    ) {
      // Servers that send headers at once may still be in prefill: the first chunk has the longer of the two.
      this.#timeout(nowNs, `sent headers but no body within ${Math.max(firstByteMs, gapMs)} ms`)
    }
  }

  abort(why: string, nowNs = this.#clock.nowNs()): void {
    this.flush?.(nowNs)
    const detail = `the exchange with ${this.at} was ${why}`
    this.fail({ kind: 'aborted', phase: this.phase, detail, code: undefined }, nowNs)
    this.drop?.()
  }

  /** Whether bytes of this body were held back; they are parsed by then. */
  #heldMore(nowNs: number): boolean {
    const bytes = this.#bytes
    this.flush?.(nowNs)
    return this.landed || this.#bytes > bytes
  }

  #timeout(nowNs: number, what: string): void {
    this.flush?.(nowNs)
    this.fail({ kind: 'timeout', phase: this.phase, detail: `${this.at} ${what}`, code: undefined }, nowNs)
    this.drop?.()
  }

  #refuse(kind: 'malformed' | 'oversized', detail: string): void {
    this.fail({ kind, phase: this.phase, detail, code: undefined })
    this.drop?.()
  }

  #limitMiB(): number {
    return Math.round((this.request.maxBodyBytes ?? MAX_BODY_BYTES) / 1024 ** 2)
  }

  #grow(): void {
    const grown = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(old.length * 2)
      next.set(old)
      return next
    }
    this.#chunkNs = grown(this.#chunkNs)
    this.#chunkEnd = grown(this.#chunkEnd)
  }

  #widen(): void {
    const wider = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, this.#body.length * 2, this.#bytes))
    wider.set(this.#body)
    this.#body = wider
  }

  #settle(endNs: number, failure: WireFailure | undefined): void {
    if (this.landed) return
    this.landed = true
    this.#onLanded(this)
    this.#land({
      enqueuedNs: this.enqueuedNs,
      startNs: this.startNs,
      connection: this.connection,
      headersNs: this.headersNs,
      status: this.#status,
      headers: this.#headers,
      body: this.#body.subarray(0, this.#bytes),
      chunkNs: this.#chunkNs.slice(0, this.#chunks),
      chunkEnd: this.#chunkEnd.slice(0, this.#chunks),
      endMarkerChunk: this.#markerChunk,
      endNs,
      // Whatever broke after the terminal event broke nothing of it.
      failure: this.#markerChunk === undefined ? failure : undefined,
    })
    this.#body = NO_BYTES
  }
}
