/** One request, kept event by event: what people reach for first when a number looks odd. */
import type { Redactor } from '../border/redact.js'
import { createRedactor } from '../border/redact.js'
import type { Environment } from '../credentials/api-key.js'
import type { BlockSource, PlannedRequest } from '../plan/visit.js'
import type { StreamEvent } from '../protocol/protocol.js'
import { definitions } from '../sample/sample.js'
import type { Sample } from '../sample/sample.js'
import { readStream } from '../sample/stream.js'
import type { Scenario } from '../scenario/scenario.js'
import { sha256 } from '../snapshot/format.js'
import { readProvenance } from '../snapshot/provenance.js'
import { runId } from '../snapshot/store.js'
import type { Clock } from '../units/time.js'
import { nsToMs } from '../units/time.js'
import { authorize } from './access.js'
import { startSimulators } from './simulators.js'
import type { LiveTarget } from './live-target.js'
import { openTarget, toSnapshotTarget } from './live-target.js'
import type { RecordOption, Recorder } from './recorder.js'
import { openRecorder } from './recorder.js'
import type { MeasureOptions } from './measure.js'
import { createMeasure } from './measure.js'
import { noPrompts } from './own-prompts.js'
import { NO_PREFIX } from './prefix.js'
import { createPreparer } from './prepare.js'
import type { Refused } from './contract.js'
import { nothingSeen, sourcesOf } from './sources.js'
import { createRandom } from '../random/random.js'

export interface TracedEvent {
  /** Milliseconds from request start to the arrival of the chunk that completed the event. */
  atMs: number
  /** Which network chunk it came in, counted from 1. */
  chunk: number
  /** What it said; empty for an event without meaning to us (role only, ping). */
  says: readonly StreamEvent[]
}

export interface Trace {
  kind: 'trace'
  url: string
  sample: Sample
  events: TracedEvent[]
  chunks: number
}

export interface TraceOptions {
  clock: Clock
  env: Environment
  extraHeaders: Readonly<Record<string, string>>
  seed?: number | undefined
  record?: RecordOption | undefined
}

/** Cells come in random order; one request should be the same one each time. */
function shortest(next: ReturnType<BlockSource['next']> | undefined): PlannedRequest | undefined {
  if (next === undefined || 'done' in next) return undefined
  const requests = next.visits.flatMap((visit) => visit.chains.flat())
  return requests.sort((a, b) => a.condition.promptTokens - b.condition.promptTokens)[0]
}

/** Sends the shortest request of the plan's first block to the first target. */
export async function traceOnce(scenario: Scenario, options: TraceOptions): Promise<Trace | Refused> {
  const { clock } = options
  const target = scenario.targets[0]
  if (target === undefined) throw new Error('a scenario without a target')
  const started = await startSimulators([target])
  if (!started.ok) return { kind: 'refused', exit: 3, message: started.message }
  const baseUrl = started.simulators.urlOf(target.name) ?? target.baseUrl ?? ''
  const opened = await openTarget(target, baseUrl, { ...options, maxConnections: 1 })
  if (!opened.ok) return { kind: 'refused', exit: 2, message: opened.message }
  const { live, secrets } = opened
  try {
    const seed = options.seed ?? clock.utcMs()
    const plan = sourcesOf(scenario, { random: createRandom(seed), ...nothingSeen, ownRequests: [] })
    const planned = shortest(plan.sources[0]?.next())
    if (planned === undefined)
      return { kind: 'refused', exit: 2, message: `${scenario.name} asks for no request` }
    const preparer = createPreparer({
      seed,
      runId: `trace/${clock.utcMs()}`,
      targets: new Map([[target.name, live]]),
      ownMessages: noPrompts.messages,
    })
    const prepared = preparer.measure(planned, NO_PREFIX)
    if ('tooShort' in prepared) return { kind: 'refused', exit: 2, message: prepared.tooShort }
    const unauthorized = await authorize(prepared, clock.utcMs())
    if (unauthorized !== null) return { kind: 'refused', exit: 3, message: unauthorized }
    const redactor = createRedactor(secrets)
    const began = { runStartNs: clock.nowNs(), runStartUtcMs: clock.utcMs() }
    const recording = await recordingOf(scenario, live, seed, began, redactor, options)
    if (!recording.ok) return { kind: 'refused', exit: 2, message: recording.message }
    const intendedNs = clock.nowNs()
    const exchange = await live.transport.send(prepared.request, { connection: planned.condition.connection })
    const measure = createMeasure({ ...began, redact: redactor.text })
    const sent = { id: 's-000001', intendedNs, attempt: 1, heldBackMs: 0 }
    const sample = measure(exchange, prepared, sent)
    recording.recorder?.exchange(exchange, prepared, sent)
    recording.recorder?.close()
    const startNs = exchange.startNs ?? exchange.enqueuedNs
    const events = readStream(exchange, live.protocol).moments.map(({ atNs, chunk, events: says }) => ({
      atMs: nsToMs(atNs - startNs),
      chunk: chunk + 1,
      says: says.map((event) => redacted(event, redactor.text)),
    }))
    return { kind: 'trace', url: baseUrl, sample, events, chunks: exchange.chunkNs.length }
  } finally {
    await live.transport.close()
    await started.simulators.close()
  }
}

async function recordingOf(
  { name, file, text, targets }: Scenario,
  live: LiveTarget,
  seed: number,
  { runStartNs, runStartUtcMs }: Pick<MeasureOptions, 'runStartNs' | 'runStartUtcMs'>,
  redactor: Redactor,
  { record }: TraceOptions,
): Promise<{ ok: true; recorder: Recorder | null } | { ok: false; message: string }> {
  if (record === undefined) return { ok: true, recorder: null }
  const run = runId(runStartUtcMs)
  const header = {
    run,
    startedAt: new Date(runStartUtcMs).toISOString(),
    scenario: { name, file, hash: sha256(text), text },
    provenance: readProvenance({ seed, runId: run, definitions }),
    currency: targets[0]?.price?.currency ?? null,
    targets: [toSnapshotTarget(live)],
  }
  let problem: string | null = null
  const onProblem = (message: string): void => void (problem = message)
  const opened = await openRecorder(record, { header, part: 0, runStartNs, redactor, onProblem })
  return problem === null ? opened : { ok: false, message: problem }
}

/** A server may echo a key in anything that it says. */
function redacted(event: StreamEvent, redact: (text: string) => string): StreamEvent {
  switch (event.kind) {
    case 'output':
      return { ...event, text: redact(event.text) }
    case 'route':
      return {
        ...event,
        route: {
          ...redactedFields(event.route, redact),
          ...(event.route.raw && { raw: redactedFields(event.route.raw, redact) }),
        },
      }
    case 'timings':
      return {
        ...event,
        timings: { ...event.timings, raw: redactedFields(event.timings.raw, redact) },
      }
    case 'finish':
      return { ...event, reason: redact(event.reason) }
    case 'error':
      return { ...event, message: redact(event.message), type: event.type && redact(event.type) }
    case 'malformed':
      return { ...event, detail: redact(event.detail) }
    case 'usage':
    case 'hidden':
    case 'end':
      return event
    default:
      return event satisfies never
  }
}

function redactedFields<T extends object>(fields: T, redact: (text: string) => string): T {
  const clean = { ...fields }
  for (const key in clean) {
    const value = clean[key]
    if (typeof value === 'string') Object.assign(clean, { [key]: redact(value) })
  }
  return clean
}
