/** What a reader of a summary must know before the figures are believed. */
import type { Sample } from '../sample/sample.js'
import type { SummaryRow } from '../snapshot/snapshot.js'
import { plural } from './numbers.js'
import { loadLabel } from './summary-cells.js'

export function cacheWarnings(rows: readonly SummaryRow[]): string[] {
  const sum = (key: 'confirmed' | 'contradicted' | 'unverified', of: readonly SummaryRow[]): number =>
    of.reduce((total, row) => total + row.cacheStates[key], 0)
  const warnings: string[] = []
  const contradicted = sum('contradicted', rows)
  if (contradicted > 0) {
    warnings.push(
      `cache: ${plural(contradicted, 'sample')} in another cache state than asked, by the server's own count; kept, left out of every figure`,
    )
  }
  const warm = rows.filter((row) => row.cache === 'warm')
  if (sum('unverified', warm) > 0) {
    warnings.push(
      `cache: the server does not report cached tokens, so ${plural(sum('unverified', warm), 'warm sample')} cannot be verified`,
    )
  }
  return warnings
}

/** A load that a rate limit did not let through is another load than the one in the table's row. */
export function loadWarnings(rows: readonly SummaryRow[]): string[] {
  const limited = rows.filter(({ rateLimited = 0 }) => rateLimited > 0)
  if (limited.length === 0) return []
  const requests = limited.reduce((total, { rateLimited = 0 }) => total + rateLimited, 0)
  return [
    `load: a rate limit refused or held back ${plural(requests, 'request')} in ${plural(limited.length, 'cell')} (${limited.map(loadLabel).join('; ')}): that load was not delivered, and no comparison rests on it`,
  ]
}

// Below this many tokens an answer may well fit into one event.
const LEAST_TOKENS = 4

/** A proxy that holds the answer back until it is whole makes a TTFT of an end-to-end time. */
export function bufferWarnings(samples: readonly Sample[]): string[] {
  const long = samples.filter(
    ({ outcome, warmup, outputTokens = 0 }) => outcome === 'ok' && !warmup && outputTokens >= LEAST_TOKENS,
  )
  const buffered = long.filter(({ itl }) => itl === null)
  if (long.length === 0 || buffered.length < long.length / 2) return []
  return [
    `streaming: in ${buffered.length} of ${plural(long.length, 'sample')} all output arrived at once, so TTFT is the time of the whole answer: a proxy or the server holds the stream back`,
  ]
}
