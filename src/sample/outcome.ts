/** Decides what became of an exchange: ok, or one of the closed list of error kinds. */
import type { Protocol } from '../protocol/protocol.js'
import type { Exchange, WireFailureKind } from '../wire/exchange.js'
import type { Outcome } from './sample.js'
import type { Stream } from './stream.js'

/** A stream that broke off in one of these ways behind its finish reason is whole: only the terminal event is missing. */
const BROKEN_OFF: readonly WireFailureKind[] = ['truncated', 'closed', 'reset', 'goaway']

/**
 * In this order: no response; a status that is no success; a success that is no stream; an error or an oversized
 * event in the stream; then only the terminal event makes an `ok`, or a finish reason where the protocol says so.
 *
 * @param stream undefined where the response is not a 2xx
 */
export function judge(exchange: Exchange, stream: Stream | undefined, protocol: Protocol): Outcome {
  const { status, failure } = exchange
  if (status === undefined) return failure?.kind ?? 'closed'
  if (!stream) return judgeStatus(status)
  if (isNoStream(exchange, stream)) return 'not-streaming'
  if (stream.error) return 'stream-error'
  const output = stream.moments.some(({ events }) => events.some((event) => event.kind === 'output'))
  if (stream.endNs !== undefined) return output ? 'ok' : 'empty'
  if (stream.oversized || failure?.kind === 'oversized') return 'oversized'
  const finished = protocol.finishSuffices && stream.finishReason !== undefined
  if (finished && (!failure || BROKEN_OFF.includes(failure.kind))) return output ? 'ok' : 'empty'
  return failure?.kind ?? 'truncated'
}

export function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300
}

function judgeStatus(status: number): Outcome {
  switch (status) {
    case 400:
      return 'http-400'
    case 401:
      return 'http-401'
    case 403:
      return 'http-403'
    case 404:
      return 'http-404'
    case 429:
      return 'http-429'
    default:
      if (status >= 500) return 'http-5xx'
      if (status >= 400) return 'http-4xx'
      return status >= 300 ? 'redirect' : 'malformed' // a lone 1xx is no response
  }
}

/** No event that the protocol understands, in a body that says or shows that it is something else. */
function isNoStream({ headers, body, failure }: Exchange, stream: Stream): boolean {
  if (stream.moments.some(({ events }) => events.some((event) => event.kind !== 'malformed'))) return false
  const type = contentType(headers)
  if (type === 'text/event-stream' || type === 'application/x-ndjson')
    return isCompressed(headers) && !failure
  if (isDocument(type)) return true
  return body.length > 0 && !failure && stream.comments === 0 && stream.moments.length === 0
}

/** Media type without parameters, lower case; '' where there is none. */
export function contentType(headers: Readonly<Record<string, string>>): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** The server compressed although `identity` was asked for. */
export function isCompressed(headers: Readonly<Record<string, string>>): boolean {
  const encoding = headers['content-encoding']?.trim().toLowerCase()
  return encoding !== undefined && encoding !== '' && encoding !== 'identity'
}

function isDocument(type: string): boolean {
  return (
    type === 'application/json' || type === 'text/html' || type.endsWith('+json') || type.endsWith('+xml')
  )
}
