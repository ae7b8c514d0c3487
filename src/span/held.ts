/** Spans that wait for the rest of their trace, as they were read, in objects that are used again: thousands wait at once. */
import { noResource, startSpan } from './draft.js'
import type { Draft, Kind, Resource } from './draft.js'
import type { Piece } from './normalise.js'
import type { Rule } from './rules.js'
import type { Scalar } from './scalar.js'

export interface Held {
  /** What it has come to, where what was read is too much to be kept. */
  piece: Piece | undefined
  spanId: string
  parentId: string
  name: string
  kind: Kind
  startMs: number
  endMs: number
  isError: boolean
  resource: Resource
  scopeDialect: string | undefined
  signature: number
  /** Rules that found a value, and the values: the first `filled` stand. */
  readonly rules: Rule[]
  readonly values: Scalar[]
  filled: number

  // For the assembler.
  traceId: string
  /** When it came. */
  atMs: number
  /** The next of its trace. */
  next: Held | undefined
  /** Of the first of a trace alone: its last, how many there are, and the traces that came before and after. */
  last: Held | undefined
  count: number
  older: Held | undefined
  newer: Held | undefined
}

export interface HeldPool {
  /** Keeps what stands in the draft. */
  hold(draft: Draft, traceId: string, atMs: number): Held
  /** What it comes to; the object is free then. */
  settle(held: Held): Piece
}

/** A longer text is content, or becomes something shorter: a span keeps none. */
const MAX_TEXT = 256

/** Objects that wait for use. */
const MAX_FREE = 16_384

/** `scratch`: written over by each that is settled. */
export function createHeldPool(scratch: Draft, normalise: (draft: Draft) => Piece): HeldPool {
  const free: Held[] = []
  return {
    hold(draft, traceId, atMs) {
      const held = free.pop() ?? createHeld()
      held.traceId = traceId
      held.atMs = atMs
      if (!isSmall(draft)) held.piece = normalise(draft)
      else keep(draft, held)
      return held
    },
    settle(held) {
      const { piece } = held
      if (piece === undefined) giveBack(held, scratch)
      // An object that waits to be used again keeps no text alive.
      held.values.fill(0, 0, held.filled)
      held.filled = 0
      held.piece = held.next = held.last = held.older = held.newer = undefined
      if (free.length < MAX_FREE) free.push(held)
      return piece ?? normalise(scratch)
    },
  }
}

function createHeld(): Held {
  return {
    piece: undefined,
    spanId: '',
    parentId: '',
    name: '',
    kind: 0,
    startMs: NaN,
    endMs: NaN,
    isError: false,
    resource: noResource,
    scopeDialect: undefined,
    signature: 0,
    rules: [],
    values: [],
    filled: 0,
    traceId: '',
    atMs: NaN,
    next: undefined,
    last: undefined,
    count: 1,
    older: undefined,
    newer: undefined,
  }
}

/** No text in it is long, and no chunk events hang on it. */
function isSmall(draft: Draft): boolean {
  if (draft.chunks.length > 0 || draft.name.length > MAX_TEXT) return false
  if (draft.spanId.length > MAX_TEXT || draft.parentId.length > MAX_TEXT) return false
  for (let i = 0; i < draft.filled; i++) {
    const value = draft.values[draft.slots[i]!]
    if (typeof value === 'string' && value.length > MAX_TEXT) return false
  }
  return true
}

function keep(draft: Draft, held: Held): void {
  held.spanId = draft.spanId
  held.parentId = draft.parentId
  held.name = draft.name
  held.kind = draft.kind
  held.startMs = draft.startMs
  held.endMs = draft.endMs
  held.isError = draft.isError
  held.resource = draft.resource
  held.scopeDialect = draft.scopeDialect
  held.signature = draft.signature
  const { filled } = draft
  for (let i = 0; i < filled; i++) {
    const slot = draft.slots[i]!
    held.rules[i] = draft.chosen[slot]!
    held.values[i] = draft.values[slot]!
  }
  held.filled = filled
}

function giveBack(held: Held, draft: Draft): void {
  startSpan(draft)
  draft.traceId = held.traceId
  draft.spanId = held.spanId
  draft.parentId = held.parentId
  draft.name = held.name
  draft.kind = held.kind
  draft.startMs = held.startMs
  draft.endMs = held.endMs
  draft.isError = held.isError
  draft.resource = held.resource
  draft.scopeDialect = held.scopeDialect
  draft.signature = held.signature
  const { filled } = held
  for (let i = 0; i < filled; i++) {
    const rule = held.rules[i]!
    draft.values[rule.slot] = held.values[i]!
    draft.chosen[rule.slot] = rule
    draft.slots[i] = rule.slot
  }
  draft.filled = filled
}
