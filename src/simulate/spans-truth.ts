/** What is true of a written span: where its milliseconds went, and what each cause cost it. */
import type { Cause } from './causes.js'
import { PHASE_NAMES, type Phases } from './job.js'
import type { SpanDialect } from './emit-dialects.js'
import { firstOutputMs, type Carry, type Scene, type Seen } from './spans-seen.js'
import type { LabelledOutcome, VirtualOutcome } from './virtual-request.js'

/** The phases of an attribution. They add up to the duration exactly, as whole nanoseconds. */
export interface SpanPhases {
  /** With gateway and front end. */
  network: number
  queue: number
  prefillFresh: number
  prefillCached: number
  reasoning: number
  decode: number
  retry: number
  client: number
}

/** Of one call; found by `traceId` and `spanId`. Milliseconds. */
export interface SpanTruth {
  readonly traceId: string
  readonly spanId: string
  readonly dialect: SpanDialect
  readonly carry: Carry
  readonly service: string
  /** UTC. */
  readonly startedAt: string
  readonly outcome: 'ok' | 'failed'
  /** With all attempts, where the dialect has a span for each. */
  readonly durationMs: number
  /** Start of the call to the first output that the client got. */
  readonly ttftMs?: number | undefined
  readonly promptTokens: number
  readonly cachedTokens: number
  /** In some cache of the region before; more than `cachedTokens` is a cold cache. */
  readonly seenTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** Statuses of all attempts of the call. */
  readonly statuses: readonly number[]
  readonly region: string
  readonly replica: number
  readonly fingerprint: string
  readonly conversation: string
  readonly tenant: string
  /** What befell it, whatever it cost. */
  readonly labels: readonly Cause[]
  /** For each label the span's time less that of its twin without the cause. */
  readonly causesMs: Readonly<Partial<Record<Cause, number>>>
  readonly phases: SpanPhases
  /** As the simulator keeps them, gateway and interference by themselves. */
  readonly enginePhases: Phases
}

export function truthOf(
  outcome: LabelledOutcome,
  written: { seen: Seen; dialect: SpanDialect; carry: Carry; conversation: string; tenant: string },
  scene: Scene,
): SpanTruth {
  const { seen, dialect, carry, conversation, tenant } = written
  const first = firstOutputMs(outcome, scene)
  return {
    traceId: seen.traceId,
    spanId: seen.spanId,
    dialect,
    carry,
    service: seen.service,
    startedAt: new Date(seen.startMs).toISOString(),
    outcome: outcome.outcome,
    durationMs: outcome.e2eMs,
    ttftMs: first,
    promptTokens: outcome.promptTokens,
    cachedTokens: outcome.cachedTokens,
    seenTokens: outcome.seenTokens,
    outputTokens: outcome.outputTokens,
    reasoningTokens: outcome.reasoningTokens,
    statuses: outcome.attempts.map(({ status }) => status),
    region: outcome.region,
    replica: outcome.replica,
    fingerprint: outcome.fingerprint,
    conversation,
    tenant,
    labels: outcome.labels,
    causesMs: outcome.causesMs,
    phases: spanPhases(outcome),
    enginePhases: outcome.phases,
  }
}

const NS_PER_MS = 1e6

/** Gateway counts as network, and interference as the phase that it lengthened. */
function spanPhases(outcome: VirtualOutcome): SpanPhases {
  const ns = (ms: number): number => Math.round(ms * NS_PER_MS)
  const raw = { ...outcome.phases }
  for (const name of PHASE_NAMES) raw[name] = ns(raw[name])
  const { first, visible } = outcome.unreadMs
  const firstNs = ns(outcome.ttftMs - first)
  const inPrefill =
    firstNs - raw.retry - raw.network - raw.gateway - raw.queue - raw.prefillFresh - raw.prefillCached
  const inReasoning =
    outcome.ttfvtMs === undefined ? Infinity : ns(outcome.ttfvtMs - visible) - firstNs - raw.reasoning
  let left = raw.interference
  const share = (most: number): number => {
    const taken = Math.max(0, Math.min(left, most))
    left -= taken
    return taken
  }
  const prefillMore = share(inPrefill)
  const reasoningMore = raw.reasoning > 0 ? share(inReasoning) : 0
  const phases: SpanPhases = {
    network: raw.network + raw.gateway,
    queue: raw.queue,
    // A neighbour lengthens the steps that compute; the last token is always computed.
    prefillFresh: raw.prefillFresh + prefillMore,
    prefillCached: raw.prefillCached,
    reasoning: raw.reasoning + reasoningMore,
    decode: raw.decode + left,
    retry: raw.retry,
    client: raw.client,
  }
  for (const name of SPAN_PHASES) phases[name] /= NS_PER_MS
  return phases
}

export const SPAN_PHASES = [
  'network',
  'queue',
  'prefillFresh',
  'prefillCached',
  'reasoning',
  'decode',
  'retry',
  'client',
] as const satisfies readonly (keyof SpanPhases)[]
