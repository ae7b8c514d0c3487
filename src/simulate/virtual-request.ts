/** What goes into a run in virtual time and what comes out of it: `runVirtual` (virtual.ts), `runWithTwins` (twins.ts). */
import type { Cause } from './causes.js'
import type { Incident } from './incidents.js'
import type { Phases, Unread } from './job.js'
import type { Profile } from './profiles.js'

/** The provider that serves, what goes wrong with it and when, and the seed of all chance. */
export interface VirtualSetup {
  /** With its fleet: `resolveProfile('8b-h100', { replicas: 4, … })`. */
  readonly profile: Profile
  readonly incidents: readonly Incident[]
  readonly seed: number | string
}

/** One call of the service under observation, as its client makes it. */
export interface VirtualRequest {
  /** Since the start of the run; a list is in order of arrival. */
  readonly arrivalMs: number
  readonly promptTokens: number
  /** All output, reasoning first. */
  readonly outputTokens: number
  /** Default: what the profile thinks, 0 in most. */
  readonly reasoningTokens?: number
  /**
   * Chained hashes of the leading whole blocks that other requests may share (`chainPrefix`, `chainBlocks`); what
   * lies behind them is this request's own and is found by nobody. Default: none.
   */
  readonly hashes?: ArrayLike<number>
  /** Credential: rate limits are counted by it, and it takes part in the choice of a replica. Default: one for all. */
  readonly key?: string
  /** Opens a connection, with TLS, instead of taking one that is kept alive. Default: false. */
  readonly newConnection?: boolean
  /**
   * Up to what length a request is ordinary in its service: what it has above that, by itself or by an incident, is its
   * prefill-surge, long-output, reasoning. Default: the actual lengths, so all that an incident adds.
   */
  readonly usual?: {
    readonly promptTokens?: number
    /** Output less reasoning. */
    readonly visibleTokens?: number
    readonly reasoningTokens?: number
  }
  /** Ask for `tokenMs`. Default: false. */
  readonly keepTokens?: boolean
}

/** One try on the wire. Times are since the start of the run. */
export interface Attempt {
  readonly startMs: number
  readonly endMs: number
  /** 200, 429 or 503. */
  readonly status: number
  /** What a 429 asked to wait, ms. */
  readonly retryAfterMs?: number
}

/** What the client saw, and the truth behind it. Durations are since `arrivalMs` unless said otherwise. */
export interface VirtualOutcome {
  /** Position in the list of requests. */
  readonly index: number
  readonly arrivalMs: number
  /** `failed`: the last attempt was refused too; then there are no tokens, and all time is `retry`. */
  readonly outcome: 'ok' | 'failed'
  /** As sent, with what incidents added. */
  readonly promptTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  readonly cachedTokens: number
  /** Tokens that were in some cache of the region before, whoever computed them; more than `cachedTokens` is a cold cache. */
  readonly seenTokens: number
  /** First output of any kind, as the client got it; from `arrivalMs`, so failed attempts count. */
  readonly ttftMs: number
  /** First output that is not reasoning; absent where all is reasoning. */
  readonly ttfvtMs?: number | undefined
  readonly e2eMs: number
  /** Adds up to `e2eMs` exactly, as whole nanoseconds. */
  readonly phases: Phases
  /** Between tokens of the answer: mean and longest, ms. 0 where there is one token. */
  readonly gapMeanMs: number
  readonly gapMaxMs: number
  /** When each token came, if asked for. */
  readonly tokenMs?: Float64Array | undefined
  readonly attempts: readonly Attempt[]
  readonly region: string
  /** Number of the replica within its region. */
  readonly replica: number
  /** Changes with the model's version, and so with its constants. */
  readonly fingerprint: string
  readonly preemptions: number
  /** How long the first token, and the first visible one, lay unread at the client. */
  readonly unreadMs: Unread
  /** What befell it, whatever it cost, in the order of `CAUSES`. */
  readonly labels: readonly Cause[]
}

/** An outcome with what each cause cost it. */
export interface LabelledOutcome extends VirtualOutcome {
  /**
   * For each label the milliseconds by which the request's twin, of the same seed and without that cause, was
   * quicker. Negative where the cause helped. They need not add up: two causes may share a millisecond.
   */
  readonly causesMs: Readonly<Partial<Record<Cause, number>>>
}
