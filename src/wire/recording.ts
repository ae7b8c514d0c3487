/** One exchange as plain data and back: bytes, chunk boundaries and times, to the nanosecond. */
import { z } from 'zod'
import type { Connection, Exchange, WireFailure, WireFailureKind } from './exchange.js'

/** All times in nanoseconds since the run began, so that a file says nothing of the machine's uptime. */
export interface RecordedExchange {
  enqueuedNs: number
  startNs?: number | undefined
  connection: Connection
  headersNs?: number | undefined
  status?: number | undefined
  headers: Readonly<Record<string, string>>
  /** Base64 of the body as it came. */
  body: string
  /** Of each network chunk: when it arrived, and the offset in the body just after its last byte. */
  chunks: readonly (readonly [arrivedNs: number, end: number])[]
  endMarkerChunk?: number | undefined
  endNs: number
  failure?: WireFailure | undefined
}

/** Takes secrets out of what a server may have echoed. */
export interface Cover {
  /** May change the length of the text. */
  text(text: string): string
  /** Keeps it: chunks end where they ended. */
  mask(text: string): string
}

/** Headers by which a server recognises whom it talks to. */
const DROPPED = new Set(['set-cookie', 'cookie', 'authorization', 'proxy-authorization'])

export function toRecorded(exchange: Exchange, originNs: number, cover: Cover): RecordedExchange {
  const { startNs, headersNs, failure, chunkNs, chunkEnd } = exchange
  const since = (ns: number): number => ns - originNs
  const headers = Object.entries(exchange.headers).filter(([name]) => !DROPPED.has(name))
  return {
    enqueuedNs: since(exchange.enqueuedNs),
    startNs: startNs === undefined ? undefined : since(startNs),
    connection: exchange.connection,
    headersNs: headersNs === undefined ? undefined : since(headersNs),
    status: exchange.status,
    headers: Object.fromEntries(headers.map(([name, value]) => [cover.text(name), cover.text(value)])),
    body: maskBytes(exchange.body, cover).toString('base64'),
    chunks: Array.from(chunkNs, (ns, i) => [since(ns), chunkEnd[i] ?? 0] as const),
    endMarkerChunk: exchange.endMarkerChunk,
    endNs: since(exchange.endNs),
    failure: failure && { ...failure, detail: cover.text(failure.detail) },
  }
}

/** In latin1 a byte is a character, so a mask of equal length leaves every offset where it was. */
function maskBytes(bytes: Uint8Array, { mask }: Cover): Buffer {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = buffer.toString('latin1')
  const masked = mask(text)
  return masked === text ? buffer : Buffer.from(masked, 'latin1')
}

/** The exchange on a clock that began with the run, or what is wrong with the record. */
export function fromRecorded(recorded: RecordedExchange): Exchange | { fault: string } {
  const { chunks, endMarkerChunk } = recorded
  const body = Buffer.from(recorded.body, 'base64')
  const ends = chunks.map(([, end]) => end)
  const isRising = ends.every((end, i) => end >= (ends[i - 1] ?? 0))
  if (!isRising || (ends.at(-1) ?? 0) !== body.length)
    return { fault: `its chunks do not add up to its body of ${body.length} bytes` }
  if (endMarkerChunk !== undefined && endMarkerChunk >= chunks.length)
    return { fault: `its end marker is in chunk ${endMarkerChunk} of ${chunks.length}` }
  return {
    enqueuedNs: recorded.enqueuedNs,
    startNs: recorded.startNs,
    connection: recorded.connection,
    headersNs: recorded.headersNs,
    status: recorded.status,
    headers: recorded.headers,
    body,
    chunkNs: Float64Array.from(chunks, ([ns]) => ns),
    chunkEnd: Float64Array.from(ends),
    endMarkerChunk,
    endNs: recorded.endNs,
    failure: recorded.failure,
  }
}

const kinds: Record<WireFailureKind, true> = {
  refused: true,
  dns: true,
  tls: true,
  reset: true,
  closed: true,
  truncated: true,
  malformed: true,
  goaway: true,
  timeout: true,
  oversized: true,
  aborted: true,
  resource: true,
}
const isKind = (value: unknown): boolean => typeof value === 'string' && Object.hasOwn(kinds, value)

const time = z.number()
const index = z.int().min(0)

export const recordedExchangeSchema: z.ZodType<RecordedExchange> = z.object({
  enqueuedNs: time,
  startNs: time.optional(),
  connection: z.object({
    reused: z.boolean(),
    dnsMs: z.number(),
    connectMs: z.number(),
    tlsMs: z.number(),
    http: z.enum(['1.1', '2']),
  }),
  headersNs: time.optional(),
  status: z.int().optional(),
  headers: z.record(z.string(), z.string()),
  body: z.base64(),
  chunks: z.array(z.tuple([time, index])),
  endMarkerChunk: index.optional(),
  endNs: time,
  failure: z
    .object({
      kind: z.custom<WireFailureKind>(isKind, 'is no kind of failure'),
      phase: z.enum(['connect', 'send', 'headers', 'body']),
      detail: z.string(),
      code: z.string().optional(),
    })
    .optional(),
})
