/** How long a server asks us to wait before the next request. */

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

/**
 * Reads `retry-after-ms`, else `retry-after` in seconds or as a date (RFC 9110, section 10.2.3). Undefined where
 * neither is there or neither is a wait: negative, text, a date that is none. A date that has passed is a wait of 0.
 * `Date.parse` is no judge of dates: it takes "-1" for one. A wait is never above `limitMs`, since a timer of
 * 2^31 ms fires at once.
 *
 * @param nowUtcMs our wall clock; the response's own `date` header goes before it, so a wrong clock does no harm
 */
export function readRetryAfter(headers: Headers, nowUtcMs: number, limitMs: number): RetryAfter | undefined {
  const askedMs = number(headers['retry-after-ms'], 1) ?? afterHeader(headers, nowUtcMs)
  if (askedMs === undefined) return undefined
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
