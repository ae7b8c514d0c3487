/** What a span tells of its own milliseconds where no curve can be asked: phases that were timed, and causes timed with them. */
import { zero } from './phases.js'
import type { Phase, Phases } from '../span/causes.js'
import type { Span } from '../span/span.js'
import type { Attribution, CauseFound, PhaseSource } from './attribution.js'
import { head, listedFrom } from './conclude.js'
import { beyond, tempered } from './confidence.js'
import { firstOutputMs, tierOf } from './tells.js'

/** Standard deviation of a told time, as a share of the span: clocks and rounding. */
const TOLD_SD = 0.02
const NAMED = 0.5

/** A span that no curve fits, that failed or has no length: its time is told as far as the trace itself does, not explained. */
export function unattributed(span: Span): Attribution {
  const { phases, sources } = toldPhases(span)
  const tier = tierOf(span, firstOutputMs(span) !== undefined)
  const hasFailed = span.error !== undefined
  const causes = hasFailed ? [] : toldCauses(span, phases)
  const [largest] = causes
  // What is less than half of the span may be less than something that nobody timed.
  const sure =
    largest === undefined ? 0 : Math.min(largest.probability, Math.max(NAMED, largest.ms / span.durationMs))
  return {
    ...head(span),
    referenceMs: null,
    phases,
    phaseSource: sources,
    causes,
    unknownMs: 0,
    verdict: largest?.cause ?? 'unknown',
    confidence: largest === undefined ? 0 : tempered(sure, tier, 0),
    tier,
    baseline: null,
    doubts: [reasonOf(span)],
  }
}

function reasonOf(span: Span): string {
  if (span.error !== undefined) return `the call failed (${span.error})`
  if (isUntimed(span)) return 'no times and no duration stand in its record: export start and end'
  const model = span.modelRequested ?? span.modelServed ?? '(none named)'
  return `no baseline fits model ${model}: run a scenario against it`
}

/** How long it took is not told. */
export const isUntimed = ({ doubts }: Span): boolean => doubts.includes('no-duration')

interface Told {
  phases: Phases
  sources: Partial<Record<Phase, PhaseSource>>
}

/**
 * Adds up to the duration. What nobody timed apart goes to the larger of its phases: before the first output to the
 * prefill, a whole call to the decode.
 */
function toldPhases(span: Span): Told {
  const { durationMs, queueMs, prefillMs, decodeMs, ttftMs, serverTtftMs } = span
  const phases = zero()
  const sources: Told['sources'] = {}
  let left = durationMs
  const book = (phase: Phase, ms: number, source: PhaseSource): void => {
    const taken = Math.min(left, Math.max(0, ms))
    phases[phase] += taken
    left -= taken
    if (taken > 0) sources[phase] ??= source
  }
  book('retry', span.retryMs ?? 0, 'trace')
  const servedMs = left
  const firstMs = firstOutputMs(span)
  const beforeMs = firstMs ?? (decodeMs === undefined ? undefined : servedMs - decodeMs)

  book('queue', queueMs ?? 0, 'server')
  if (prefillMs !== undefined) {
    book('prefillFresh', prefillMs, 'server')
    if (beforeMs !== undefined) book('network', beforeMs - (servedMs - left), 'trace')
  } else if (serverTtftMs !== undefined) {
    book('prefillFresh', serverTtftMs - (queueMs ?? 0), 'server')
    if (ttftMs !== undefined && beforeMs !== undefined) book('network', beforeMs - (servedMs - left), 'trace')
  } else if (beforeMs !== undefined) {
    book('prefillFresh', beforeMs - (servedMs - left), firstMs === undefined ? 'duration' : 'ttft')
  }

  const thinkingMs = thinking(span, firstMs)
  if (decodeMs !== undefined) {
    book('reasoning', thinkingMs ?? 0, 'server')
    book('decode', decodeMs - (thinkingMs ?? 0), 'server')
    book(firstMs === undefined ? 'network' : 'client', left, 'trace')
  } else {
    const source = firstMs === undefined ? 'duration' : 'ttft'
    book('reasoning', thinkingMs ?? 0, source)
    book('decode', left, source)
  }
  return { phases, sources }
}

/** Milliseconds of reasoning behind the first output; undefined where nothing tells them. */
function thinking(
  { decodeMs, ttfvtMs, ttftMs, reasoningTokens, outputTokens }: Span,
  firstMs: number | undefined,
): number | undefined {
  if (decodeMs !== undefined && reasoningTokens !== undefined && outputTokens !== undefined)
    return outputTokens > 0 ? decodeMs * Math.min(1, reasoningTokens / outputTokens) : 0
  if (firstMs === undefined || ttfvtMs === undefined || ttftMs === undefined) return undefined
  return ttfvtMs - ttftMs
}

/** Without a curve only waits are known to be too much, whatever the work was. */
function toldCauses(span: Span, { queue, retry }: Phases): CauseFound[] {
  const limit = listedFrom(span.durationMs)
  const waits = [
    { cause: 'queueing', ms: queue, evidence: [`the server reports ${Math.round(queue)} ms of queueing`] },
    {
      cause: 'retry',
      ms: retry,
      evidence: [`the attempt that answered began ${Math.round(retry)} ms after the call`],
    },
  ] as const
  return waits
    .filter(({ ms }) => ms >= limit)
    .map((wait) => ({
      ...wait,
      probability: Math.max(NAMED, beyond(wait.ms - limit, TOLD_SD * span.durationMs)),
    }))
    .sort((a, b) => b.ms - a.ms)
}
