/** Reads spans that stand alone: what OpenTelemetry's SDKs print, rows of stores, an application's own records. */
import { noResource, offerEvent, offerMembers, setScope, startSpan } from './draft.js'
import type { Draft, Kind } from './draft.js'
import { isObject, listOf, textOf } from './json-value.js'
import type { JsonObject } from './json-value.js'
import { resourceFrom } from './otlp-json.js'
import type { SpanSink } from './otlp-json.js'
import { readTime } from './scalar.js'

const KINDS: Readonly<Record<string, Kind>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }

/** A ReadableSpan of the JavaScript SDK, dumped or printed by its console exporter. */
export function readSdkSpan(span: JsonObject, draft: Draft, sink: SpanSink): void {
  startSpan(draft)
  const context = isObject(span['spanContext']) ? span['spanContext'] : {}
  const parent = isObject(span['parentSpanContext']) ? span['parentSpanContext'] : {}
  draft.traceId = textOf(context['traceId'] ?? span['traceId']) ?? ''
  draft.spanId = textOf(context['spanId'] ?? span['id'] ?? span['spanId']) ?? ''
  draft.parentId = textOf(parent['spanId'] ?? span['parentSpanId'] ?? span['parentId']) ?? ''
  draft.name = textOf(span['name']) ?? ''
  draft.kind = sdkKind(span['kind'])
  draft.isError = isObject(span['status']) && span['status']['code'] === 2
  const scope = span['instrumentationScope'] ?? span['instrumentationLibrary']
  setScope(draft, isObject(scope) ? (textOf(scope['name']) ?? '') : '')
  draft.resource = resourceOf(span['resource'])
  const { startTime, timestamp } = span
  draft.startMs = startTime === undefined ? Number(timestamp) / 1000 : hrTime(startTime)
  const lengthUs = span['duration']
  draft.endMs = typeof lengthUs === 'number' ? draft.startMs + lengthUs / 1000 : hrTime(span['endTime'])
  offerMembers(draft, '', span['attributes'], 1)
  for (const event of listOf(span['events'])) {
    if (isObject(event)) offerEvent(draft, textOf(event['name']) ?? '', hrTime(event['time']))
  }
  sink.span()
}

/** The API of JavaScript counts from 0, internal; the protocol from 1. */
function sdkKind(value: unknown): Kind {
  const kinds: readonly Kind[] = [1, 2, 3, 4, 5]
  return typeof value === 'number' ? (kinds[value] ?? 0) : 0
}

/** `[seconds, nanoseconds]`, or a moment in another notation. */
function hrTime(value: unknown): number {
  if (Array.isArray(value)) return Number(value[0]) * 1000 + Number(value[1]) / 1e6
  return typeof value === 'string' || typeof value === 'number' ? readTime(value) : NaN
}

function resourceOf(value: unknown): Draft['resource'] {
  const attributes = isObject(value) && isObject(value['attributes']) ? value['attributes'] : {}
  return resourceFrom((key) => textOf(attributes[key]))
}

/** A row of the Collector's ClickHouse exporter, as `FORMAT JSONEachRow` prints it. */
export function readClickHouseRow(row: JsonObject, draft: Draft, sink: SpanSink): void {
  startSpan(draft)
  draft.traceId = textOf(row['TraceId']) ?? ''
  draft.spanId = textOf(row['SpanId']) ?? ''
  if (draft.traceId === '' || draft.spanId === '') return sink.fault('a row without TraceId and SpanId')
  draft.parentId = textOf(row['ParentSpanId']) ?? ''
  draft.name = textOf(row['SpanName']) ?? ''
  draft.kind = KINDS[(textOf(row['SpanKind']) ?? '').toLowerCase().replace('span_kind_', '')] ?? 0
  draft.isError = /error/i.test(textOf(row['StatusCode']) ?? '')
  setScope(draft, textOf(row['ScopeName']) ?? '')
  const resource = isObject(row['ResourceAttributes']) ? row['ResourceAttributes'] : {}
  const service = textOf(row['ServiceName'])
  draft.resource = resourceFrom((key) =>
    key === 'service.name' ? service || undefined : textOf(resource[key]) || undefined,
  )
  const { Timestamp } = row
  draft.startMs = typeof Timestamp === 'string' || typeof Timestamp === 'number' ? readTime(Timestamp) : NaN
  if (draft.startMs !== draft.startMs) return sink.fault('a row without Timestamp')
  draft.endMs = draft.startMs + Number(row['Duration']) / 1e6
  offerMembers(draft, '', row['SpanAttributes'], 1)
  const times = listOf(row['Events.Timestamp'])
  listOf(row['Events.Name']).forEach((name, index) => {
    const time = times[index]
    if (typeof name === 'string' && typeof time === 'string') offerEvent(draft, name, readTime(time))
  })
  sink.span()
}

/** A record of an application's own, or a store's export of one: its members are the attributes. */
export function readRecord(record: JsonObject, draft: Draft, sink: SpanSink): void {
  startSpan(draft)
  setScope(draft, '')
  draft.resource = noResource
  draft.name = textOf(record['name']) ?? ''
  offerMembers(draft, '', record, 3)
  const { metadata, attributes, properties } = record
  offerMembers(draft, '', attributes, 1)
  offerMembers(draft, '', properties, 1) // PostHog's export
  if (isObject(metadata)) {
    offerMembers(draft, '', metadata['attributes'], 1) // Langfuse keeps the attributes of spans here
    if (isObject(metadata['scope'])) setScope(draft, textOf(metadata['scope']['name']) ?? '')
  }
  // Langfuse counts in its own way whatever instrumentation wrote the span.
  if (isObject(record['usageDetails'])) draft.scopeDialect = 'langfuse'
  if (record['level'] === 'ERROR') draft.isError = true
  if (draft.chosen.every((rule) => rule === undefined)) return sink.fault('an object of no known shape')
  sink.span()
}
