/** Reads traces as Jaeger's query service and its UI export them. */
import { offer, offerEvent, setScope, startSpan } from './draft.js'
import type { Draft, Kind, Resource } from './draft.js'
import { isObject, listOf, textOf } from './json-value.js'
import type { JsonObject } from './json-value.js'
import { anyValue, idOf, resourceFrom } from './otlp-json.js'
import type { SpanSink } from './otlp-json.js'

const KINDS: Readonly<Record<string, Kind>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }

/** `{ traceID, spans, processes }`; times are microseconds. */
export function readJaegerTrace(trace: JsonObject, draft: Draft, sink: SpanSink): void {
  const processes = isObject(trace['processes']) ? trace['processes'] : {}
  for (const span of listOf(trace['spans'])) {
    if (!isObject(span)) sink.fault('a span that is no object')
    else readSpan(span, processes, draft, sink)
  }
}

function readSpan(span: JsonObject, processes: JsonObject, draft: Draft, sink: SpanSink): void {
  startSpan(draft)
  const tags = tagsOf(span['tags'])
  const process = span['process'] ?? processes[textOf(span['processID']) ?? '']
  draft.resource = resourceOf(process)
  setScope(draft, text(tags, 'otel.scope.name') ?? text(tags, 'otel.library.name') ?? '')
  draft.traceId = idOf(span['traceID'], 16)
  draft.spanId = idOf(span['spanID'], 8)
  if (draft.traceId === '' || draft.spanId === '')
    return sink.fault('a span without a valid trace and span id')
  draft.parentId = idOf(span['parentSpanID'] ?? parentOf(span['references']), 8)
  draft.name = textOf(span['operationName']) ?? ''
  draft.kind = KINDS[text(tags, 'span.kind') ?? ''] ?? 0
  draft.isError = text(tags, 'otel.status_code') === 'ERROR' || tags.get('error') === true
  const startUs = Number(span['startTime'])
  const lengthUs = Number(span['duration'])
  if (!(startUs > 0) || !(lengthUs >= 0)) return sink.fault('a span without start and duration')
  draft.startMs = startUs / 1000
  draft.endMs = draft.startMs + lengthUs / 1000
  for (const [key, value] of tags) offer(draft, key, value)
  for (const log of listOf(span['logs'])) {
    if (!isObject(log)) continue
    const fields = tagsOf(log['fields'])
    const name = text(fields, 'event') ?? text(fields, 'name') ?? text(fields, 'message')
    if (name !== undefined) offerEvent(draft, name, Number(log['timestamp']) / 1000)
  }
  sink.span()
}

function tagsOf(list: unknown): Map<string, string | number | boolean> {
  const tags = new Map<string, string | number | boolean>()
  for (const tag of listOf(list)) {
    if (!isObject(tag) || typeof tag['key'] !== 'string') continue
    const value = anyValue(tag['value'])
    if (value !== undefined) tags.set(tag['key'], value)
  }
  return tags
}

function text(tags: ReadonlyMap<string, string | number | boolean>, key: string): string | undefined {
  const value = tags.get(key)
  return value === undefined ? undefined : String(value)
}

function resourceOf(process: unknown): Resource {
  const tags = tagsOf(isObject(process) ? process['tags'] : [])
  const service = isObject(process) ? textOf(process['serviceName']) : undefined
  return resourceFrom((key) => (key === 'service.name' ? service : text(tags, key)))
}

function parentOf(references: unknown): unknown {
  for (const reference of listOf(references)) {
    if (isObject(reference) && reference['refType'] === 'CHILD_OF') return reference['spanID']
  }
  return undefined
}
