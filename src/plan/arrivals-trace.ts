/** Recorded arrivals: Mooncake's JSON lines, Azure's CSV, or spans of the project's own form, to offsets. */

export type TraceArrivals =
  | { ok: true; offsetsMs: number[]; ratePerS: number; format: 'mooncake' | 'azure' | 'spans' }
  | { ok: false; problem: string }

/**
 * Offsets from the first arrival, milliseconds, ascending, divided by `speed` (2: twice as fast as recorded).
 * Mooncake: `{"timestamp": ms, …}` a line. Azure: a header with TIMESTAMP, then `2023-11-16 18:17:03.9799600,…`.
 * Spans: `{"startedAtMs": ms, …}` or `{"startedAt": ISO 8601, …}` a line.
 */
export function readTrace(text: string, speed = 1): TraceArrivals {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const [first] = lines
  if (first === undefined) return { ok: false, problem: 'it is empty' }
  const isCsv = /^"?timestamp"?\s*,/i.test(first)
  let format: 'mooncake' | 'azure' | 'spans' = isCsv ? 'azure' : 'mooncake'
  const times: number[] = []
  for (const [i, line] of lines.entries()) {
    if (isCsv && i === 0) continue
    const ms = isCsv ? azureMs(line) : lineMs(line)
    if (ms === null)
      return {
        ok: false,
        problem: `line ${i + 1} has no time of arrival: ${
          isCsv
            ? 'a date such as 2023-11-16 18:17:03.9799600 must come first'
            : 'a JSON object with timestamp (milliseconds, Mooncake), startedAtMs or startedAt (spans) is needed'
        }`,
      }
    if (typeof ms === 'number') times.push(ms)
    else {
      format = 'spans'
      times.push(ms.startMs)
    }
  }
  if (times.length < 2) return { ok: false, problem: 'it has fewer than 2 arrivals' }
  times.sort((a, b) => a - b)
  const startMs = times[0]!
  const offsetsMs = times.map((ms) => (ms - startMs) / speed)
  const lengthMs = offsetsMs.at(-1)!
  if (!(lengthMs > 0)) return { ok: false, problem: 'all its arrivals are at the same instant' }
  return { ok: true, offsetsMs, ratePerS: ((times.length - 1) / lengthMs) * 1000, format }
}

/** Seven decimals of a second, which `Date` does not read: the fraction is added. */
function azureMs(line: string): number | null {
  const match = /^"?(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?/.exec(line)
  if (match === null) return null
  const ms = Date.parse(`${match[1]}T${match[2]}Z`)
  return Number.isNaN(ms) ? null : ms + Number(match[3] ?? 0) * 1000
}

function lineMs(line: string): number | { startMs: number } | null {
  let row: unknown
  try {
    row = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof row !== 'object' || row === null) return null
  const { timestamp, startedAt, startedAtMs } = row as {
    timestamp?: unknown
    startedAt?: unknown
    startedAtMs?: unknown
  }
  if (typeof timestamp === 'number' && Number.isFinite(timestamp)) return timestamp
  if (typeof startedAtMs === 'number' && Number.isFinite(startedAtMs)) return { startMs: startedAtMs }
  const parsed = typeof startedAt === 'string' ? Date.parse(startedAt) : NaN
  return Number.isNaN(parsed) ? null : { startMs: parsed }
}
