/** What an OTLP/HTTP server answers, in the encoding that it was asked in (OTLP specification 1.x, "OTLP/HTTP"). */

export type Encoding = 'json' | 'protobuf'

export interface Answer {
  status: number
  headers: Readonly<Record<string, string>>
  body: string | Uint8Array
}

const TYPES: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  protobuf: 'application/x-protobuf',
}

/** google.rpc.Code by HTTP status. */
const CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 408: 4, 413: 8, 415: 3, 429: 8, 503: 14 }

/** Taken in; where some spans were unreadable, how many and why. */
export function acceptedAnswer(encoding: Encoding, rejected: number, why: string): Answer {
  const headers = { 'content-type': TYPES[encoding] }
  if (encoding === 'json') {
    const partialSuccess = { rejectedSpans: String(rejected), errorMessage: why }
    return { status: 200, headers, body: rejected === 0 ? '{}' : JSON.stringify({ partialSuccess }) }
  }
  const partial = [...varintField(1, rejected), ...textField(2, why)]
  return { status: 200, headers, body: Uint8Array.from(rejected === 0 ? [] : lengthField(1, partial)) }
}

/** Refused: a google.rpc.Status. Only 429, 502, 503 and 504 are sent again, after `retryAfterS`. */
export function refusedAnswer(
  encoding: Encoding,
  status: number,
  message: string,
  retryAfterS?: number,
): Answer {
  const code = CODES[status] ?? 2
  return {
    status,
    headers: {
      'content-type': TYPES[encoding],
      ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
    },
    body:
      encoding === 'json'
        ? JSON.stringify({ code, message })
        : Uint8Array.from([...varintField(1, code), ...textField(2, message)]),
  }
}

function varintField(field: number, value: number): number[] {
  return value === 0 ? [] : [field * 8, ...varint(value)]
}

function textField(field: number, text: string): number[] {
  return text === '' ? [] : lengthField(field, [...Buffer.from(text)])
}

function lengthField(field: number, bytes: readonly number[]): number[] {
  return [field * 8 + 2, ...varint(bytes.length), ...bytes]
}

function varint(value: number): number[] {
  const out: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80)
  return [...out, rest]
}
