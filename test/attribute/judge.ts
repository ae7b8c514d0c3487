/** Holds attributions against labelled outcomes: who was named, how surely, and whose milliseconds. */
import { listedFrom } from '../../src/attribute/conclude.js'
import type { Attribution } from '../../src/attribute/attribution.js'
import {
  causes as causeNames,
  phases as phaseNames,
  type Cause,
  type Phases,
  type Verdict,
} from '../../src/span/causes.js'
import type { LabelledOutcome } from '../../src/simulate/virtual-request.js'

/** Verdicts of one confidence interval (lo, hi]. */
interface Bin {
  count: number
  right: number
  confidence: number
}

/** Counts over many spans; two tallies add up. */
export interface Tally {
  spans: number
  /** `truth → verdict`. */
  confusion: Record<string, number>
  /** Each listed cause counted by itself: in both, named only, true only. */
  labels: Record<string, { both: number; named: number; missed: number }>
  bins: Bin[]
  /** Sum of (confidence − right)². */
  brier: number
  /** Of each verdict that names a cause: how often, and how often it had cost what would be listed. */
  accused: Record<string, { all: number; right: number }>
  /** By phase, and `misplaced` over all: errors as shares of the span, in thousandths; and of spans that a cause befell. */
  errors: Record<string, number[]>
}

const BINS = 15
const MOST_ERROR = 1000
/** A neighbour's work lengthens prefill whether or not its tokens were cached. */
const MERGED: Readonly<Record<keyof Phases, string>> = {
  network: 'network',
  queue: 'queue',
  prefillFresh: 'prefill',
  prefillCached: 'prefill',
  reasoning: 'reasoning',
  decode: 'decode',
  retry: 'retry',
  client: 'client',
}

export const createTally = (): Tally => ({
  spans: 0,
  confusion: {},
  labels: {},
  bins: Array.from({ length: BINS }, () => ({ count: 0, right: 0, confidence: 0 })),
  brier: 0,
  accused: {},
  errors: {},
})

/** What of an outcome is judged by. */
export type Labelled = Pick<LabelledOutcome, 'e2eMs' | 'causesMs' | 'phases'>

/** Causes that cost enough to be listed, the largest first. */
function truthOf({ e2eMs, causesMs }: Labelled): Cause[] {
  const limit = listedFrom(e2eMs)
  return causeNames
    .filter((cause) => (causesMs[cause] ?? 0) >= limit)
    .sort((a, b) => (causesMs[b] ?? 0) - (causesMs[a] ?? 0))
}

/** What lengths alone can tell; all else is `unknown` there. */
const BY_LENGTHS: ReadonlySet<Verdict> = new Set<Verdict>([
  'prefill-surge',
  'long-output',
  'reasoning',
  'none',
  'unknown',
])

export type Scope = 'all' | 'lengths'

/**
 * `scope` `lengths`: for spans of durations and tokens, where `unknown` is right for what is slow for another reason,
 * and any name for it is wrong. Otherwise `unknown` is a miss in the confusion; as a probability it says that the
 * span was slow for a reason that lengths do not tell, and is right where that is so. Against an `idle` baseline calls of
 * its own service may have slowed it, which is no cause: then `none` and `unknown` are both right.
 */
export function judge(
  tally: Tally,
  outcome: Labelled,
  found: Attribution,
  scope: Scope,
  baseline: 'busy' | 'idle' = 'busy',
): void {
  const [largest = 'none'] = truthOf(outcome)
  const truth: Verdict = scope === 'lengths' && !BY_LENGTHS.has(largest) ? 'unknown' : largest
  const { verdict, confidence } = found
  tally.spans++
  add(tally.confusion, `${truth} → ${verdict}`)
  const isRight =
    verdict === truth ||
    (verdict === 'unknown' &&
      (!BY_LENGTHS.has(truth) || (baseline === 'idle' && truth === 'none' && isCrowded(outcome))))
  const bin = tally.bins[Math.max(0, Math.min(BINS - 1, Math.ceil(confidence * BINS) - 1))]!
  bin.count++
  bin.confidence += confidence
  if (isRight) bin.right++
  tally.brier += (confidence - (isRight ? 1 : 0)) ** 2
  const named = new Set(found.causes.map(({ cause }) => cause))
  const real = new Set(truthOf(outcome))
  if (verdict !== 'none' && verdict !== 'unknown') {
    const accused = (tally.accused[verdict] ??= { all: 0, right: 0 })
    accused.all++
    if (real.has(verdict)) accused.right++
  }
  for (const cause of causeNames) {
    const label = (tally.labels[cause] ??= { both: 0, named: 0, missed: 0 })
    if (named.has(cause)) label[real.has(cause) ? 'both' : 'named']++
    else if (real.has(cause)) label.missed++
  }
  judgePhases(tally, outcome, found, truth !== 'none')
}

/** Others in its batch, be they of its own service, cost it what would be listed. */
const isCrowded = ({ phases, causesMs, e2eMs }: Labelled): boolean =>
  phases.interference - (causesMs['noisy-neighbour'] ?? 0) >= listedFrom(e2eMs)

function judgePhases(tally: Tally, { phases, e2eMs }: Labelled, found: Attribution, isSlow: boolean): void {
  const errors: Record<string, number> = {}
  for (const name of phaseNames) {
    const trueMs = name === 'network' ? phases.network + phases.gateway : phases[name]
    errors[MERGED[name]] = (errors[MERGED[name]] ?? 0) + found.phases[name] - trueMs
  }
  const misplaced = Object.values(errors).reduce((sum, ms) => sum + Math.abs(ms), 0) / 2
  const book = (name: string, ms: number): void => {
    const bins = (tally.errors[name] ??= Array.from({ length: MOST_ERROR + 1 }, () => 0))
    const share = e2eMs > 0 ? Math.abs(ms) / e2eMs : 0
    bins[Math.min(MOST_ERROR, Math.round(share * MOST_ERROR))]!++
  }
  for (const [name, ms] of Object.entries(errors)) book(name, ms)
  book('misplaced', misplaced)
  if (isSlow) book('misplaced, slow spans', misplaced)
}

export function merge(tallies: readonly Tally[]): Tally {
  const sum = createTally()
  for (const { spans, confusion, labels, bins, brier, accused, errors } of tallies) {
    sum.spans += spans
    sum.brier += brier
    for (const [key, count] of Object.entries(confusion)) add(sum.confusion, key, count)
    for (const [cause, { all, right }] of Object.entries(accused)) {
      const own = (sum.accused[cause] ??= { all: 0, right: 0 })
      own.all += all
      own.right += right
    }
    for (const [cause, { both, named, missed }] of Object.entries(labels)) {
      const own = (sum.labels[cause] ??= { both: 0, named: 0, missed: 0 })
      own.both += both
      own.named += named
      own.missed += missed
    }
    bins.forEach(({ count, right, confidence }, i) => {
      const own = sum.bins[i]!
      own.count += count
      own.right += right
      own.confidence += confidence
    })
    for (const [name, counts] of Object.entries(errors)) {
      const own = (sum.errors[name] ??= counts.map(() => 0))
      counts.forEach((count, i) => (own[i]! += count))
    }
  }
  return sum
}

/** Of each class that occurs in truth: F1 = 2·TP ÷ (2·TP + FP + FN). */
export function classScores({ confusion }: Tally): { name: string; f1: number; count: number }[] {
  const rows = Object.entries(confusion).map(([key, count]) => ({ pair: key.split(' → '), count }))
  const names = [...new Set(rows.map(({ pair }) => pair[0]!))]
  return names.map((name) => {
    const sum = (test: (truth: boolean, verdict: boolean) => boolean): number =>
      rows.reduce((n, { pair, count }) => n + (test(pair[0] === name, pair[1] === name) ? count : 0), 0)
    const hits = sum((truth, verdict) => truth && verdict)
    return {
      name,
      f1: (2 * hits) / (2 * hits + sum((truth, verdict) => truth !== verdict)),
      count: sum((truth) => truth),
    }
  })
}

/** As `classScores`, of each cause as a label of its own. */
export function labelScores({ labels }: Tally): { name: string; f1: number; count: number }[] {
  return Object.entries(labels)
    .filter(([, { both, missed }]) => both + missed > 0)
    .map(([name, { both, named, missed }]) => ({
      name,
      f1: (2 * both) / (2 * both + named + missed),
      count: both + missed,
    }))
}

export const mean = (scores: readonly { f1: number }[]): number =>
  scores.reduce((sum, { f1 }) => sum + f1, 0) / Math.max(1, scores.length)

/** Expected calibration error over bins (lo, hi] (Guo et al. 2017), and Brier's score. */
export function calibration({ bins, brier, spans }: Tally): { ece: number; brier: number } {
  const ece =
    bins.reduce((sum, { right, confidence }) => sum + Math.abs(right - confidence), 0) / Math.max(1, spans)
  return { ece, brier: brier / Math.max(1, spans) }
}

/** Quantile of an error, as a share of the span. */
export function errorAt({ errors }: Tally, name: string, p: number): number {
  const counts = errors[name] ?? []
  let rank = p * counts.reduce((sum, count) => sum + count, 0)
  for (const [i, count] of counts.entries()) {
    rank -= count
    if (rank <= 0 && count > 0) return i / MOST_ERROR
  }
  return 0
}

function add(counts: Record<string, number>, key: string, count = 1): void {
  counts[key] = (counts[key] ?? 0) + count
}
