/** Writes OTLP/JSON: plain data to an ExportTraceServiceRequest, one request a line. */

export type OtlpValue = string | number | boolean | readonly string[] | readonly number[]

/** Undefined values are left out. */
export type OtlpAttributes = Readonly<Record<string, OtlpValue | undefined>>

export interface OtlpEvent {
  name: string
  /** Milliseconds since 1970. */
  atMs: number
  attributes?: OtlpAttributes | undefined
}

export interface OtlpLink {
  traceId: string
  spanId: string
  attributes?: OtlpAttributes | undefined
}

export type OtlpKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export interface OtlpSpan {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits. */
  spanId: string
  parentSpanId?: string | undefined
  name: string
  kind: OtlpKind
  /** Milliseconds since 1970; fractions are kept to the nanosecond as far as a double carries them (0.2 µs). */
  startMs: number
  endMs: number
  attributes: OtlpAttributes
  events?: readonly OtlpEvent[] | undefined
  links?: readonly OtlpLink[] | undefined
  /** Absent: unset. */
  status?: { code: 'ok' | 'error'; message?: string | undefined } | undefined
}

export interface OtlpGroup {
  /** `service.name` and what else describes the process. */
  resource: OtlpAttributes
  scope: { name: string; version?: string | undefined }
  spans: readonly OtlpSpan[]
}

/** SpanKind and Status.code of opentelemetry-proto, trace/v1/trace.proto. */
const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const
const STATUS = { ok: 1, error: 2 } as const

/** One line without its end. A request without spans is valid and says nothing. */
export function otlpLine(groups: readonly OtlpGroup[]): string {
  return JSON.stringify(otlpRequest(groups))
}

/** The ExportTraceServiceRequest as plain data, in the names of its JSON encoding. */
export function otlpRequest(groups: readonly OtlpGroup[]): object {
  return {
    resourceSpans: groups.map(({ resource, scope, spans }) => ({
      resource: { attributes: attributesOf(resource) },
      scopeSpans: [{ scope, spans: spans.map(spanOf) }],
    })),
  }
}

function spanOf(span: OtlpSpan): object {
  const { traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes, events, links, status } =
    span
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributesOf(attributes),
    ...(events !== undefined && {
      events: events.map((event) => ({
        timeUnixNano: nanoseconds(event.atMs),
        name: event.name,
        attributes: attributesOf(event.attributes ?? {}),
      })),
    }),
    ...(links !== undefined && {
      links: links.map((link) => ({
        traceId: link.traceId,
        spanId: link.spanId,
        attributes: attributesOf(link.attributes ?? {}),
      })),
    }),
    status: status === undefined ? {} : { code: STATUS[status.code], message: status.message },
  }
}

/** 64-bit integers are strings in proto3's JSON. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms)
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)))
}

function attributesOf(attributes: OtlpAttributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: valueOf(value) }],
  )
}

function valueOf(value: OtlpValue): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  }
  return { arrayValue: { values: value.map(valueOf) } }
}
