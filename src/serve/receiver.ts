/** An OTLP/HTTP receiver: a Collector or an SDK exports to it, and spans come out. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { systemReason } from '../border/system-error.js'
import { decompressAll, TooLarge } from '../span/decompress.js'
import type { Compression } from '../span/decompress.js'
import type { Intake, IntakeCounts } from '../span/intake.js'
import type { Span } from '../span/span.js'
import { checkForwardUrl, createForwarder } from './forward.js'
import type { Forwarder } from './forward.js'
import { acceptedAnswer, refusedAnswer } from './otlp-answer.js'
import type { Answer, Encoding } from './otlp-answer.js'
import { readBody } from './read-body.js'
import { answerHeaders, compressionOfHeader, encodingOf, headersOf, isAllowed } from './request-headers.js'

export interface ReceiverOptions {
  intake: Intake
  /** Called with spans that are whole, in the turn of the request or of a timer. */
  onSpans: (spans: readonly Span[]) => void
  /** @default '127.0.0.1'; any other address than loopback needs a token */
  host?: string | undefined
  /** 0: a free one. @default 4318 */
  port?: number | undefined
  /** Senders must bring it as `Authorization: Bearer …`. */
  token?: string | undefined
  /** Everything goes on to this base URL, unchanged, and its answer goes back. */
  forward?: string | undefined
  /** Of a request, as sent and decompressed. @default 20 MiB, the Collector's */
  maxBodyBytes?: number | undefined
  /** Of all requests at work; above, senders are told to come again. @default 64 MiB */
  maxWaitingBytes?: number | undefined
  /** Until a request is whole. @default 30000 */
  bodyTimeoutMs?: number | undefined
  /** A trace is whole when nothing came for it for so long. @default 10000 */
  settleMs?: number | undefined
  /** Milliseconds, monotonic. @default performance.now */
  nowMs?: (() => number) | undefined
}

export interface Receiver {
  readonly url: string
  readonly port: number
  readonly counts: Readonly<IntakeCounts>
  /** Takes no more requests, finishes those at work, and gives out all spans that are held. */
  close(): Promise<void>
}

export type Started = { ok: true; receiver: Receiver } | { ok: false; message: string }

const MIB = 1024 * 1024
const PATHS: ReadonlySet<string> = new Set(['/v1/traces', '/v1/logs'])

/** As long as a sender waits at least before it comes again, in seconds. */
const RETRY_AFTER_S = 1

interface Shop {
  options: ReceiverOptions
  maxBodyBytes: number
  maxWaitingBytes: number
  bodyTimeoutMs: number
  nowMs: () => number
  forwarder: Forwarder | undefined
  waitingBytes: number
  isClosing: boolean
}

export async function startReceiver(options: ReceiverOptions): Promise<Started> {
  const { host = '127.0.0.1', port = 4318, token, forward, settleMs = 10_000, intake, onSpans } = options
  if (!isLoopback(host) && (token === undefined || token === '')) {
    return {
      ok: false,
      message: `${host} is reached from other machines: give a token, or listen on 127.0.0.1`,
    }
  }
  const fault = forward === undefined ? undefined : checkForwardUrl(forward)
  if (fault !== undefined) return { ok: false, message: fault }
  const shop: Shop = {
    options,
    maxBodyBytes: options.maxBodyBytes ?? 20 * MIB,
    maxWaitingBytes: options.maxWaitingBytes ?? 64 * MIB,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000,
    nowMs: options.nowMs ?? (() => performance.now()),
    forwarder: forward === undefined ? undefined : createForwarder({ url: forward }),
    waitingBytes: 0,
    isClosing: false,
  }
  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
    answer(shop, request).then(
      (made) => reply(response, made, shop),
      () => response.destroy(),
    )
  })
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    const message = `cannot listen on ${host}:${port}: ${systemReason(error)}; choose another port`
    return { ok: false, message }
  }
  const timer = setInterval(
    () => {
      intake.release(shop.nowMs() - settleMs)
      giveOut(intake, onSpans)
    },
    Math.min(1000, settleMs),
  )
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  const receiver: Receiver = {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    counts: intake.counts,
    async close() {
      shop.isClosing = true
      clearInterval(timer)
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      await closed
      await shop.forwarder?.close()
      intake.end()
      giveOut(intake, onSpans)
    },
  }
  return { ok: true, receiver }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function giveOut(intake: Intake, onSpans: (spans: readonly Span[]) => void): void {
  const spans = intake.take()
  if (spans.length > 0) onSpans(spans)
}

async function answer(shop: Shop, request: IncomingMessage): Promise<Answer> {
  const { method, url = '' } = request
  const path = url.split('?', 1)[0] ?? ''
  const encoding = encodingOf(request.headers['content-type'])
  const refuse = (status: number, message: string, retryAfterS?: number): Answer => ({
    ...refusedAnswer(encoding ?? 'json', status, message, retryAfterS),
  })
  if (!PATHS.has(path)) return refuse(404, 'spans go to /v1/traces, log records to /v1/logs')
  if (method !== 'POST') return refuse(405, 'only POST is understood here')
  if (!isAllowed(request.headers.authorization, shop.options.token))
    return refuse(401, 'the header "Authorization: Bearer <token>" is missing or wrong')
  if (encoding === undefined || (encoding === 'protobuf' && path === '/v1/logs')) {
    return refuse(
      415,
      `the content type must be application/json${path === '/v1/logs' ? '' : ' or application/x-protobuf'}`,
    )
  }
  const compression = compressionOfHeader(request.headers['content-encoding'])
  if (compression === null) return refuse(415, 'the content encoding must be gzip, zstd or identity')
  if (shop.isClosing) return refuse(503, 'the receiver is closing', RETRY_AFTER_S)

  const told = Number(request.headers['content-length'] ?? 0)
  if (told > shop.maxBodyBytes) return refuse(413, tooLarge(shop))
  // A body of unknown length holds a place for the longest that it may become.
  const reserved = request.headers['content-length'] === undefined ? shop.maxBodyBytes : told
  if (shop.waitingBytes > 0 && shop.waitingBytes + reserved > shop.maxWaitingBytes)
    return refuse(429, 'too many requests are waiting', RETRY_AFTER_S)
  shop.waitingBytes += reserved
  try {
    const read = await readBody(request, shop.maxBodyBytes, shop.bodyTimeoutMs)
    if (read.kind === 'too-large') return refuse(413, tooLarge(shop))
    if (read.kind === 'too-slow') return refuse(408, 'the request was not whole in time')
    if (read.kind === 'broken') return refuse(400, 'the request broke off')
    return await take(shop, request, path, encoding, compression, read.body)
  } finally {
    shop.waitingBytes -= reserved
  }
}

function tooLarge({ maxBodyBytes }: Shop): string {
  return `a request may hold ${Math.round(maxBodyBytes / MIB)} MiB, decompressed: send smaller batches`
}

/** Forwarded first: what the other side wants sent again must not be counted twice. */
async function take(
  shop: Shop,
  request: IncomingMessage,
  path: string,
  encoding: Encoding,
  compression: Compression | undefined,
  sent: Buffer,
): Promise<Answer> {
  let body = sent
  if (compression !== undefined) {
    try {
      body = await decompressAll(sent, compression, shop.maxBodyBytes)
    } catch (error) {
      if (error instanceof TooLarge) return refusedAnswer(encoding, 413, tooLarge(shop))
      return refusedAnswer(encoding, 400, `the body is not ${compression}`)
    }
  }
  if (shop.forwarder !== undefined) {
    if (encoding === 'json' && parseJson(body) === undefined) return refusedAnswer(encoding, 400, NOT_JSON)
    const passed = await shop.forwarder.pass(path, headersOf(request, shop.options.token), sent)
    if (passed === undefined)
      return refusedAnswer(encoding, 503, 'the address to forward to does not answer', RETRY_AFTER_S)
    const isAgain = [429, 502, 503, 504].includes(passed.status)
    if (!isAgain) takeIn(shop, encoding, body)
    return { status: passed.status, headers: answerHeaders(passed.headers), body: passed.body }
  }
  const { rejected, why, fault } = takeIn(shop, encoding, body)
  if (fault !== undefined) return refusedAnswer(encoding, 400, fault)
  return acceptedAnswer(encoding, rejected, why)
}

function takeIn(
  shop: Shop,
  encoding: Encoding,
  body: Buffer,
): { rejected: number; why: string; fault: string | undefined } {
  const { intake, onSpans } = shop.options
  const before = { ...intake.counts.faults }
  const now = shop.nowMs()
  const isProto = encoding === 'protobuf'
  const fault = isProto ? (intake.otlpProto(body, now) ? undefined : NO_REQUEST) : takeJson(intake, body, now)
  giveOut(intake, onSpans)
  const faults = Object.entries(intake.counts.faults).map(
    ([kind, count]) => [kind, count - (before[kind] ?? 0)] as const,
  )
  const fresh = faults.filter(([, count]) => count > 0)
  return {
    rejected: fresh.reduce((sum, [, count]) => sum + count, 0),
    why: fresh.map(([kind, count]) => `${count} × ${kind}`).join('; '),
    fault,
  }
}

const NOT_JSON = 'the body is not JSON'
const NO_REQUEST = 'the body is no ExportTraceServiceRequest'

/** What is wrong with the body; undefined where nothing is. */
function takeJson(intake: Intake, body: Buffer, nowMs: number): string | undefined {
  if (intake.otlpText(body, 0, body.length, nowMs)) return undefined
  const value = parseJson(body)
  if (value === undefined) return NOT_JSON
  if (!isRequest(value)) return NO_REQUEST
  intake.value(value, nowMs)
  return undefined
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** An empty object is a request without spans. */
function isRequest(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function reply(response: ServerResponse, { status, headers, body }: Answer, shop: Shop): void {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  // What was not read of a refused request must not be taken for the next one.
  const isRefused = status === 413 || status === 408 || status === 429
  const isWhole = response.req.complete
  response.writeHead(status, {
    ...headers,
    'content-length': String(length),
    ...(((isRefused && !isWhole) || shop.isClosing) && { connection: 'close' }),
  })
  // What else still comes is passed over, but not for ever.
  if (!isWhole) {
    const timer = setTimeout(() => response.req.destroy(), shop.bodyTimeoutMs)
    response.req.once('close', () => clearTimeout(timer))
  }
  response.end(body)
}
