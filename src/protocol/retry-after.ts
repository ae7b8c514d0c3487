/** How long a server asks us to wait before the next request. */
import { isFields, text, type Fields } from './fields.js'
import { readRateLimits, readReset } from './rate-limits.js'

type Headers = Readonly<Record<string, string>>

export interface RetryAfter {
  /** Milliseconds from the arrival of the response, 0 to the limit given. */
  waitMs: number
  /** What the server asked for, where that was more than the limit. */
  askedMs?: number | undefined
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
// The one form of RFC 9110 section 5.6.7 that servers still send: Sun, 06 Nov 1994 08:49:37 GMT.
const HTTP_DATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/

/** What a refusal says of the wait: its headers, and its body where a provider puts it there. */
export interface Refusal {
  headers: Headers
  /** UTF-8, JSON in most cases. */
  body?: Uint8Array | undefined
}

/**
 * The first of these that is there: `retry-after-ms` (OpenAI) or Azure's `x-ms-retry-after-ms`; `retry-after` in seconds
 * or as a date (RFC 9110, section 10.2.3); what the body asks for; the reset of a limit of which nothing is left.
 * Undefined where none is, or none is a wait: negative, text, a date that is none. A date that has passed is a wait of 0.
 * `Date.parse` is no judge of dates: it takes "-1" for one. A wait is never above `limitMs`, since a timer of
 * 2^31 ms fires at once.
 *
 * @param nowUtcMs our wall clock; the response's own `date` header goes before it, so a wrong clock does no harm
 */
export function readRetryAfter(refusal: Refusal, nowUtcMs: number, limitMs: number): RetryAfter | undefined {
  const { headers } = refusal
  const askedMs =
    number(headers['retry-after-ms'] ?? headers['x-ms-retry-after-ms'], 1) ??
    afterHeader(headers, nowUtcMs) ??
    afterBody(refusal, nowUtcMs)
  if (askedMs === undefined) return afterReset(headers, limitMs)
  return askedMs > limitMs ? { waitMs: limitMs, askedMs } : { waitMs: askedMs }
}

function afterHeader(headers: Headers, nowUtcMs: number): number | undefined {
  const value = headers['retry-after']?.trim()
  const seconds = number(value, 1000)
  if (seconds !== undefined) return seconds
  const until = httpDate(value)
  if (until === undefined) return undefined
  return Math.max(0, until - (httpDate(headers.date?.trim()) ?? nowUtcMs))
}

const LARGEST_BODY = 64 * 1024 // bytes; a refusal is short

/**
 * Google's `google.rpc.RetryInfo` among the details of an error: `retryDelay: '37s'`, a duration in the JSON form of
 * protocol buffers. OpenRouter repeats the headers of the upstream in `error.metadata.headers`.
 */
function afterBody({ headers, body }: Refusal, nowUtcMs: number): number | undefined {
  const error = body === undefined ? undefined : errorOf(body)
  if (error === undefined) return undefined
  const info = Array.isArray(error.details)
    ? error.details.filter(isFields).find((detail) => text(detail['@type'])?.endsWith('google.rpc.RetryInfo'))
    : undefined
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(text(info?.retryDelay) ?? '')?.[1]
  if (seconds !== undefined) return number(seconds, 1000)
  const metadata = isFields(error.metadata) ? error.metadata : {}
  const reset = isFields(metadata.headers) ? text(metadata.headers['X-RateLimit-Reset']) : undefined
  const resetS =
    reset === undefined ? undefined : readReset(reset, httpDate(headers.date?.trim()) ?? nowUtcMs)
  return resetS === undefined || resetS === 0 ? undefined : resetS * 1000
}

/** The object under `error`; Google wraps it in a list at times. */
function errorOf(body: Uint8Array): Fields | undefined {
  if (body.length > LARGEST_BODY) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder().decode(body))
  } catch {
    return undefined
  }
  const whole: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  return isFields(whole) && isFields(whole.error) ? whole.error : undefined
}

/**
 * Of limits that are used up the one that takes longest to be whole again. That is no demand, so one beyond `limitMs` is
 * none: a request may well pass before. One that is whole already refused all the same: it says nothing of when to come back.
 */
function afterReset(headers: Headers, limitMs: number): RetryAfter | undefined {
  const limits = readRateLimits(headers)
  const resets = [
    limits?.remainingRequests === 0 ? limits.resetRequestsS : undefined,
    limits?.remainingTokens === 0 ? limits.resetTokensS : undefined,
  ].filter((resetS) => resetS !== undefined)
  const waitMs = Math.max(...resets) * 1000
  return resets.length > 0 && waitMs > 0 && waitMs <= limitMs ? { waitMs } : undefined
}

function number(value: string | undefined, unitMs: number): number | undefined {
  if (value === undefined || !/^\d+(\.\d+)?$/.test(value.trim())) return undefined
  const asked = Number(value) * unitMs
  return Number.isFinite(asked) ? asked : Number.MAX_SAFE_INTEGER
}

function httpDate(value: string | undefined): number | undefined {
  const parts = HTTP_DATE.exec(value ?? '')
  if (!parts) return undefined
  const [, day, month, year, hour, minute, second] = parts
  const monthIndex = MONTHS.indexOf(month ?? '')
  if (monthIndex === -1 || Number(day) > 31 || Number(hour) > 23) return undefined
  return Date.UTC(Number(year), monthIndex, Number(day), Number(hour), Number(minute), Number(second))
}
