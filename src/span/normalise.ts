/** From a draft to a span: one time base, one count of tokens, one name for a provider; what is left in doubt is said. */
import { attemptScoped } from './dialects.js'
import { dialectOfDraft } from './draft.js'
import type { Draft } from './draft.js'
import { gapsOf } from './gaps.js'
import {
  cite,
  derivedSource,
  doubt,
  note,
  peekFlag,
  peekNumber,
  peekText,
  sourceAs,
  sourceOf,
  takeNumber,
  takeText,
  textIn,
} from './pick.js'
import type { Picker } from './pick.js'
import { providerOf, providerOfHost, regionOfHost } from './providers.js'
import { roleOf } from './role.js'
import type { Role } from './role.js'
import { slotIndex as at } from './rules.js'
import type { SourceTable } from './sources.js'
import type { Doubt, Gaps, Span, TtftScope } from './span.js'
import { readUsage } from './usage.js'

/** A span in its trace, before calls are told from what stands around and below them. */
export interface Piece {
  role: Role
  traceId: string
  spanId: string
  parentId: string
  /** Made by a probe or a crawler (`user_agent.synthetic.type`): no user waited for it. */
  isSynthetic: boolean
  /** Absent for `other`, which keeps its place between parents and children. */
  span: Span | undefined
}

/** OpenTelemetry's values of `user_agent.synthetic.type`. */
const SYNTHETIC: ReadonlySet<unknown> = new Set(['test', 'bot'])

const NO_DOUBTS: readonly Doubt[] = Object.freeze([])

const from = {
  times: derivedSource('durationMs', 'end - start'),
  service: derivedSource('service', 'resource service.name'),
  providerHost: derivedSource('provider', 'server.address'),
  regionHost: derivedSource('region', 'server.address'),
  regionResource: derivedSource('region', 'resource cloud.region'),
  replicaResource: derivedSource('replica', 'resource service.instance.id'),
  serverDuration: derivedSource('serverMs', 'duration of the server span'),
  errorStatus: derivedSource('error', 'span status'),
  errorHttp: derivedSource('error', 'HTTP status'),
  streamName: derivedSource('streaming', 'span name'),
  streamChunks: derivedSource('streaming', 'chunk events'),
  gaps: derivedSource('gaps', 'chunk events'),
  attempt: derivedSource('ttftScope', 'dialect'),
}

/** '' where none is told. */
export function traceIdOf(draft: Draft): string {
  return draft.traceId === '' ? (textIn(draft, at.traceId) ?? '') : draft.traceId
}

/** One for a stream of spans: it keeps the buffers between them. */
export function createNormaliser(table: SourceTable): (draft: Draft) => Piece {
  const sources: Picker['sources'] = []
  return (draft) => {
    const dialect = dialectOfDraft(draft)
    const { role, operation } = roleOf(draft, dialect)
    const picker: Picker = { draft, sources, cited: 0, doubts: undefined }
    const traceId = traceIdOf(draft)
    const spanId = draft.spanId || (peekText(picker, at.spanId) ?? '')
    const parentId = draft.parentId || (peekText(picker, at.parentId) ?? '')
    const isSynthetic = SYNTHETIC.has(draft.values[at.synthetic])
    if (role === 'other') return { role, traceId, spanId, parentId, isSynthetic, span: undefined }

    const isServer = role === 'server'
    const { startedAtMs, durationMs } = readTimes(picker, dialect)
    const streaming = readStreaming(picker)
    const httpStatus = takeNumber(picker, at.httpStatus)
    const error = readError(picker, httpStatus)
    const usage = readUsage(picker, dialect, streaming, error !== undefined)
    const ttft = readTtft(picker, startedAtMs, durationMs, dialect)
    if (ttft !== undefined && streaming !== false && isBuffered(ttft.ms, durationMs, usage.outputTokens))
      doubt(picker, 'buffered')
    const serverAddress = takeText(picker, at.serverAddress)
    const span: Span = {
      traceId,
      spanId,
      parentId: parentId === '' ? undefined : parentId,
      operation,
      dialect,
      startedAtMs,
      durationMs,
      service: readService(picker),
      provider: readProvider(picker, serverAddress),
      modelRequested: takeText(picker, at.modelRequested),
      modelServed: takeText(picker, at.modelServed),
      streaming,
      ttftMs: ttft?.ms,
      ttftScope: ttft?.scope,
      ttfvtMs: takeNumber(picker, at.ttfvtMs),
      gaps: readGaps(picker),
      serverTtftMs: takeNumber(picker, at.serverTtftMs),
      queueMs: takeNumber(picker, at.queueMs),
      prefillMs: takeNumber(picker, at.prefillMs),
      decodeMs: takeNumber(picker, at.decodeMs),
      loadMs: takeNumber(picker, at.loadMs),
      serverMs: readServerMs(picker, isServer, durationMs),
      inputTokens: usage.inputTokens,
      cacheReadTokens: usage.cacheReadTokens,
      cacheWriteTokens: usage.cacheWriteTokens,
      outputTokens: usage.outputTokens,
      reasoningTokens: usage.reasoningTokens,
      maxOutputTokens: takeNumber(picker, at.maxOutputTokens),
      attempts: readAttempts(picker),
      tries: undefined,
      retryMs: undefined,
      httpStatus,
      error,
      finishReason: takeText(picker, at.finishReason),
      serviceTier: takeText(picker, at.serviceTier),
      backend: takeText(picker, at.backend),
      region: readRegion(picker, isServer, serverAddress),
      replica: readReplica(picker, isServer),
      serverAddress,
      requestId: takeText(picker, at.requestId),
      conversationId: takeText(picker, at.conversationId),
      compacted: readCompacted(picker),
      tenant: takeText(picker, at.tenant),
      effort: takeText(picker, at.effort),
      remainingRequests: takeNumber(picker, at.remainingRequests),
      remainingTokens: takeNumber(picker, at.remainingTokens),
      clientPauseMs: takeNumber(picker, at.clientPauseMs),
      doubts: picker.doubts ?? NO_DOUBTS,
      from: table.share(sources, picker.cited),
    }
    return { role, traceId, spanId, parentId, isSynthetic, span }
  }
}

/** The span's own times win over a duration that stands in an attribute. */
function readTimes(picker: Picker, dialect: string): { startedAtMs: number; durationMs: number } {
  const { draft } = picker
  const isTimed = draft.startMs === draft.startMs // NaN: not given
  const startMs = isTimed ? draft.startMs : (peekNumber(picker, at.startTime) ?? NaN)
  const endMs = draft.endMs === draft.endMs ? draft.endMs : (peekNumber(picker, at.endTime) ?? NaN)
  const durationMs = endMs - startMs
  if (durationMs > 0) {
    cite(picker, from.times)
    return { startedAtMs: startMs, durationMs }
  }
  if (durationMs < 0) doubt(picker, 'clock-skew')
  const toldMs = takeNumber(picker, at.durationMs)
  if (toldMs === undefined && durationMs !== 0) doubt(picker, 'no-duration')
  const lengthMs = toldMs ?? 0
  // Some date a call when it has ended.
  const isDatedAtEnd = !isTimed && endDated.has(dialect)
  const startedAtMs = startMs > 0 ? startMs - (isDatedAtEnd ? lengthMs : 0) : endMs > 0 ? endMs - lengthMs : 0
  return { startedAtMs, durationMs: lengthMs }
}
const endDated: ReadonlySet<string> = new Set(['posthog', 'claude-code', 'codex'])

function readStreaming(picker: Picker): boolean | undefined {
  const told = peekFlag(picker, at.streaming)
  if (told !== undefined) {
    note(picker, at.streaming)
    return told
  }
  if (picker.draft.name.endsWith('.doStream')) cite(picker, from.streamName)
  else if (picker.draft.chunks.length > 0) cite(picker, from.streamChunks)
  else return undefined
  return true
}

/** As stores write that there was none. */
const NO_ERROR: ReadonlySet<string> = new Set([
  'false',
  '0',
  'null',
  'None',
  'none',
  'undefined',
  '{}',
  '[]',
  'OK',
])

/** A word without spaces is a type; anything else may be a message, and messages quote prompts. */
const ERROR_TYPE = /^[\w.:/-]{1,64}$/

function readError(picker: Picker, httpStatus: number | undefined): string | undefined {
  const word = peekText(picker, at.error)
  if (word !== undefined && !NO_ERROR.has(word)) {
    note(picker, at.error)
    return ERROR_TYPE.test(word) && word !== 'true' ? word : 'error'
  }
  if (httpStatus !== undefined && httpStatus >= 400) {
    cite(picker, from.errorHttp)
    return String(httpStatus)
  }
  if (picker.draft.isError || peekFlag(picker, at.isSuccess) === false) {
    cite(picker, from.errorStatus)
    return 'error'
  }
  return undefined
}

/** A clock that is read in whole milliseconds may see the first output up to one behind the end. */
const CLOCK_STEP_MS = 1.5

function readTtft(
  picker: Picker,
  startedAtMs: number,
  durationMs: number,
  dialect: string,
): { ms: number; scope: TtftScope } | undefined {
  let ms = peekNumber(picker, at.ttftMs)
  let source = sourceOf(picker, at.ttftMs)
  if (ms === undefined && startedAtMs > 0) {
    const firstMs = peekNumber(picker, at.firstTime)
    const chunkMs = picker.draft.chunks[0]
    if (firstMs !== undefined) {
      ms = firstMs - startedAtMs
      source = sourceAs('ttftMs', sourceOf(picker, at.firstTime)?.text ?? '')
    } else if (chunkMs !== undefined) {
      ms = chunkMs - startedAtMs
      source = sourceAs('ttftMs', `event ${picker.draft.chunkName}`)
    }
  }
  if (ms === undefined || source === undefined) return undefined
  if (ms < 0 || (durationMs > 0 && ms > durationMs + CLOCK_STEP_MS)) {
    doubt(picker, 'ttft-out-of-range')
    return undefined
  }
  cite(picker, source)
  cite(picker, from.attempt)
  const isAttempt = picker.draft.rules.own.get(dialect)?.isAttemptTtft ?? attemptScoped.has(dialect)
  const scope = isAttempt ? 'attempt' : 'call'
  return { ms: durationMs > 0 ? Math.min(ms, durationMs) : ms, scope }
}

/** Below so many tokens an answer may come in one piece. */
const LEAST_BUFFERED = 20
const LATE = 0.95
/** Hardly a model writes faster: what follows a long wait at its own pace was not held back. */
const FASTEST_TOKEN_MS = 1

/** A long answer whose first output comes with its last was held back on the way. */
function isBuffered(ttftMs: number, durationMs: number, outputTokens = 0): boolean {
  const restMs = durationMs - ttftMs
  return (
    durationMs > 0 &&
    outputTokens > LEAST_BUFFERED &&
    ttftMs >= LATE * durationMs &&
    restMs < outputTokens * FASTEST_TOKEN_MS
  )
}

/** Some count from 0. */
function readAttempts(picker: Picker): number | undefined {
  const told = takeNumber(picker, at.attempts)
  return told === undefined ? undefined : Math.max(1, told)
}

function readGaps(picker: Picker): Gaps | undefined {
  const gaps = gapsOf(picker.draft.chunks)
  if (gaps !== undefined) {
    cite(picker, from.gaps)
    return gaps
  }
  const meanMs = takeNumber(picker, at.gaps)
  return meanMs === undefined ? undefined : { meanMs }
}

function readService(picker: Picker): string | undefined {
  const { service } = picker.draft.resource
  if (service === undefined) return takeText(picker, at.service)
  cite(picker, from.service)
  return service
}

function readProvider(picker: Picker, serverAddress: string | undefined): string | undefined {
  const word = peekText(picker, at.provider)
  const named = word === undefined ? undefined : providerOf(word)
  if (named !== undefined) {
    note(picker, at.provider)
    return named
  }
  const ofHost = serverAddress === undefined ? undefined : providerOfHost(serverAddress)
  if (ofHost !== undefined) cite(picker, from.providerHost)
  return ofHost
}

function readServerMs(picker: Picker, isServer: boolean, durationMs: number): number | undefined {
  const told = takeNumber(picker, at.serverMs)
  if (told !== undefined || !isServer || durationMs === 0) return told
  cite(picker, from.serverDuration)
  return durationMs
}

function readRegion(
  picker: Picker,
  isServer: boolean,
  serverAddress: string | undefined,
): string | undefined {
  const told = takeText(picker, at.region)
  if (told !== undefined) return told
  const { region } = picker.draft.resource
  if (isServer && region !== undefined) {
    cite(picker, from.regionResource)
    return region
  }
  const ofHost = serverAddress === undefined ? undefined : regionOfHost(serverAddress)
  if (ofHost !== undefined) cite(picker, from.regionHost)
  return ofHost
}

function readReplica(picker: Picker, isServer: boolean): string | undefined {
  const told = takeText(picker, at.replica)
  const { replica } = picker.draft.resource
  if (told !== undefined || !isServer || replica === undefined) return told
  cite(picker, from.replicaResource)
  return replica
}

function readCompacted(picker: Picker): boolean | undefined {
  const compacted = peekFlag(picker, at.compacted)
  if (compacted !== undefined) note(picker, at.compacted)
  return compacted
}
