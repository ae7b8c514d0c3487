/** What attribution says of one span: where its milliseconds went, why it was slow, how sure that is. */
import type { Cause, Phases, Phase, Tier, Verdict } from '../span/causes.js'

/** Where a phase's milliseconds were read off: the server's own timing, the first-token time, the duration, the trace, or the curve. */
export type PhaseSource = 'server' | 'ttft' | 'duration' | 'trace' | 'curve'

export interface CauseFound {
  cause: Cause
  ms: number
  /** That it holds and costs more than what is listed at least. */
  probability: number
  /** Sentences, the strongest first. */
  evidence: readonly string[]
}

/** Format of `examples/attribution.json`; milliseconds. */
export interface Attribution {
  traceId: string
  spanId: string
  service: string | undefined
  operation: string
  model: string | undefined
  startedAt: string
  durationMs: number
  /** What the curve predicts for a span of ordinary lengths whose prefix is warm where it had been; null without a curve. */
  referenceMs: number | null
  /** Adds up to `durationMs`. */
  phases: Phases
  phaseSource: Readonly<Partial<Record<Phase, PhaseSource>>>
  /** The largest first; with `unknownMs` they share out the excess. */
  causes: readonly CauseFound[]
  unknownMs: number
  verdict: Verdict
  /** Probability of the verdict. */
  confidence: number
  tier: Tier
  baseline: { id: string; ageS: number } | null
  /** Why it should be believed less, or not at all. */
  doubts: readonly string[]
}
