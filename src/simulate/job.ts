/** One request inside the simulated provider, from its admission to the truth about it. */

import type { Cause } from './causes.js'
import type { Incident } from './incidents.js'

/** What a service needs to know of a request. Times are ms on the agenda's clock. */
export interface Job {
  readonly id: number
  readonly arrivalMs: number
  readonly promptTokens: number
  /** Chained hash of each whole block of the prompt. */
  readonly hashes: ArrayLike<number>
  /** All output, reasoning first. */
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** Whose request it is: takes part in the choice of a replica. */
  readonly key?: string | undefined
  /** It came over a connection that was opened for it. Default: over one that was kept alive. */
  readonly newConnection?: boolean | undefined
  /** What goes wrong with this request alone, beside what is planned for all. */
  readonly incidents?: readonly Incident[] | undefined
  /** `ends`: only the first token, the first visible one and the last are told, perhaps before they are due. */
  readonly tells?: 'all' | 'ends' | undefined
  /** Told once, in `submit`: the region that serves it and the version of the model there. */
  onRouted?(region: string, fingerprint: string): void
  /** What the cache held of the prompt: told once, as soon as it is looked up and before the first token. */
  onCached?(cachedTokens: number): void
  /** Token `index` (from 0) was due at `dueMs`. `outcome` comes with the last one. */
  onToken(index: number, dueMs: number, outcome: Outcome | undefined): void
}

/**
 * Where the milliseconds went, by what the service did, never by what was measured. They add up to `e2eMs` exactly
 * (as whole nanoseconds).
 */
export interface Phases {
  network: number
  /** Gateway with front end: all that is paid once a request. */
  gateway: number
  queue: number
  prefillFresh: number
  prefillCached: number
  /** What sharing cost: other sequences in the same steps, preemption, noise. */
  interference: number
  reasoning: number
  decode: number
  retry: number
  client: number
}

export interface Outcome {
  readonly cachedTokens: number
  readonly preemptions: number
  readonly ttftMs: number
  readonly e2eMs: number
  /** The longest time between two tokens; 0 where there is one token. */
  readonly gapMaxMs: number
  readonly phases: Phases
  /** Where it was served; the rest is known where there is a fleet. */
  readonly route?: Route | undefined
}

/** Which machine served, and what befell the request on its way. */
export interface Route {
  readonly region: string
  /** Number within the region. */
  readonly replica: number
  /** Of a model that changes with its constants, as a real one does with a new version. */
  readonly fingerprint: string
  /** Prompt tokens that some replica of the region has had in its cache before. */
  readonly seenTokens: number
  /** How long the first token, and the first visible one, lay unread at the client. */
  readonly unreadMs: Unread
  readonly labels: readonly Cause[]
}

/** A model behind a face: takes jobs, gives tokens at due times. */
export interface Service {
  submit(job: Job, nowMs: number): void
  /** The client has gone: nothing more is emitted for this job and what it held is free. */
  cancel(id: number): void
  /** Jobs submitted and not ended. */
  inFlight(): number
  /** What a gauge of the server shows. */
  load(): ServiceLoad
}

export interface Unread {
  readonly first: number
  readonly visible: number
}

export interface ServiceLoad {
  readonly running: number
  readonly waiting: number
  /** Share of the KV blocks that somebody holds, 0 to 1. */
  readonly kvUsage: number
  /** Since the start. What is computed again after a preemption counts again. */
  readonly preemptions: number
  readonly prefilledTokens: number
  readonly cachedTokens: number
  readonly decodedTokens: number
  /** Engine steps, and the sequences in them together. */
  readonly steps: number
  readonly stepSequences: number
}

/** What a fleet tells one of its replicas beside the job. */
export interface ReplicaJob extends Job {
  /** Nothing of it is served from the prefix cache. */
  readonly missesCache?: boolean | undefined
  /** Leading tokens that count as cached whatever this replica has. */
  readonly grantedTokens?: number | undefined
  /** Nobody's: it only fills the batch. */
  readonly isBackground?: boolean | undefined
}

/** One machine, or one law, of a fleet. */
export interface Replica {
  submit(job: ReplicaJob, nowMs: number): void
  cancel(id: number): void
  inFlight(): number
  load(): ServiceLoad
  /** When a background sequence last shared a step, or a crowd was there; −Infinity: never. */
  crowdedMs(): number
}

/** What times all work of a replica at an instant: 1 on an ordinary day. */
export type FactorAt = (nowMs: number) => number

const NS_PER_MS = 1e6

/**
 * Phases in whole nanoseconds. What is not named falls to `interference`; should the named ones exceed `e2eMs` by
 * rounding or by lucky noise, `decode` and then the others give way, so that no phase is negative.
 */
export function settlePhases(e2eMs: number, named: Partial<Phases>): Phases {
  const ns = (ms: number | undefined): number => Math.max(0, Math.round((ms ?? 0) * NS_PER_MS))
  const phases: Phases = {
    network: ns(named.network),
    gateway: ns(named.gateway),
    queue: ns(named.queue),
    prefillFresh: ns(named.prefillFresh),
    prefillCached: ns(named.prefillCached),
    interference: 0,
    reasoning: ns(named.reasoning),
    decode: ns(named.decode),
    retry: ns(named.retry),
    client: ns(named.client),
  }
  let rest = ns(e2eMs) - PHASE_NAMES.reduce((sum, name) => sum + phases[name], 0)
  for (const name of GIVES_WAY) {
    if (rest >= 0) break
    const taken = Math.min(phases[name], -rest)
    phases[name] -= taken
    rest += taken
  }
  phases.interference = Math.max(0, rest)
  for (const name of PHASE_NAMES) phases[name] /= NS_PER_MS
  return phases
}

export const PHASE_NAMES = [
  'network',
  'gateway',
  'queue',
  'prefillFresh',
  'prefillCached',
  'interference',
  'reasoning',
  'decode',
  'retry',
  'client',
] as const satisfies readonly (keyof Phases)[]

const GIVES_WAY: readonly (keyof Phases)[] = [
  'decode',
  'reasoning',
  'prefillFresh',
  'prefillCached',
  'queue',
  'gateway',
]
