/** Attributed production spans: what slowed them over time, and the slowest taken apart. */
import { z } from 'zod'
import { phases, verdicts } from '../span/causes.js'
import { VERDICT_WORDS } from './attribution-group.js'
import { figure, percent, plural, whole } from './numbers.js'
import type { Block } from './page.js'
import { partsOf } from './page-request.js'
import type { Bar } from './plot-bars.js'
import type { Tone } from './plot.js'
import { left, right } from './table.js'

/** What is read of a line of `attribute`'s output; what else stands there passes. */
const Line = z.object({
  traceId: z.string(),
  spanId: z.string(),
  service: z.string().optional(),
  operation: z.string(),
  model: z.string().optional(),
  startedAt: z.iso.datetime({ offset: true }),
  durationMs: z.number().nonnegative(),
  phases: z.partialRecord(z.enum(phases), z.number()),
  causes: z.array(z.object({ cause: z.string(), ms: z.number(), evidence: z.array(z.string()) })),
  unknownMs: z.number(),
  verdict: z.enum(verdicts),
  confidence: z.number(),
  tier: z.string(),
})
type Line = z.infer<typeof Line>

export interface Attributions {
  spans: number
  /** Time lost above the reference by minute of start, then by cause; milliseconds. */
  minutes: ReadonlyMap<number, ReadonlyMap<string, number>>
  verdicts: ReadonlyMap<string, number>
  /** The slowest against what they should have taken, the worst first. */
  worst: readonly Line[]
}

export interface AttributionTally {
  /** A sentence where the value is no attribution. */
  add(value: unknown): string | null
  done(): Attributions
}

const MINUTE_MS = 60_000
const WORST = 8

/** Memory grows with the minutes covered, not with the spans. */
export function createAttributionTally(): AttributionTally {
  const minutes = new Map<number, Map<string, number>>()
  const found = new Map<string, number>()
  let worst: Line[] = []
  let spans = 0
  const lost = ({ causes, unknownMs }: Line): number => causes.reduce((sum, { ms }) => sum + ms, unknownMs)
  return {
    add(value) {
      const parsed = Line.safeParse(value)
      if (!parsed.success) {
        const [issue] = parsed.error.issues
        return `no attribution of a span: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`
      }
      const line = parsed.data
      spans++
      found.set(line.verdict, (found.get(line.verdict) ?? 0) + 1)
      const minute = Math.floor(Date.parse(line.startedAt) / MINUTE_MS)
      const costs = minutes.get(minute) ?? new Map<string, number>()
      for (const { cause, ms } of line.causes) costs.set(cause, (costs.get(cause) ?? 0) + ms)
      if (line.unknownMs > 0) costs.set('unknown', (costs.get('unknown') ?? 0) + line.unknownMs)
      minutes.set(minute, costs)
      if (worst.length < WORST || lost(line) > lost(worst.at(-1)!))
        worst = [...worst, line].sort((a, b) => lost(b) - lost(a)).slice(0, WORST)
      return null
    },
    done: () => ({ spans, minutes, verdicts: found, worst }),
  }
}

/** The first six causes have a hue each; the rest together are plain. */
const TONES: readonly Tone[] = [0, 1, 2, 3, 4, 5]
const MOST_BINS = 72
const NICE_MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 10_080]

export function attributionBlocks(attributions: Attributions): Block[] {
  return [...columnsBlock(attributions), ...worstBlocks(attributions)]
}

export function attributionSentence({ spans, verdicts: found, minutes }: Attributions): string {
  const slow = spans - (found.get('none') ?? 0)
  const [first] = byCost(minutes)
  const most = first === undefined ? '' : `; most of the time above the curve went to ${wordOf(first[0])}`
  return `${plural(spans, 'production call')} read against the curve, ${whole(slow)} of them slower than it${most}.`
}

function byCost(minutes: Attributions['minutes']): [string, number][] {
  const costs = new Map<string, number>()
  for (const minute of minutes.values())
    for (const [cause, ms] of minute) costs.set(cause, (costs.get(cause) ?? 0) + ms)
  return [...costs].sort((a, b) => b[1] - a[1])
}

const WORDS: ReadonlyMap<string, string> = new Map(Object.entries(VERDICT_WORDS))
const wordOf = (cause: string): string => WORDS.get(cause) ?? cause

function columnsBlock({ minutes, verdicts: found, spans }: Attributions): Block[] {
  const costs = byCost(minutes)
  if (costs.length === 0) return []
  const named = costs.filter(([cause]) => cause !== 'unknown').slice(0, TONES.length)
  const kinds = [
    ...named.map(([cause], i) => ({ cause, name: wordOf(cause), tone: TONES[i]! })),
    {
      cause: null,
      name: costs.length - named.length > 1 ? 'the rest, and unknown' : 'unknown',
      tone: 'plain' as const,
    },
  ]
  const all = [...minutes.keys()]
  const first = all.reduce((a, b) => Math.min(a, b))
  const last = all.reduce((a, b) => Math.max(a, b))
  const least = (last - first + 1) / MOST_BINS
  const width = NICE_MINUTES.find((minute) => minute >= least) ?? Math.ceil(least / 10_080) * 10_080
  const start = Math.floor(first / width) * width
  const bins = Array.from({ length: Math.floor((last - start) / width) + 1 }, (_, i) => ({
    from: (start + i * width) * MINUTE_MS,
    to: (start + (i + 1) * width) * MINUTE_MS,
    values: kinds.map(() => 0),
  }))
  for (const [minute, own] of minutes) {
    const bin = bins[Math.floor((minute - start) / width)]
    for (const [cause, ms] of own) {
      const at = kinds.findIndex((kind) => kind.cause === cause)
      if (bin !== undefined) bin.values[at === -1 ? kinds.length - 1 : at]! += ms / 1000
    }
  }
  const highest = Math.max(...bins.map(({ values }) => values.reduce((a, b) => a + b, 0)))
  const rows = costs.map(([cause, ms]) => [
    left(wordOf(cause)),
    right(whole(found.get(cause) ?? 0)),
    right(percent((found.get(cause) ?? 0) / spans)),
    right(figure(ms / 1000)),
  ])
  const within = found.get('none') ?? 0
  return [
    {
      kind: 'columns',
      columns: {
        title: 'Time above the curve, by cause',
        caption: `Each column is ${width === 1 ? 'a minute' : width < 60 ? `${width} minutes` : width < 1440 ? plural(width / 60, 'hour') : plural(width / 1440, 'day')} of span starts, UTC.`,
        x: { label: 'UTC', scale: 'linear', format: 'date', from: bins[0]!.from, to: bins.at(-1)!.to },
        y: { label: 's above the curve', scale: 'linear', format: 'number', from: 0, to: highest * 1.06 },
        kinds,
        bins,
      },
      table: {
        title: 'causes: spans whose largest cause it is, and time in all',
        head: [left('cause'), right('spans'), right('of all'), right('seconds')],
        rows: [
          ...rows,
          [left(VERDICT_WORDS.none), right(whole(within)), right(percent(within / spans)), right('')],
        ],
      },
    },
  ]
}

function worstBlocks({ worst }: Attributions): Block[] {
  const slow = worst.filter(({ verdict }) => verdict !== 'none')
  if (slow.length === 0) return []
  const bars = slow.map((line): Bar => {
    const who = [line.service, line.operation, line.model].filter(Boolean).join(', ')
    const label = `${wordOf(line.verdict)} (${percent(line.confidence)}): ${who}, ${line.startedAt.slice(0, 16).replace('T', ' ')}`
    return { label, isBase: false, parts: partsOf(line.phases) }
  })
  const rows = slow.map((line) => [
    left(line.startedAt.slice(0, 19).replace('T', ' ')),
    left(line.spanId),
    right(figure(line.durationMs)),
    left(`${wordOf(line.verdict)}, ${percent(line.confidence)}`),
    left(
      line.causes
        .flatMap(({ evidence }) => evidence)
        .slice(0, 3)
        .join('; '),
    ),
  ])
  return [
    {
      kind: 'bars',
      bars: { title: 'The worst spans, taken apart', caption: 'Where the time of each went, in ms.', bars },
      table: {
        title: 'the worst spans',
        head: [left('start, UTC'), left('span'), right('ms'), left('cause'), left('evidence')],
        rows,
      },
    },
  ]
}
