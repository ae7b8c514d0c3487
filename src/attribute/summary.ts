/** Sums up attributions by group, in fixed memory: what slowed the slow spans, how much waiting each cause cost. */
import type { Cause, Tier, Verdict } from '../span/causes.js'
import type { Span } from '../span/span.js'
import type { Attribution } from './attribution.js'
import { valueOf, type Dimension } from './dimensions.js'
import { createDurations, type Durations, type VerdictCounts } from './durations.js'
import { createKeyTree } from './key-tree.js'
import type { Attributed, SoundSpan } from './paired.js'
import { isUntimed } from './told.js'

export interface GroupSummary {
  /** Null where the spans do not tell; empty for all spans together, and for those of groups beyond the limit. */
  key: Readonly<Partial<Record<Dimension, string | null>>>
  /** Read against a curve. The failed ones and those that no baseline fits are counted apart. */
  spans: number
  failed: number
  withoutBaseline: number
  /** Their records tell no duration. */
  untimed: number
  /** What spans that no baseline fits tell themselves: how long they waited, by cause. Milliseconds. */
  toldMs: Readonly<Partial<Record<Cause, number>>>
  /** First and last start; null without a span. */
  from: string | null
  to: string | null
  p50Ms: number | null
  p95Ms: number | null
  /** The spans beyond the 95th percentile; all of them, and `overMs` null, where there are fewer than 100. */
  slow: { overMs: number | null; spans: number; verdicts: VerdictCounts }
  /** Beyond the references, of all spans. Milliseconds. */
  excessMs: number
  causeMs: Readonly<Partial<Record<Cause, number>>>
  unknownMs: number
  /** Start of the longest row of spans whose verdict is a change of route; null without one. */
  routeChangedAt: string | null
  /** Of each verdict the span with the largest excess, then the next ones: at most 10. */
  worst: readonly Attribution[]
}

export interface Coverage {
  /** Which baselines were used; `ageS` from the youngest to the oldest use. */
  baselines: readonly { id: string; spans: number; ageS: readonly [low: number, high: number] }[]
  /** Models that no baseline fits. */
  withoutBaseline: readonly { model: string | null; spans: number }[]
  tiers: Readonly<Partial<Record<Tier, number>>>
  /** Why attributions should be believed less: one example of each kind, the most frequent first. */
  doubts: readonly { example: string; spans: number }[]
}

export interface AttributionSummary {
  by: readonly Dimension[]
  all: GroupSummary
  /** The most waiting first. */
  groups: readonly GroupSummary[]
  /** Spans of groups beyond the limit of 500; null where there are none. */
  others: GroupSummary | null
  coverage: Coverage
}

export interface Summariser {
  add(attributed: Attributed): void
  /** As if its attribution were added: one without a cause. */
  addSound(sound: SoundSpan): void
  result(): AttributionSummary
}

const MOST_GROUPS = 500
const MOST_WORST = 10
const MOST_WORST_OF_VERDICT = 3
const MOST_KINDS = 100
const LEAST_FOR_P95 = 100
/** A pause without a verdict of a changed route ends a row of them. */
const ROW_ENDS_MS = 30 * 60_000

export function createSummary(by: readonly Dimension[]): Summariser {
  const all = createTally({})
  const byValues = createKeyTree<Tally>(MOST_GROUPS)
  const groups: Tally[] = []
  let others: Tally | undefined
  const coverage = createCoverage()

  const values: (string | null)[] = by.map(() => null)
  const groupOf = (span: Span): Tally => {
    for (let i = 0; i < by.length; i++) values[i] = valueOf(span, by[i]!)
    const known = byValues.find(values)
    if (known !== undefined) return known
    if (groups.length >= MOST_GROUPS) return (others ??= createTally({}))
    const group = createTally(Object.fromEntries(by.map((dimension, i) => [dimension, values[i] ?? null])))
    byValues.set(values, group)
    groups.push(group)
    return group
  }

  return {
    add(attributed) {
      all.add(attributed)
      groupOf(attributed.span).add(attributed)
      coverage.add(attributed)
    },
    addSound(sound) {
      all.addSound(sound)
      groupOf(sound.span).addSound(sound)
      const { choice, tier, doubts } = sound
      coverage.addRead(choice.known.baseline.id, choice.ageS, tier, doubts)
    },
    result: () => ({
      by,
      all: all.result(),
      groups: groups.map((group) => group.result()).sort((a, b) => b.excessMs - a.excessMs),
      others: others?.result() ?? null,
      coverage: coverage.result(),
    }),
  }
}

interface Tally {
  add(attributed: Attributed): void
  addSound(sound: SoundSpan): void
  result(): GroupSummary
}

function createTally(key: GroupSummary['key']): Tally {
  const durations = createDurations()
  const changes = createRows()
  let [failed, untimed, withoutBaseline, excessMs, unknownMs] = [0, 0, 0, 0, 0]
  let [fromMs, toMs] = [Infinity, -Infinity]
  const causeMs: Partial<Record<Cause, number>> = {}
  const toldMs: Partial<Record<Cause, number>> = {}
  const worst = createWorst()

  return {
    add({ span, attribution }) {
      fromMs = Math.min(fromMs, span.startedAtMs)
      toMs = Math.max(toMs, span.startedAtMs)
      if (span.error !== undefined) return void failed++
      if (isUntimed(span)) return void untimed++
      if (attribution.baseline === null) {
        withoutBaseline++
        for (const { cause, ms } of attribution.causes) toldMs[cause] = (toldMs[cause] ?? 0) + ms
        return
      }
      durations.add(attribution.durationMs, attribution.verdict)
      let excess = attribution.unknownMs
      for (const { cause, ms } of attribution.causes) {
        causeMs[cause] = (causeMs[cause] ?? 0) + ms
        excess += ms
      }
      unknownMs += attribution.unknownMs
      excessMs += excess
      if (attribution.verdict === 'route-change') changes.add(span.startedAtMs)
      if (attribution.verdict !== 'none') worst.add(attribution, excess)
    },
    addSound({ span, excessMs: ofThis }) {
      fromMs = Math.min(fromMs, span.startedAtMs)
      toMs = Math.max(toMs, span.startedAtMs)
      durations.add(span.durationMs, 'none')
      unknownMs += ofThis
      excessMs += ofThis
    },
    result: () => ({
      key,
      spans: durations.count,
      failed,
      withoutBaseline,
      untimed,
      toldMs: { ...toldMs },
      from: fromMs <= toMs ? isoOf(fromMs) : null,
      to: fromMs <= toMs ? isoOf(toMs) : null,
      p50Ms: durations.quantile(0.5),
      p95Ms: durations.quantile(0.95),
      slow: slowOf(durations),
      excessMs,
      causeMs: { ...causeMs },
      unknownMs,
      routeChangedAt: changes.longestFrom(),
      worst: worst.result(),
    }),
  }
}

function slowOf(durations: Durations): GroupSummary['slow'] {
  if (durations.count >= LEAST_FOR_P95) return durations.beyond(0.95)
  return { ...durations.beyond(0), overMs: null }
}

function createWorst(): { add(attribution: Attribution, excess: number): void; result(): Attribution[] } {
  const kept = new Map<Verdict, { attribution: Attribution; excess: number }[]>()
  return {
    add(attribution, excess) {
      const own = kept.get(attribution.verdict) ?? []
      if (excess <= (own[MOST_WORST_OF_VERDICT - 1]?.excess ?? -1)) return
      own.splice(MOST_WORST_OF_VERDICT - 1)
      own.push({ attribution, excess })
      own.sort((a, b) => b.excess - a.excess)
      kept.set(attribution.verdict, own)
    },
    result: () =>
      [...kept.values()]
        .flatMap((own) => own.map((each, rank) => ({ ...each, rank })))
        .sort((a, b) => a.rank - b.rank || b.excess - a.excess)
        .slice(0, MOST_WORST)
        .map(({ attribution }) => attribution),
  }
}

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString()
}

/** Rows of moments without a long pause in them: of single false ones and a real change, the change is the longest. */
function createRows(): { add(atMs: number): void; longestFrom(): string | null } {
  let row = { fromMs: NaN, lastMs: NaN, count: 0 }
  let longest = row
  return {
    add(atMs) {
      if (row.count === 0 || Math.abs(atMs - row.lastMs) > ROW_ENDS_MS) {
        row = { fromMs: atMs, lastMs: atMs, count: 0 }
      }
      row.fromMs = Math.min(row.fromMs, atMs)
      row.lastMs = Math.max(row.lastMs, atMs)
      row.count++
      if (row.count > longest.count) longest = row
    },
    longestFrom: () => (longest.count === 0 ? null : isoOf(longest.fromMs)),
  }
}

interface CoverageTally {
  add(attributed: Attributed): void
  /** A span that was read against a curve. */
  addRead(id: string, ageS: number, tier: Tier, doubts: readonly string[]): void
  result(): Coverage
}

function createCoverage(): CoverageTally {
  const baselines = new Map<string, { id: string; spans: number; low: number; high: number }>()
  const models = new Map<string | null, number>()
  const tiers: Partial<Record<Tier, number>> = {}
  const doubts = new Map<string, { example: string; spans: number }>()

  const doubt = (sentence: string): void => {
    const kind = sentence.replace(/\d[\d,.]*/g, '#')
    const known = doubts.get(kind)
    if (known !== undefined) known.spans++
    else if (doubts.size < MOST_KINDS) doubts.set(kind, { example: sentence, spans: 1 })
  }

  let last: { id: string; spans: number; low: number; high: number } | undefined
  const addRead = (id: string, ageS: number, tier: Tier, own: readonly string[]): void => {
    tiers[tier] = (tiers[tier] ?? 0) + 1
    for (const each of own) doubt(each)
    const used = last?.id === id ? last : baselines.get(id)
    if (used === undefined) baselines.set(id, { id, spans: 1, low: ageS, high: ageS })
    else {
      used.spans++
      used.low = Math.min(used.low, ageS)
      used.high = Math.max(used.high, ageS)
    }
    last = used
  }

  return {
    addRead,
    add({ span, attribution: { baseline, tier, doubts: own } }) {
      if (span.error !== undefined || isUntimed(span)) return
      if (baseline === null) {
        const model = span.modelRequested ?? span.modelServed ?? null
        const count = models.get(model)
        if (count !== undefined || models.size < MOST_KINDS) models.set(model, (count ?? 0) + 1)
        return
      }
      addRead(baseline.id, baseline.ageS, tier, own)
    },
    result: () => ({
      baselines: mostFirst(baselines.values()).map(({ id, spans, low, high }) => ({
        id,
        spans,
        ageS: [low, high] as const,
      })),
      withoutBaseline: mostFirst([...models].map(([model, spans]) => ({ model, spans }))),
      tiers: { ...tiers },
      doubts: mostFirst(doubts.values()),
    }),
  }
}

function mostFirst<T extends { spans: number }>(all: Iterable<T>): T[] {
  return [...all].sort((a, b) => b.spans - a.spans)
}
