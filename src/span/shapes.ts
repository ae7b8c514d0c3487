/** Tells by its shape what a parsed JSON value is, and reads it: documents, rows and single spans of many stores. */
import type { Draft } from './draft.js'
import { readJaegerTrace } from './jaeger.js'
import { isObject, listOf } from './json-value.js'
import type { JsonObject } from './json-value.js'
import { readOtlpLogs } from './otlp-logs.js'
import { readOtlpJson, readResourceSpans, readScopeSpans } from './otlp-json.js'
import type { SpanSink } from './otlp-json.js'
import { readClickHouseRow, readRecord, readSdkSpan } from './records.js'
import { readZipkinSpan } from './zipkin.js'

/** Documents within lists within documents. */
const MAX_DEPTH = 6

export function readShape(value: unknown, draft: Draft, sink: SpanSink, depth = 0): void {
  if (depth > MAX_DEPTH) return sink.fault('lists within lists')
  if (Array.isArray(value)) {
    for (const element of value) readShape(element, draft, sink, depth + 1)
    return
  }
  if (!isObject(value)) return sink.fault('a value that is no object')
  const reader = readerOf(value)
  if (reader !== undefined) return reader(value, draft, sink)
  const { data, trace } = value
  if (isObject(trace)) return readShape(trace, draft, sink, depth + 1)
  if (Array.isArray(data)) return readShape(data, draft, sink, depth + 1)
  const groups = Object.values(value)
  // A dictionary of lists: spans by operation, by trace.
  if (groups.length > 0 && groups.every((group) => Array.isArray(group) && group.every(isObject)))
    return readShape(groups, draft, sink, depth + 1)
  readRecord(value, draft, sink)
}

type Reader = (value: JsonObject, draft: Draft, sink: SpanSink) => void

function readerOf(value: JsonObject): Reader | undefined {
  if (has(value, 'resourceSpans') || has(value, 'resource_spans') || has(value, 'batches'))
    return readOtlpJson
  if (has(value, 'resourceLogs') || has(value, 'resource_logs')) return readOtlpLogs
  if (has(value, 'resourceMetrics') || has(value, 'resource_metrics')) return () => undefined // of a mixed file
  if (
    has(value, 'scopeSpans') ||
    has(value, 'scope_spans') ||
    has(value, 'instrumentationLibrarySpans') ||
    has(value, 'instrumentation_library_spans')
  )
    return readResourceSpans
  if (Array.isArray(value['spans'])) {
    const isJaeger =
      has(value, 'processes') || has(value, 'traceID') || has(first(value['spans']), 'operationName')
    return isJaeger ? readJaegerTrace : readScopeSpans
  }
  if (has(value, 'startTimeUnixNano') || has(value, 'start_time_unix_nano')) return bareSpan
  if (has(value, 'SpanAttributes') || (has(value, 'TraceId') && has(value, 'SpanName')))
    return readClickHouseRow
  if (isObject(value['spanContext']) || (isObject(value['attributes']) && isSdkTimed(value)))
    return readSdkSpan
  if (has(value, 'operationName') && has(value, 'spanID'))
    return (span, draft, sink) => readJaegerTrace({ spans: [span] }, draft, sink)
  if (isZipkin(value)) return readZipkinSpan
  return undefined
}

/** A span without its envelope: resource and scope are not known. */
function bareSpan(value: JsonObject, draft: Draft, sink: SpanSink): void {
  readScopeSpans({ scope: value['scope'] ?? value['instrumentationScope'], spans: [value] }, draft, sink)
}

function isSdkTimed(value: JsonObject): boolean {
  return (
    Array.isArray(value['startTime']) || (typeof value['timestamp'] === 'number' && has(value, 'duration'))
  )
}

function isZipkin(value: JsonObject): boolean {
  if (typeof value['traceId'] !== 'string' || typeof value['id'] !== 'string') return false
  return typeof value['timestamp'] === 'number' && (has(value, 'localEndpoint') || has(value, 'tags'))
}

function has(value: unknown, key: string): boolean {
  return isObject(value) && value[key] !== undefined
}

function first(list: unknown): unknown {
  return listOf(list)[0]
}
