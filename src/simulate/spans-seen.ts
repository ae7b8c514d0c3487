/** What the code around one call could see of it: all that an emitter may write down, and nothing of the truth. */
import type { OtlpGroup } from '../span/otlp-envelope.js'
import type { Attempt, VirtualOutcome } from './virtual-request.js'

/**
 * How much a service's spans carry. `full`: all that its dialect has. `ttft`: time to the first token and token counts,
 * no cache counts. `tokens`: duration and token counts. `duration`: duration.
 */
export const CARRIES = ['full', 'ttft', 'tokens', 'duration'] as const
export type Carry = (typeof CARRIES)[number]

/** Token counts as the provider's usage has them: the prompt includes what was cached, the output reasoning. */
export interface Usage {
  readonly promptTokens: number
  readonly outputTokens: number
  readonly cachedTokens?: number | undefined
  readonly reasoningTokens?: number | undefined
}

/** One HTTP request of the call. Times are ms since 1970. */
export interface HttpTry {
  readonly startMs: number
  readonly endMs: number
  readonly status: number
  /** Of the answer, those that a tracer was told to keep. */
  readonly headers: Readonly<Record<string, string>>
}

/** The engine's own clock. Durations, ms; prefill and decode are what they took, sharing included. */
export interface ServerView {
  readonly arrivalMs: number
  readonly endMs: number
  readonly queueMs: number
  readonly ttftMs: number
  readonly prefillMs: number
  readonly decodeMs: number
  readonly region: string
  readonly instance: string
}

/** What is not carried, or did not happen, is undefined. Times are ms since 1970. */
export interface Seen {
  readonly traceId: string
  /** Of the span that stands for the call. */
  readonly spanId: string
  /** A new id for each span around and below it. */
  readonly nextId: () => string
  readonly service: string
  readonly provider: 'hosted' | 'engine'
  readonly model: string
  readonly maxTokens: number
  readonly startMs: number
  readonly endMs: number
  /** Status of the last attempt where no attempt was served. */
  readonly failedStatus?: number | undefined
  /** First output that the client got. */
  readonly firstMs?: number | undefined
  /** Mean time between tokens after the first one that the client got. */
  readonly gapMs?: number | undefined
  /** Each chunk's arrival, where the dialect keeps them. */
  readonly chunksMs?: readonly number[] | undefined
  readonly usage?: Usage | undefined
  readonly tries?: readonly HttpTry[] | undefined
  readonly server?: ServerView | undefined
  readonly answerId: string
  readonly requestId?: string | undefined
  readonly fingerprint?: string | undefined
  readonly conversation?: string | undefined
  readonly tenant?: string | undefined
}

/** The spans of one call in a dialect. */
export type Emitter = (seen: Seen) => OtlpGroup[]

/** What stands around the outcomes of a run. */
export interface Scene {
  readonly epochMs: number
  readonly model: string
  readonly provider: 'hosted' | 'engine'
  readonly maxTokens: number
  /** Reasoning is sent; otherwise the first output that a client gets is the first visible one. */
  readonly streamsReasoning: boolean
  /** Headers come before the first token and say nothing of it. */
  readonly earlyHeaders: boolean
}

export interface Caller {
  readonly service: string
  readonly carry: Carry
  readonly conversation: string
  readonly tenant: string
}

/** Hexadecimal digits, so many, other ones each time. */
export type Hex = (digits: number) => string

/** Tokens that arrive together, as providers send them. */
const CHUNK_TOKENS = 4

export function seeCall(outcome: VirtualOutcome, caller: Caller, scene: Scene, hex: Hex): Seen {
  const { epochMs, model, provider, maxTokens } = scene
  const { carry, service, conversation, tenant } = caller
  const startMs = epochMs + outcome.arrivalMs
  const endMs = startMs + outcome.e2eMs
  const isFull = carry === 'full'
  const served = outcome.outcome === 'ok'
  const first = firstOutputMs(outcome, scene)
  const traceId = hex(32)
  const spanId = hex(16)
  return {
    traceId,
    spanId,
    nextId: () => hex(16),
    service,
    provider,
    model,
    maxTokens,
    startMs,
    endMs,
    answerId: hex(24),
    failedStatus: served ? undefined : outcome.attempts.at(-1)?.status,
    ...(first !== undefined &&
      (isFull || carry === 'ttft') && {
        firstMs: startMs + first,
        gapMs: isFull ? meanGapMs(outcome, first, scene) : undefined,
      }),
    ...(isFull && { chunksMs: chunksOf(outcome, scene)?.map((ms) => startMs + ms) }),
    ...(served && carry !== 'duration' && { usage: usageOf(outcome, isFull) }),
    ...(isFull && {
      tries: outcome.attempts.map((attempt) => tryOf(attempt, outcome, scene, hex)),
      server: served ? serverOf(outcome, epochMs) : undefined,
      requestId: `req_${hex(24)}`,
      fingerprint: served ? outcome.fingerprint : undefined,
      conversation,
      tenant,
    }),
  }
}

/** First output that the client gets, ms after the arrival; undefined where all is hidden reasoning. */
export function firstOutputMs(outcome: VirtualOutcome, { streamsReasoning }: Scene): number | undefined {
  if (outcome.outcome === 'failed') return undefined
  return streamsReasoning ? outcome.ttftMs : outcome.ttfvtMs
}

function meanGapMs(outcome: VirtualOutcome, firstMs: number, scene: Scene): number | undefined {
  const shown = outcome.outputTokens - (scene.streamsReasoning ? 0 : outcome.reasoningTokens)
  return shown > 1 ? (outcome.e2eMs - firstMs) / (shown - 1) : undefined
}

function usageOf(outcome: VirtualOutcome, isFull: boolean): Usage {
  const { promptTokens, outputTokens, cachedTokens, reasoningTokens } = outcome
  return {
    promptTokens,
    outputTokens,
    ...(reasoningTokens > 0 && { reasoningTokens }),
    ...(isFull && { cachedTokens }),
  }
}

function chunksOf(outcome: VirtualOutcome, { streamsReasoning }: Scene): number[] | undefined {
  const { tokenMs, reasoningTokens } = outcome
  if (!tokenMs) return undefined
  const chunks: number[] = []
  for (let i = streamsReasoning ? 0 : reasoningTokens; i < tokenMs.length; i += CHUNK_TOKENS)
    chunks.push(tokenMs[i]!)
  return chunks
}

/** Headers of OpenAI's API, and of the proxies before it. */
function tryOf(attempt: Attempt, outcome: VirtualOutcome, scene: Scene, hex: Hex): HttpTry {
  const { status, retryAfterMs } = attempt
  return {
    startMs: scene.epochMs + attempt.startMs,
    endMs: scene.epochMs + attempt.endMs,
    status,
    headers: {
      'x-request-id': `req_${hex(24)}`,
      ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
      ...(status === 200 && servedHeaders(outcome, scene, hex)),
    },
  }
}

function servedHeaders(outcome: VirtualOutcome, scene: Scene, hex: Hex): Record<string, string> {
  const { region, replica } = outcome
  const where = { 'cf-ray': `${hex(16)}-${colo(region)}`, 'x-served-by': hostName(region, replica) }
  const heldMs = headersMs(outcome, scene)
  if (heldMs === undefined) return where
  return {
    ...where,
    'openai-processing-ms': String(Math.max(0, Math.round(heldMs - outcome.phases.gateway))),
    'x-envoy-upstream-service-time': String(Math.round(heldMs)),
  }
}

/** How long the provider held the request before it sent headers; undefined where they come before any output. */
function headersMs(outcome: VirtualOutcome, scene: Scene): number | undefined {
  const first = firstOutputMs(outcome, scene)
  if (first === undefined || scene.earlyHeaders) return undefined
  const { retry, network } = outcome.phases
  const { unreadMs } = outcome
  return first - retry - network - (scene.streamsReasoning ? unreadMs.first : unreadMs.visible)
}

/** As airport codes stand in Cloudflare's rays. */
function colo(region: string): string {
  return region.slice(0, 3).toUpperCase()
}

function hostName(region: string, replica: number): string {
  return `${region}-${replica}`
}

function serverOf(outcome: VirtualOutcome, epochMs: number): ServerView {
  const { phases, ttftMs, e2eMs, unreadMs, region, replica, arrivalMs } = outcome
  const arrivedMs = epochMs + arrivalMs + phases.retry + phases.network / 2
  const heldMs = e2eMs - phases.retry - phases.network - phases.client
  const firstMs = ttftMs - phases.retry - phases.network - unreadMs.first
  return {
    arrivalMs: arrivedMs,
    endMs: arrivedMs + heldMs,
    queueMs: phases.queue,
    ttftMs: firstMs,
    prefillMs: Math.max(0, firstMs - phases.gateway - phases.queue),
    decodeMs: heldMs - firstMs,
    region,
    instance: hostName(region, replica),
  }
}
