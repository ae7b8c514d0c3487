/** The client in virtual time: what it asks for, its rate limit, its retries. */
import type { Random } from '../random/random.js'
import type { Cause } from './causes.js'
import type { FleetConstants } from './fleet-constants.js'
import type { Struck } from './incidents.js'
import { createRateLimit } from './rate-limit.js'
import type { VirtualRequest } from './virtual-request.js'

/** A request as it is sent, with what incidents added. */
export interface Sent {
  readonly promptTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** Attempts that fail whatever the load. */
  readonly failures: number
  /** Undefined: none. */
  readonly labels: ReadonlySet<Cause> | undefined
}

/** Causes that lie with how much the client sends and asks for. */
const LENGTH_CAUSES: ReadonlySet<Cause> = new Set<Cause>(['prefill-surge', 'long-output', 'reasoning'])

/** Whether an incident of that cause befalls the client. Lengths grow in the twin too, where `shape` holds them to the usual. */
export function befallsClient(cause: Cause, without: Cause | undefined): boolean {
  return LENGTH_CAUSES.has(cause) || (cause === 'retry' && without !== 'retry')
}

/**
 * `without` a cause, its part is no longer than usual: what grew and stayed within the usual is no excess. What exceeds
 * `mostTokens` is cut from the output, then the prompt.
 */
export function shape(
  request: VirtualRequest,
  struck: readonly Struck[],
  thinks: number,
  mostTokens: number,
  without: Cause | undefined,
): Sent {
  const thought = Math.min(request.reasoningTokens ?? thinks, request.outputTokens)
  if (
    struck.length === 0 &&
    request.usual === undefined &&
    request.promptTokens + request.outputTokens <= mostTokens
  ) {
    const { promptTokens, outputTokens } = request
    return { promptTokens, outputTokens, reasoningTokens: thought, failures: 0, labels: undefined }
  }
  const labels = new Set<Cause>()
  const usual = request.usual ?? {}
  const value = (cause: Cause): number[] =>
    struck.filter(({ incident }) => incident.cause === cause).map(({ incident }) => incident.value)
  const scaled = (length: number, cause: Cause): number =>
    value(cause).reduce((tokens, factor) => Math.max(1, Math.round(tokens * factor)), length)
  const length = (cause: Cause, actual: number, ordinary = actual): number => {
    const wanted = cause === 'reasoning' ? actual + sum(value(cause)) : scaled(actual, cause)
    if (wanted > ordinary) labels.add(cause)
    return without === cause ? Math.min(wanted, ordinary) : wanted
  }
  const promptTokens = length('prefill-surge', request.promptTokens, usual.promptTokens)
  const visible = length('long-output', request.outputTokens - thought, usual.visibleTokens)
  const reasoningTokens = Math.round(length('reasoning', thought, usual.reasoningTokens))
  const room = Math.max(1, mostTokens - promptTokens)
  const outputTokens = Math.min(Math.max(1, visible + reasoningTokens), room)
  return {
    promptTokens: Math.min(promptTokens, mostTokens - outputTokens),
    outputTokens,
    reasoningTokens: Math.min(reasoningTokens, outputTokens),
    failures: Math.floor(sum(value('retry'))),
    labels,
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0)
}

/** What became of one try before the service took it. */
export type Tried =
  | { readonly status: 200 }
  | {
      readonly status: 429 | 503
      readonly takesMs: number
      readonly retryAfterMs?: number
      /** Until the next try; undefined when there is none. */
      readonly backOffMs: number | undefined
    }

export interface Try {
  readonly index: number
  readonly key: string
  readonly tokens: number
  /** From 0. */
  readonly attempt: number
  readonly failures: number
  readonly nowMs: number
}

/** How the official Python and TypeScript clients of OpenAI and Anthropic retry: twice, from .5 s, doubled, to 8 s. */
const MAX_RETRIES = 2
const FIRST_BACK_OFF_MS = 500
const MOST_BACK_OFF_MS = 8_000
/** They take up to a quarter off. */
const JITTER = 0.25

/** A refusal is quick, an overloaded server's error is not; lognormal, set by hand. */
const REFUSED_MS = 60
const ERROR_MS = 300
const TAKES_SIGMA = 0.5

/** Buckets that are never empty where the constants say 0. */
export function createTries(constants: FleetConstants, random: Random): (asked: Try) => Tried {
  const { keyRequestsPerMinute, keyTokensPerMinute } = constants
  const requests = keyRequestsPerMinute > 0 ? createRateLimit(keyRequestsPerMinute) : undefined
  const tokens = keyTokensPerMinute > 0 ? createRateLimit(keyTokensPerMinute) : undefined

  return ({ index, key, tokens: wanted, attempt, failures, nowMs }) => {
    if (failures === 0 && !requests && !tokens) return { status: 200 }
    const draws = random.fork(`${index}/${attempt}`)
    const spread = Math.exp(TAKES_SIGMA * draws.normal())
    const jitter = 1 - JITTER * draws.next()
    const backOffMs = Math.min(FIRST_BACK_OFF_MS * 2 ** attempt, MOST_BACK_OFF_MS) * jitter
    const isLast = attempt >= MAX_RETRIES
    if (attempt < failures) {
      return { status: 503, takesMs: ERROR_MS * spread, backOffMs: isLast ? undefined : backOffMs }
    }
    for (const allowed of [requests?.(key, nowMs), tokens?.(key, nowMs, wanted)]) {
      if (allowed === undefined || allowed.ok) continue
      const retryAfterMs = Math.ceil(allowed.waitMs)
      return {
        status: 429,
        takesMs: REFUSED_MS * spread,
        retryAfterMs,
        backOffMs: isLast ? undefined : Math.max(retryAfterMs, 1),
      }
    }
    return { status: 200 }
  }
}
