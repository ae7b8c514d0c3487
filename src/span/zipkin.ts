/** Reads spans in Zipkin's v2 JSON. */
import { noResource, offerEvent, offerMembers, setScope, startSpan } from './draft.js'
import type { Draft, Kind } from './draft.js'
import { isObject, listOf, textOf } from './json-value.js'
import type { JsonObject } from './json-value.js'
import { idOf } from './otlp-json.js'
import type { SpanSink } from './otlp-json.js'

const KINDS: Readonly<Record<string, Kind>> = { SERVER: 2, CLIENT: 3, PRODUCER: 4, CONSUMER: 5 }

/** Times are microseconds; every tag is a text. */
export function readZipkinSpan(span: JsonObject, draft: Draft, sink: SpanSink): void {
  startSpan(draft)
  const tags = isObject(span['tags']) ? span['tags'] : {}
  const endpoint = span['localEndpoint']
  draft.resource = {
    ...noResource,
    service: isObject(endpoint) ? textOf(endpoint['serviceName']) : undefined,
  }
  setScope(draft, textOf(tags['otel.scope.name']) ?? textOf(tags['otel.library.name']) ?? '')
  draft.traceId = idOf(span['traceId'], 16)
  draft.spanId = idOf(span['id'], 8)
  if (draft.traceId === '' || draft.spanId === '')
    return sink.fault('a span without a valid trace and span id')
  draft.parentId = idOf(span['parentId'], 8)
  draft.name = textOf(span['name']) ?? ''
  draft.kind = KINDS[textOf(span['kind']) ?? ''] ?? 0
  draft.isError = tags['otel.status_code'] === 'ERROR' || tags['error'] !== undefined
  const startUs = Number(span['timestamp'])
  if (!(startUs > 0)) return sink.fault('a span without a timestamp')
  draft.startMs = startUs / 1000
  draft.endMs = draft.startMs + (Number(span['duration']) || 0) / 1000
  offerMembers(draft, '', tags, 1)
  for (const annotation of listOf(span['annotations'])) {
    if (!isObject(annotation)) continue
    const name = textOf(annotation['value'])
    if (name !== undefined) offerEvent(draft, name, Number(annotation['timestamp']) / 1000)
  }
  sink.span()
}
