/** What a run tells its caller while it goes on; the caller shows it, or not. */
import type { Sample } from '../sample/sample.js'

export interface Progress {
  /** Requests finished, warm-up and priming included. */
  done: number
  /** Requests planned, or null where a probe decides as it sees. */
  planned: number | null
  errors: number
  /** Tokens spent, prompt and output. */
  tokens: number
  cost: { currency: string; amount: number } | null
  elapsedMs: number
}

export type RunEvent =
  /** A new part of the run began: 'calibrating the instrument', 'warming up'. */
  | { kind: 'phase'; text: string }
  /** A finished sample; it is in the journal already. */
  | { kind: 'sample'; sample: Sample; progress: Progress }
  /** Something the reader must know; it stands in the snapshot as well. */
  | { kind: 'note'; text: string }

/** Why a run ended before its plan did; a closed list. */
export type StopReason =
  | 'interrupted'
  | 'budget'
  | 'headroom'
  | 'error-limit'
  | 'unauthorized'
  | 'unreachable'
  | 'redirect'
  | 'not-streaming'
  | 'disk'
  | 'worker'

export interface Stop {
  reason: StopReason
  /** A sentence: what happened, where, what to do. */
  message: string
}

/** How the caller stops a run: once to drain what is in flight, a second time to cut it off. */
export interface StopControl {
  /** Set once; what is in flight is waited for. */
  readonly drain: AbortSignal
  /** What is in flight is cut off. */
  readonly cut: AbortSignal
}
