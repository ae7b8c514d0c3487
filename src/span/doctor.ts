/** Says of the spans of each dialect what they tell, what they leave out, what is suspicious, and how to mend it. */
import { fixes, usualFixes } from './fixes.js'
import type { Doubt, Span, SpanField } from './span.js'
import { doubts } from './span.js'
import { tiers } from './causes.js'
import type { Tier } from './causes.js'

/** What attribution lives on, the most telling first. */
export const examined = [
  'ttftMs',
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'reasoningTokens',
  'serverMs',
  'queueMs',
  'attempts',
  'modelServed',
  'provider',
  'requestId',
  'region',
  'backend',
  'conversationId',
  'tenant',
] as const satisfies readonly SpanField[]
export type ExaminedField = (typeof examined)[number]

export interface FieldHealth {
  field: ExaminedField
  /** Share of the spans that have it, 0 to 1. */
  share: number
  /** Where it came from, the most frequent first; at most 3. */
  from: readonly string[]
  /** How to get it, where fewer than nine in ten have it. */
  fix?: string | undefined
}

export interface DialectHealth {
  dialect: string
  spans: number
  /** Spans by how much they tell. */
  tiers: Record<Tier, number>
  fields: readonly FieldHealth[]
  suspicious: readonly { doubt: Doubt; spans: number; fix: string }[]
}

export interface SpanDoctor {
  see(span: Span): void
  /** The most frequent dialect first. */
  report(): DialectHealth[]
}

const ENOUGH = 0.9

const doubtFixes: Readonly<Record<Doubt, string>> = {
  'ttft-out-of-range':
    'the time to first token is below 0 or above the duration: look at the clocks that it is taken from',
  buffered:
    'the first output comes with the last: switch off buffering in the proxy (nginx: proxy_buffering off)',
  'usage-missing': 'ask for usage in streams: stream_options: { include_usage: true }',
  'input-without-cache':
    'input counts leave out cached tokens: update the instrumentation; they were added here',
  'output-without-reasoning':
    'output counts leave out reasoning: update the instrumentation; it was added here',
  'clock-skew': 'spans end before they start: take both times from one monotonic clock',
  'no-duration': 'no times and no duration stand in the record: export start and end',
  'bad-value': 'an attribute that should be a number is none: export numbers as numbers',
}

interface Seen {
  spans: number
  tiers: Record<Tier, number>
  fields: Record<ExaminedField, { present: number; from: Map<string, number> }>
  doubts: Record<Doubt, number>
}

/** Dialects that are told apart; a file names few. */
const MAX_DIALECTS = 100
const MAX_SOURCES = 20

export function createSpanDoctor(): SpanDoctor {
  const seen = new Map<string, Seen>()
  return {
    see(span) {
      let own = seen.get(span.dialect)
      if (own === undefined) {
        if (seen.size >= MAX_DIALECTS) return
        own = nothingSeen()
        seen.set(span.dialect, own)
      }
      own.spans++
      own.tiers[tierOf(span)]++
      for (const field of examined) {
        if (span[field] === undefined) continue
        const health = own.fields[field]
        health.present++
        const from = span.from[field] ?? 'not told'
        const count = health.from.get(from)
        if (count !== undefined || health.from.size < MAX_SOURCES) health.from.set(from, (count ?? 0) + 1)
      }
      for (const doubt of span.doubts) own.doubts[doubt]++
    },
    report: () =>
      [...seen].sort(([, a], [, b]) => b.spans - a.spans).map(([dialect, own]) => healthOf(dialect, own)),
  }
}

function nothingSeen(): Seen {
  return {
    spans: 0,
    tiers: recordOf(tiers, () => 0),
    fields: recordOf(examined, () => ({ present: 0, from: new Map<string, number>() })),
    doubts: recordOf(doubts, () => 0),
  }
}

function recordOf<K extends string, V>(keys: readonly K[], make: () => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, make()])) as Record<K, V> // eslint-disable-line typescript/no-unsafe-type-assertion -- of exactly these keys
}

/** How much a span tells (see `tiers`). */
function tierOf(span: Span): Tier {
  if (span.queueMs !== undefined || span.prefillMs !== undefined || span.serverTtftMs !== undefined)
    return 'A'
  const isTimed = span.ttftMs !== undefined
  const isCounted = span.inputTokens !== undefined && span.outputTokens !== undefined
  if (isTimed && isCounted) return span.cacheReadTokens === undefined ? 'C' : 'B'
  return isCounted ? 'D' : 'E'
}

function healthOf(dialect: string, own: Seen): DialectHealth {
  return {
    dialect,
    spans: own.spans,
    tiers: own.tiers,
    fields: examined.map((field): FieldHealth => {
      const { present, from } = own.fields[field]
      const share = present / own.spans
      const sources = [...from].sort(([, a], [, b]) => b - a).slice(0, 3)
      const fix = share < ENOUGH ? (fixes[dialect]?.[field] ?? usualFixes[field]) : undefined
      return { field, share, from: sources.map(([source]) => source), fix }
    }),
    suspicious: doubts.flatMap((doubt) =>
      own.doubts[doubt] === 0 ? [] : [{ doubt, spans: own.doubts[doubt], fix: doubtFixes[doubt] }],
    ),
  }
}
