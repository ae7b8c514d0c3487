/**
 * Reads OTLP's protobuf (opentelemetry-proto, trace/v1/trace.proto): of its messages the fields that spans are made
 * from. What nothing is read from is skipped as bytes, so that a prompt never becomes a string.
 */
import { createTexts, viewOf } from './byte-table.js'
import { noResource, offerEvent, offerTo, setScope, startSpan } from './draft.js'
import type { Draft, Kind, Resource } from './draft.js'
import { RESOURCE_KEYS, resourceFrom } from './otlp-json.js'
import type { SpanSink } from './otlp-json.js'
import {
  bytesTag,
  fixed64Tag,
  nextTag,
  readDouble,
  readId,
  readInt64,
  readTimeMs,
  readVarint,
  skipValue,
  valueEnd,
  varintTag,
} from './proto-cursor.js'
import type { Cursor } from './proto-cursor.js'
import type { KeyRules } from './rules.js'
import type { Scalar } from './scalar.js'

const request = { resourceSpans: bytesTag(1) }
// 1000: instrumentation_library_spans, before version 0.15.
const resourceSpans = { resource: bytesTag(1), scopeSpans: bytesTag(2), old: bytesTag(1000) }
const resource = { attribute: bytesTag(1) }
const scopeSpans = { scope: bytesTag(1), span: bytesTag(2) }
const scope = { name: bytesTag(1) }
const span = {
  traceId: bytesTag(1),
  spanId: bytesTag(2),
  parentId: bytesTag(4),
  name: bytesTag(5),
  kind: varintTag(6),
  start: fixed64Tag(7),
  end: fixed64Tag(8),
  attribute: bytesTag(9),
  event: bytesTag(11),
  status: bytesTag(15),
}
const event = { time: fixed64Tag(1), name: bytesTag(2) }
const status = { code: varintTag(3) }
const keyValue = { key: bytesTag(1), value: bytesTag(2) }
const any = {
  text: bytesTag(1),
  bool: varintTag(2),
  int: varintTag(3),
  double: fixed64Tag(4),
  list: bytesTag(5),
}
const list = { value: bytesTag(1) }

/** Of one stream of spans: it keeps the texts that it has seen. */
export interface ProtoReader {
  /** One ExportTraceServiceRequest. False where the bytes are none; spans before the fault have been read. */
  read(bytes: Uint8Array, draft: Draft, sink: SpanSink): boolean
}

export function createProtoReader(): ProtoReader {
  const nothing = Buffer.alloc(0)
  const cursor: Cursor = { bytes: nothing, view: viewOf(nothing), at: 0, isBroken: false }
  const texts = createTexts()

  function text(end: number): string {
    const stop = valueEnd(cursor, end)
    const start = cursor.at
    cursor.at = stop
    return texts(cursor, start, stop)
  }

  /** Reads the message of a length-delimited value and stands behind it then, whatever was read. */
  function inside(end: number, read: (stop: number) => void): void {
    const stop = valueEnd(cursor, end)
    read(stop)
    cursor.at = stop
  }

  /** Of a list its first; a list within a list is not gone into. */
  function anyValue(end: number, isInList: boolean): Scalar | undefined {
    let found: Scalar | undefined
    for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
      if (tag === any.text) found = text(end)
      else if (tag === any.int) found = readInt64(cursor, end)
      else if (tag === any.double) found = readDouble(cursor, end)
      else if (tag === any.bool) found = readVarint(cursor, end) !== 0
      else if (tag === any.list && !isInList) {
        const stop = valueEnd(cursor, end)
        found = nextTag(cursor, stop) === list.value ? anyValue(valueEnd(cursor, stop), true) : undefined
        cursor.at = stop
      } else skipValue(cursor, tag, end)
    }
    return found
  }

  /** A value that is one field and nothing else, as nearly all are. */
  function onlyValue(end: number): Scalar | undefined {
    const { bytes, view, at } = cursor
    const tag = bytes[at]
    if (tag === any.text) {
      if (at + 2 <= end && bytes[at + 1]! < 0x80 && end === at + 2 + bytes[at + 1]!)
        return texts(cursor, at + 2, end)
    } else if (tag === any.double) {
      if (at + 9 === end) return view.getFloat64(at + 1, true)
    } else if (tag === any.int || tag === any.bool) {
      if (at + 2 === end && bytes[at + 1]! < 0x80)
        return tag === any.int ? bytes[at + 1]! : bytes[at + 1] !== 0
      if (at + 3 === end && tag === any.int && bytes[at + 1]! >= 0x80 && bytes[at + 2]! < 0x80)
        return (bytes[at + 1]! & 0x7f) + bytes[at + 2]! * 128
    }
    return anyValue(end, false)
  }

  /** A key and a value that fill the attribute, as nearly all do. False: it is another one, and nothing was read. */
  function readPair(end: number, draft: Draft): boolean {
    const { bytes, at } = cursor
    if (end - at < 4 || bytes[at] !== keyValue.key || bytes[at + 1]! >= 0x80) return false
    const keyEnd = at + 2 + bytes[at + 1]!
    if (keyEnd + 3 > end || bytes[keyEnd] !== keyValue.value) return false
    let length = bytes[keyEnd + 1]!
    let start = keyEnd + 2
    if (length >= 0x80) {
      const high = bytes[start++]!
      if (high >= 0x80) return false
      length = (length & 0x7f) + high * 128
    }
    if (start + length !== end) return false
    const rules = draft.rules.find(cursor, at + 2, keyEnd)
    if (rules === undefined) return true // most attributes end here
    cursor.at = start
    const value = onlyValue(end)
    if (value !== undefined) offerTo(draft, rules, value)
    return true
  }

  function readAttribute(end: number, draft: Draft): void {
    if (readPair(end, draft)) return
    let rules: KeyRules | undefined
    for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
      const isKey = tag === keyValue.key
      if (!isKey && tag !== keyValue.value) {
        skipValue(cursor, tag, end)
        continue
      }
      const stop = valueEnd(cursor, end)
      if (isKey) {
        rules = draft.rules.find(cursor, cursor.at, stop)
        if (rules === undefined) return
      } else if (rules !== undefined) take(draft, rules, stop)
      cursor.at = stop
    }
  }

  function take(draft: Draft, entry: KeyRules, end: number): void {
    const value = anyValue(end, false)
    if (value !== undefined) offerTo(draft, entry, value)
  }

  function readEvent(end: number, draft: Draft): void {
    let atMs = NaN
    let name = ''
    for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
      if (tag === event.time) atMs = readTimeMs(cursor, end)
      else if (tag === event.name) name = text(end)
      else skipValue(cursor, tag, end)
    }
    offerEvent(draft, name, atMs)
  }

  function readStatus(end: number, draft: Draft): void {
    for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
      if (tag === status.code) draft.isError = readVarint(cursor, end) === 2
      else skipValue(cursor, tag, end)
    }
  }

  function readSpan(end: number, draft: Draft, sink: SpanSink): void {
    startSpan(draft)
    for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
      if (tag === span.attribute) {
        const stop = valueEnd(cursor, end)
        readAttribute(stop, draft)
        cursor.at = stop
      } else if (tag === span.traceId) draft.traceId = readId(cursor, end, 16)
      else if (tag === span.spanId) draft.spanId = readId(cursor, end, 8)
      else if (tag === span.parentId) draft.parentId = readId(cursor, end, 8)
      else if (tag === span.name) draft.name = text(end)
      else if (tag === span.kind) draft.kind = kindOf(readVarint(cursor, end))
      else if (tag === span.start) draft.startMs = readTimeMs(cursor, end)
      else if (tag === span.end) draft.endMs = readTimeMs(cursor, end)
      else if (tag === span.event) inside(end, (stop) => readEvent(stop, draft))
      else if (tag === span.status) inside(end, (stop) => readStatus(stop, draft))
      else skipValue(cursor, tag, end)
    }
    if (cursor.isBroken) return
    if (draft.traceId === '' || draft.spanId === '') sink.fault('a span without a valid trace and span id')
    else if (draft.startMs !== draft.startMs || draft.endMs !== draft.endMs)
      sink.fault('a span without start and end')
    else sink.span()
  }

  function readResource(end: number): Resource {
    const found = new Map<string, string>()
    for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
      if (tag !== resource.attribute) {
        skipValue(cursor, tag, end)
        continue
      }
      inside(end, (stop) => {
        let key = ''
        for (let part = nextTag(cursor, stop); part !== 0; part = nextTag(cursor, stop)) {
          if (part === keyValue.key) key = text(stop)
          else if (part === keyValue.value && RESOURCE_KEYS.has(key)) {
            const value = anyValue(valueEnd(cursor, stop), false)
            if (value !== undefined) found.set(key, String(value))
          } else skipValue(cursor, part, stop)
        }
      })
    }
    return resourceFrom((key) => found.get(key))
  }

  function readScopeName(end: number): string {
    let name = ''
    for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
      if (tag === scope.name) name = text(end)
      else skipValue(cursor, tag, end)
    }
    return name
  }

  /** What describes a list stands before or behind it: it is looked for first. */
  function describe(wanted: number, end: number, read: (stop: number) => void): void {
    const start = cursor.at
    for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
      if (tag === wanted) {
        inside(end, read)
        break
      }
      skipValue(cursor, tag, end)
    }
    cursor.at = start
  }

  function readScopeSpans(end: number, draft: Draft, sink: SpanSink): void {
    setScope(draft, '')
    describe(scopeSpans.scope, end, (stop) => setScope(draft, readScopeName(stop)))
    for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
      if (tag === scopeSpans.span) readSpan(valueEnd(cursor, end), draft, sink)
      else skipValue(cursor, tag, end)
    }
  }

  function readResourceSpans(end: number, draft: Draft, sink: SpanSink): void {
    draft.resource = noResource
    describe(resourceSpans.resource, end, (stop) => (draft.resource = readResource(stop)))
    for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
      if (tag === resourceSpans.scopeSpans || tag === resourceSpans.old)
        readScopeSpans(valueEnd(cursor, end), draft, sink)
      else skipValue(cursor, tag, end)
    }
  }

  return {
    read(input, draft, sink) {
      cursor.bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength)
      cursor.view = viewOf(input)
      cursor.at = 0
      cursor.isBroken = false
      const end = cursor.bytes.length
      for (let tag = nextTag(cursor, end); tag !== 0; tag = nextTag(cursor, end)) {
        if (tag === request.resourceSpans) readResourceSpans(valueEnd(cursor, end), draft, sink)
        else skipValue(cursor, tag, end)
      }
      return !cursor.isBroken
    },
  }
}

function kindOf(value: number): Kind {
  return value === 1 || value === 2 || value === 3 || value === 4 || value === 5 ? value : 0
}
