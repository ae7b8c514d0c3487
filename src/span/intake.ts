/** Takes in spans of any format and dialect, and gives out one span a call; what cannot be read is counted by name. */
import { createAssembler } from './assemble.js'
import { createDraft } from './draft.js'
import { createHeldPool } from './held.js'
import type { Held } from './held.js'
import { createNormaliser, traceIdOf } from './normalise.js'
import type { Piece } from './normalise.js'
import { isObject } from './json-value.js'
import { readOtlpJson } from './otlp-json.js'
import type { SpanSink } from './otlp-json.js'
import { createLineReader } from './otlp-line.js'
import { createProtoReader } from './otlp-proto.js'
import { resolvePiece } from './resolve.js'
import type { Resolved } from './resolve.js'
import { compileRules } from './rules.js'
import type { OwnDialect } from './rules.js'
import { createSourceTable } from './sources.js'
import type { Span } from './span.js'
import { readShape } from './shapes.js'

export interface IntakeOptions {
  /** Spans of traces that may not be whole, held at most; a receiver wants some seconds of its traffic. @default 10000 */
  window?: number | undefined
  /** Dialect files, read. */
  own?: readonly OwnDialect[] | undefined
}

/** What came in. Every span that was seen is in one of the counts. */
export interface IntakeCounts {
  /** Spans and records read, of any kind. */
  seen: number
  /** Calls given out. */
  spans: number
  /** Read, but no call of a model: tools, agents, HTTP requests, embeddings. */
  other: number
  /** Calls that only repeat a call within them, or came a second time. */
  repeated: number
  /** Servers' views, HTTP requests and earlier attempts that were folded into their call. */
  folded: number
  /** Calls of probes (`user_agent.synthetic.type`): no user waited for them. */
  synthetic: number
  /** Unreadable, by what is wrong with them; at most 50 kinds. */
  faults: Record<string, number>
}

export interface Intake {
  /** A parsed document, line or element, of whatever shape. */
  value(value: unknown, nowMs?: number): void
  /** An OTLP/JSON request that has been told to be one. */
  otlpJson(value: unknown, nowMs?: number): boolean
  /**
   * An OTLP/JSON request that stands in the bytes. False where it is not written as the Collector would: then nothing
   * was taken, and `value` must read what a parser makes of it.
   */
  otlpText(bytes: Buffer, start: number, end: number, nowMs?: number): boolean
  /** False where the bytes are no ExportTraceServiceRequest. */
  otlpProto(bytes: Uint8Array, nowMs?: number): boolean
  fault(kind: string): void
  /** Spans that are whole, since the last time. */
  take(): Span[]
  /** Gives up waiting for more of the traces that nothing came for since `beforeMs`. */
  release(beforeMs: number): void
  /** Gives up waiting at all. */
  end(): void
  readonly counts: Readonly<IntakeCounts>
}

const MAX_FAULTS = 50

export function createIntake({ window = 10_000, own = [] }: IntakeOptions = {}): Intake {
  const rules = compileRules(own)
  const draft = createDraft(rules)
  const pool = createHeldPool(createDraft(rules), createNormaliser(createSourceTable()))
  // Not where it is held: what was read of a line that turns out to be another is read again.
  const settle = (held: Held): Piece => {
    const piece = pool.settle(held)
    if (piece.span === undefined) others++
    return piece
  }
  const counts = {
    seen: 0,
    faults: {} as Record<string, number>,
    get spans(): number {
      return given + resolved.spans.length
    },
    get other(): number {
      return others + resolved.other
    },
    get repeated(): number {
      return resolved.repeated
    },
    get folded(): number {
      return resolved.folded
    },
    get synthetic(): number {
      return resolved.synthetic
    },
  }
  const proto = createProtoReader()
  const text = createLineReader()
  let now = 0
  const resolved: Resolved = { spans: [], repeated: 0, folded: 0, other: 0, synthetic: 0 }
  const assembler = createAssembler({ window, settle, into: resolved })
  let given = 0 // spans that have been taken
  let others = 0 // pieces that are no calls
  const fault = (kind: string): void => {
    const known = counts.faults[kind]
    if (known !== undefined) counts.faults[kind] = known + 1
    else if (Object.keys(counts.faults).length < MAX_FAULTS) counts.faults[kind] = 1
  }
  let pending: Held[] = [] // of a request that is not read to its end
  const hold = (): void => void pending.push(pool.hold(draft, traceIdOf(draft), now))
  const add = (held: Held): void => {
    counts.seen++
    if (held.traceId === '') resolvePiece(settle(held), resolved)
    else assembler.add(held)
  }
  const sink: SpanSink = {
    span: () => add(pool.hold(draft, traceIdOf(draft), now)),
    fault(kind) {
      counts.seen++
      fault(kind)
    },
  }
  return {
    value(value, nowMs = 0) {
      now = nowMs
      readShape(value, draft, sink)
    },
    otlpJson(value, nowMs = 0) {
      now = nowMs
      if (!isObject(value)) return false
      readOtlpJson(value, draft, sink)
      return true
    },
    otlpText(bytes, start, end, nowMs = 0) {
      now = nowMs
      const isRead = text.read(bytes, start, end, draft, hold)
      if (isRead) for (const held of pending) add(held)
      if (pending.length > 0) pending = []
      return isRead
    },
    otlpProto(bytes, nowMs = 0) {
      now = nowMs
      return proto.read(bytes, draft, sink)
    },
    fault,
    take() {
      const taken = resolved.spans
      given += taken.length
      resolved.spans = []
      return taken
    },
    release: (beforeMs) => assembler.release(beforeMs),
    end: () => assembler.flush(),
    counts,
  }
}
