/** What the headers of an OTLP/HTTP request say, and which of them go on. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Compression } from '../span/decompress.js'
import type { Encoding } from './otlp-answer.js'

export function encodingOf(type: string | undefined): Encoding | undefined {
  const name = type?.split(';', 1)[0]?.trim().toLowerCase()
  if (name === 'application/json') return 'json'
  return name === 'application/x-protobuf' ? 'protobuf' : undefined
}

/** Undefined: none; null: one that is not understood. */
export function compressionOfHeader(encoding: string | undefined): Compression | undefined | null {
  const name = (encoding ?? 'identity').trim().toLowerCase()
  if (name === '' || name === 'identity') return undefined
  return name === 'gzip' || name === 'zstd' ? name : null
}

export function isAllowed(header: string | undefined, token: string | undefined): boolean {
  if (token === undefined) return true
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`))
}

/** Our own token stays here. */
export function headersOf(request: IncomingMessage, token: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || (token !== undefined && name === 'authorization')) continue
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

/** Of the answer of who it is forwarded to. */
export function answerHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = ['content-type', 'content-encoding', 'retry-after'] as const
  return Object.fromEntries(
    kept.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  )
}
