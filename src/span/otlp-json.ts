/** Reads OTLP's JSON, as the specification has it and as hand-rolled senders and stores write it. */
import { noResource, offerEvent, offerTo, setScope, startSpan } from './draft.js'
import type { Draft, Kind, Resource } from './draft.js'
import { isObject, listOf, textOf } from './json-value.js'
import type { JsonObject } from './json-value.js'
import { msOfNs, readTime } from './scalar.js'
import type { Scalar } from './scalar.js'

/** Called for each span that stands in the draft; `fault` names what makes one unreadable. */
export interface SpanSink {
  span(): void
  fault(kind: string): void
}

/** An ExportTraceServiceRequest or TracesData, Tempo's `batches`, or one of its ResourceSpans. */
export function readOtlpJson(request: JsonObject, draft: Draft, sink: SpanSink): void {
  const groups = request['resourceSpans'] ?? request['resource_spans'] ?? request['batches']
  for (const group of listOf(groups)) {
    if (isObject(group)) readResourceSpans(group, draft, sink)
    else sink.fault('resourceSpans that are no object')
  }
}

export function readResourceSpans(group: JsonObject, draft: Draft, sink: SpanSink): void {
  draft.resource = resourceOf(group['resource'])
  const scopes =
    group['scopeSpans'] ??
    group['scope_spans'] ??
    group['instrumentationLibrarySpans'] ??
    group['instrumentation_library_spans']
  for (const scope of listOf(scopes)) {
    if (isObject(scope)) readScopeSpans(scope, draft, sink)
    else sink.fault('scopeSpans that are no object')
  }
}

export function readScopeSpans(group: JsonObject, draft: Draft, sink: SpanSink): void {
  setScope(draft, scopeName(group))
  for (const span of listOf(group['spans'])) readOtlpSpan(span, draft, sink)
}

export function scopeName(group: JsonObject): string {
  const scope = group['scope'] ?? group['instrumentationLibrary'] ?? group['instrumentation_library']
  return isObject(scope) ? (textOf(scope['name']) ?? '') : ''
}

export function resourceOf(value: unknown): Resource {
  if (!isObject(value)) return noResource
  const found: Record<string, string> = {}
  for (const attribute of listOf(value['attributes'])) {
    if (!isObject(attribute)) continue
    const { key } = attribute
    if (typeof key !== 'string' || !RESOURCE_KEYS.has(key)) continue
    const read = anyValue(attribute['value'])
    if (read !== undefined) found[key] = String(read)
  }
  return resourceFrom((key) => found[key])
}

export const RESOURCE_KEYS: ReadonlySet<string> = new Set([
  'service.name',
  'cloud.region',
  'service.instance.id',
  'k8s.pod.name',
  'host.name',
])

export function resourceFrom(get: (key: string) => string | undefined): Resource {
  return {
    service: get('service.name'),
    region: get('cloud.region'),
    replica: get('service.instance.id') ?? get('k8s.pod.name') ?? get('host.name'),
  }
}

function readOtlpSpan(value: unknown, draft: Draft, sink: SpanSink): void {
  if (!isObject(value)) return sink.fault('a span that is no object')
  startSpan(draft)
  draft.traceId = idOf(value['traceId'] ?? value['trace_id'], 16)
  draft.spanId = idOf(value['spanId'] ?? value['span_id'], 8)
  if (draft.traceId === '' || draft.spanId === '')
    return sink.fault('a span without a valid trace and span id')
  draft.parentId = idOf(value['parentSpanId'] ?? value['parent_span_id'], 8)
  draft.name = textOf(value['name']) ?? ''
  draft.kind = kindOf(value['kind'])
  draft.startMs = timeOf(value['startTimeUnixNano'] ?? value['start_time_unix_nano'])
  draft.endMs = timeOf(value['endTimeUnixNano'] ?? value['end_time_unix_nano'])
  if (draft.startMs !== draft.startMs || draft.endMs !== draft.endMs)
    return sink.fault('a span without start and end')
  const status = value['status']
  if (isObject(status)) {
    const code = status['code']
    draft.isError = code === 2 || code === 'STATUS_CODE_ERROR'
  }
  readAttributes(value['attributes'], draft)
  const events = value['events']
  if (events !== undefined) readEvents(events, draft)
  sink.span()
}

function readAttributes(list: unknown, draft: Draft): void {
  if (!Array.isArray(list)) return
  for (let i = 0; i < list.length; i++) {
    const attribute: unknown = list[i]
    if (!isObject(attribute)) continue
    const { key } = attribute
    const entry = typeof key === 'string' ? draft.rules.get(key) : undefined
    if (entry === undefined) continue
    const value = anyValue(attribute['value'])
    if (value !== undefined) offerTo(draft, entry, value)
  }
}

function readEvents(list: unknown, draft: Draft): void {
  for (const event of listOf(list)) {
    if (!isObject(event)) continue
    const name = textOf(event['name'])
    if (name !== undefined) offerEvent(draft, name, timeOf(event['timeUnixNano'] ?? event['time_unix_nano']))
  }
}

/** Of a list its first; nested values have no reader. A sender that writes the bare value is understood. */
export function anyValue(value: unknown): Scalar | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (!isObject(value)) return undefined
  const scalar =
    value['stringValue'] ??
    value['intValue'] ??
    value['doubleValue'] ??
    value['boolValue'] ??
    value['string_value'] ??
    value['int_value'] ??
    value['double_value'] ??
    value['bool_value']
  if (typeof scalar === 'string' || typeof scalar === 'number' || typeof scalar === 'boolean') return scalar
  const list = value['arrayValue'] ?? value['array_value']
  if (!isObject(list)) return undefined
  const first: unknown = listOf(list['values'])[0]
  return first === undefined || (isObject(first) && ('arrayValue' in first || 'array_value' in first))
    ? undefined
    : anyValue(first)
}

function timeOf(value: unknown): number {
  if (typeof value === 'string') {
    // Seconds and nanoseconds apart: a number of 19 digits is read slowly, and not exactly.
    const ms = value.length === 19 ? Number(value.slice(0, 10)) * 1000 + Number(value.slice(10)) / 1e6 : NaN
    if (ms > 0) return Math.round(ms * 1000) / 1000
    const ns = Number(value)
    return ns > 0 ? msOfNs(ns) : readTime(value)
  }
  return typeof value === 'number' && value > 0 ? msOfNs(value) : NaN
}

const KINDS: Readonly<Record<string, Kind>> = {
  SPAN_KIND_INTERNAL: 1,
  SPAN_KIND_SERVER: 2,
  SPAN_KIND_CLIENT: 3,
  SPAN_KIND_PRODUCER: 4,
  SPAN_KIND_CONSUMER: 5,
}

function kindOf(value: unknown): Kind {
  if (value === 1 || value === 2 || value === 3 || value === 4 || value === 5) return value
  return typeof value === 'string' ? (KINDS[value] ?? 0) : 0
}

/** Lower-case hexadecimal of `bytes` bytes, from hexadecimal or base64; '' where it is neither, or all zeros. */
export function idOf(value: unknown, bytes: number): string {
  if (typeof value !== 'string' || value === '') return ''
  if (value.length === bytes * 2 && isPlainHex(value)) return value
  let id = value.toLowerCase()
  if (id.length > bytes * 2 || !/^[0-9a-f]*$/.test(id)) {
    const decoded = Buffer.from(value, 'base64')
    if (decoded.length !== bytes) return ''
    id = decoded.toString('hex')
  } else id = id.padStart(bytes * 2, '0') // Jaeger and Zipkin may leave out leading zeros
  return /^0*$/.test(id) ? '' : id
}

/** Small hexadecimal digits, not all of them 0. */
function isPlainHex(text: string): boolean {
  let isZero = true
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false
    if (code !== 0x30) isZero = false
  }
  return !isZero
}
