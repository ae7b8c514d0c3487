/**
 * Reads OTLP/JSON from its bytes, as the Collector and the SDKs write it: what nothing is read from is passed over, so
 * that a prompt never becomes a string. Anything unusual (other spellings, orders and types) is left to the parser.
 */
import { createByteTable, createTexts, viewOf } from './byte-table.js'
import type { ByteTable } from './byte-table.js'
import { noResource, offerEvent, offerTo, setScope, startSpan } from './draft.js'
import type { Draft, Kind, Resource } from './draft.js'
import {
  createJsonCursor,
  END,
  firstElement,
  firstMember,
  giveUp,
  nextElement,
  nextMember,
  passBytes,
  passString,
  peek,
  readScalar,
  readString,
  skipValue,
  UNUSUAL,
  wholeNumber,
} from './json-cursor.js'
import { RESOURCE_KEYS, resourceFrom } from './otlp-json.js'
import type { Scalar } from './scalar.js'

/** Of one stream of spans: it keeps the texts and the resource that it has seen. */
export interface LineReader {
  /**
   * One ExportTraceServiceRequest between `start` and `end`; `each` is called for every span, which then stands in the
   * draft. False where it is unusual: what was read of it is void.
   */
  read(bytes: Buffer, start: number, end: number, draft: Draft, each: () => void): boolean
}

/** Names that mean the same as ours, or say that it is another kind of document: the parser knows them. */
const others = {
  request: ['resource_spans', 'batches', 'resourceLogs', 'resource_logs', 'trace', 'data'],
  group: ['scope_spans', 'instrumentationLibrarySpans', 'instrumentation_library_spans'],
  scopeSpans: ['instrumentationLibrary', 'instrumentation_library'],
  span: ['trace_id', 'span_id', 'parent_span_id', 'start_time_unix_nano', 'end_time_unix_nano'],
  event: ['time_unix_nano'],
  any: ['string_value', 'int_value', 'double_value', 'bool_value', 'array_value'],
}

function table(known: Readonly<Record<string, number>>, unusual: readonly string[] = []): ByteTable<number> {
  return createByteTable([...Object.entries(known), ...unusual.map((name) => [name, UNUSUAL] as const)])
}

const request = { resourceSpans: 1 }
const group = { resource: 1, scopeSpans: 2 }
const scopeSpans = { scope: 1, spans: 2 }
const span = {
  traceId: 1,
  spanId: 2,
  parentSpanId: 3,
  name: 4,
  kind: 5,
  startTimeUnixNano: 6,
  endTimeUnixNano: 7,
  attributes: 8,
  events: 9,
  status: 10,
}
const event = { timeUnixNano: 1, name: 2 }
const keyValue = { key: 1, value: 2 }
const any = { stringValue: 1, intValue: 2, doubleValue: 3, boolValue: 4, arrayValue: 5 }

const requestNames = table(request, others.request)
const groupNames = table(group, others.group)
const attributesName = table({ attributes: 1 })
const scopeSpansNames = table(scopeSpans, others.scopeSpans)
const scopeName = table({ name: 1 })
const spanNames = table(span, others.span)
const eventNames = table(event, others.event)
const statusName = table({ code: 1 })
const keyValueNames = table(keyValue)
const anyNames = table(any, others.any)
const valuesName = table({ values: 1 })
const resourceKeys = createByteTable([...RESOURCE_KEYS].map((key) => [key, key] as const))

/** Of an attribute, without white space. */
const KEY = viewOf(Buffer.from('{"key":'))
const VALUE = viewOf(Buffer.from(',"value":'))
const ANY = Object.entries(any).map(([name, number]) => [viewOf(Buffer.from(`{"${name}":`)), number] as const)

/** A longer description of a process is read anew each time. */
const MAX_KEPT = 8192

export function createLineReader(): LineReader {
  const cursor = createJsonCursor()
  const texts = createTexts()
  let kept: { bytes: Buffer; resource: Resource } | undefined

  function nameOfValue(): number {
    for (const [usual, name] of ANY) if (passBytes(cursor, usual)) return name
    return firstMember(cursor, anyNames)
  }

  /** Of a list its first; a list within a list is not gone into. */
  function anyValue(isInList: boolean): Scalar | undefined {
    let found: Scalar | undefined
    let members = 0
    for (let name = nameOfValue(); name !== END; name = nextMember(cursor, anyNames)) {
      if (++members > 1) giveUp(cursor)
      if (name === any.intValue) found = readInt()
      else if (name < any.arrayValue) found = readScalar(cursor, texts)
      else if (name === any.arrayValue && !isInList) found = firstOfList()
      else skipValue(cursor)
    }
    return found
  }

  /** 64-bit integers are strings in proto3's JSON. */
  function readInt(): Scalar | undefined {
    if (peek(cursor) !== QUOTE) return readScalar(cursor, texts)
    const start = cursor.at
    passString(cursor)
    const value = wholeNumber(cursor)
    if (value === value) return value
    cursor.at = start
    return readScalar(cursor, texts)
  }

  function firstOfList(): Scalar | undefined {
    let found: Scalar | undefined
    for (let name = firstMember(cursor, valuesName); name !== END; name = nextMember(cursor, valuesName)) {
      if (name !== 1) {
        skipValue(cursor)
        continue
      }
      let count = 0
      for (let more = firstElement(cursor); more; more = nextElement(cursor)) {
        if (count++ === 0) found = anyValue(true)
        else skipValue(cursor)
      }
    }
    return found
  }

  /** Reads a list of keys and values, of which the wanted keys' values are taken. */
  function attributes<T>(wanted: ByteTable<T>, take: (entry: T, value: Scalar) => void): void {
    for (let more = firstElement(cursor); more; more = nextElement(cursor)) {
      const isKey = passBytes(cursor, KEY) || firstMember(cursor, keyValueNames) === keyValue.key
      if (!isKey) return giveUp(cursor)
      passString(cursor)
      if (cursor.isEscaped) return giveUp(cursor)
      const entry = wanted(cursor, cursor.from, cursor.to)
      const next = passBytes(cursor, VALUE) ? keyValue.value : nextMember(cursor, keyValueNames)
      if (next === END) continue
      if (next !== keyValue.value) return giveUp(cursor)
      if (entry === undefined) skipValue(cursor)
      else {
        const value = anyValue(false)
        if (value !== undefined) take(entry, value)
      }
      if (nextMember(cursor, keyValueNames) !== END) return giveUp(cursor)
    }
  }

  function readId(digits: number, mayBeEmpty: boolean): string {
    if (!passString(cursor)) return ''
    const { bytes, from, to } = cursor
    if (to === from && mayBeEmpty) return ''
    if (to - from === digits && isId(bytes, from, to)) return bytes.toString('latin1', from, to)
    giveUp(cursor)
    return ''
  }

  /** Nanoseconds since 1970, as a text of 19 digits. */
  function readTime(): number {
    passString(cursor)
    const { bytes, from, to } = cursor
    const seconds = to - from === 19 ? digitsOf(bytes, from, from + 10) : NaN
    const ms = seconds * 1000 + digitsOf(bytes, from + 10, to) / 1e6
    if (ms > 0) return Math.round(ms * 1000) / 1000
    giveUp(cursor)
    return NaN
  }

  function readKind(): Kind {
    const kind = readScalar(cursor, texts)
    if (kind === 0 || kind === 1 || kind === 2 || kind === 3 || kind === 4 || kind === 5) return kind
    giveUp(cursor)
    return 0
  }

  function readEvents(draft: Draft): void {
    for (let more = firstElement(cursor); more; more = nextElement(cursor)) {
      let atMs = NaN
      let name = ''
      for (let each = firstMember(cursor, eventNames); each !== END; each = nextMember(cursor, eventNames)) {
        if (each === event.timeUnixNano) atMs = readTime()
        else if (each === event.name) name = readString(cursor, texts)
        else skipValue(cursor)
      }
      if (!cursor.isOdd) offerEvent(draft, name, atMs)
    }
  }

  function readStatus(draft: Draft): void {
    for (let name = firstMember(cursor, statusName); name !== END; name = nextMember(cursor, statusName)) {
      if (name === 1) {
        const code = readScalar(cursor, texts)
        draft.isError = code === 2 || code === 'STATUS_CODE_ERROR'
      } else skipValue(cursor)
    }
  }

  function readSpan(draft: Draft): void {
    startSpan(draft)
    let seen = 0
    for (let name = firstMember(cursor, spanNames); name !== END; name = nextMember(cursor, spanNames)) {
      if (name <= span.status) {
        if ((seen & (1 << name)) !== 0) return giveUp(cursor)
        seen |= 1 << name
      }
      if (name === span.attributes)
        attributes(draft.rules.find, (entry, value) => offerTo(draft, entry, value))
      else if (name === span.traceId) draft.traceId = readId(32, false)
      else if (name === span.spanId) draft.spanId = readId(16, false)
      else if (name === span.parentSpanId) draft.parentId = readId(16, true)
      else if (name === span.name) draft.name = readString(cursor, texts)
      else if (name === span.kind) draft.kind = readKind()
      else if (name === span.startTimeUnixNano) draft.startMs = readTime()
      else if (name === span.endTimeUnixNano) draft.endMs = readTime()
      else if (name === span.events) readEvents(draft)
      else if (name === span.status) readStatus(draft)
      else skipValue(cursor)
    }
    const isWhole = draft.traceId !== '' && draft.spanId !== '' && draft.endMs === draft.endMs
    if (!isWhole || draft.startMs !== draft.startMs) giveUp(cursor)
  }

  function readResource(): Resource {
    const { bytes, end } = cursor
    peek(cursor)
    const start = cursor.at
    const stop = start + (kept?.bytes.length ?? 0)
    // An object ends where its own bytes do, so one that begins with all of another is that other.
    if (kept !== undefined && stop <= end && kept.bytes.compare(bytes, start, stop) === 0) {
      cursor.at = stop
      return kept.resource
    }
    const found = new Map<string, string>()
    for (
      let name = firstMember(cursor, attributesName);
      name !== END;
      name = nextMember(cursor, attributesName)
    ) {
      if (name === 1) attributes(resourceKeys, (key, value) => void found.set(key, String(value)))
      else skipValue(cursor)
    }
    const resource = resourceFrom((key) => found.get(key))
    if (!cursor.isOdd && cursor.at - start <= MAX_KEPT)
      kept = { bytes: Buffer.from(bytes.subarray(start, cursor.at)), resource }
    return resource
  }

  function readScopeName(): string {
    let found = ''
    for (let name = firstMember(cursor, scopeName); name !== END; name = nextMember(cursor, scopeName)) {
      if (name === 1) found = readString(cursor, texts)
      else skipValue(cursor)
    }
    return found
  }

  /** What describes a list must stand before it. */
  function readScopeSpans(draft: Draft, each: () => void): void {
    setScope(draft, '')
    let hasSpans = false
    for (
      let name = firstMember(cursor, scopeSpansNames);
      name !== END;
      name = nextMember(cursor, scopeSpansNames)
    ) {
      if (name === scopeSpans.spans && !hasSpans) {
        hasSpans = true
        for (let more = firstElement(cursor); more; more = nextElement(cursor)) {
          readSpan(draft)
          if (!cursor.isOdd) each()
        }
      } else if (name === scopeSpans.scope && !hasSpans) setScope(draft, readScopeName())
      else if (name <= scopeSpans.spans) giveUp(cursor)
      else skipValue(cursor)
    }
  }

  function readGroup(draft: Draft, each: () => void): void {
    draft.resource = noResource
    let hasSpans = false
    for (let name = firstMember(cursor, groupNames); name !== END; name = nextMember(cursor, groupNames)) {
      if (name === group.scopeSpans && !hasSpans) {
        hasSpans = true
        for (let more = firstElement(cursor); more; more = nextElement(cursor)) readScopeSpans(draft, each)
      } else if (name === group.resource && !hasSpans) draft.resource = readResource()
      else if (name <= group.scopeSpans) giveUp(cursor)
      else skipValue(cursor)
    }
  }

  return {
    read(bytes, start, end, draft, each) {
      if (cursor.bytes !== bytes) {
        cursor.bytes = bytes
        cursor.view = viewOf(bytes)
      }
      cursor.at = start
      cursor.end = end
      cursor.isOdd = false
      let groups = 0
      for (
        let name = firstMember(cursor, requestNames);
        name !== END;
        name = nextMember(cursor, requestNames)
      ) {
        if (name !== request.resourceSpans || ++groups > 1) giveUp(cursor)
        for (let more = firstElement(cursor); more; more = nextElement(cursor)) readGroup(draft, each)
      }
      peek(cursor)
      return groups === 1 && !cursor.isOdd && cursor.at === end
    },
  }
}

const QUOTE = 0x22

/** Small hexadecimal digits, not all of them 0. */
function isId(bytes: Buffer, from: number, to: number): boolean {
  let isZero = true
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66))) return false
    if (byte !== 0x30) isZero = false
  }
  return !isZero
}

/** NaN where one of them is no digit. */
function digitsOf(bytes: Buffer, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte < 0x30 || byte > 0x39) return NaN
    value = value * 10 + byte - 0x30
  }
  return value
}
