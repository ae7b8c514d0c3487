/** One span while it is read: the best value of each slot so far. Readers of all formats fill it, one after another. */
import { dialectOfName } from './dialects.js'
import { chunkEvents } from './mapping.js'
import type { Slot } from './mapping.js'
import { NO_SIGNATURE, slotIndex, slots } from './rules.js'
import type { KeyRules, Rule, Rules } from './rules.js'
import type { Scalar } from './scalar.js'

/** What describes the process that wrote a span. */
export interface Resource {
  service: string | undefined
  /** Stand for the server only where the span is the server's own. */
  region: string | undefined
  replica: string | undefined
}

export const noResource: Resource = { service: undefined, region: undefined, replica: undefined }

/** OpenTelemetry's numbers: 0 unspecified, 1 internal, 2 server, 3 client. */
export type Kind = 0 | 1 | 2 | 3 | 4 | 5

export interface Draft {
  readonly rules: Rules
  traceId: string
  spanId: string
  parentId: string
  name: string
  kind: Kind
  /** Milliseconds since 1970; NaN where not given. */
  startMs: number
  endMs: number
  isError: boolean
  resource: Resource
  /** Of the instrumentation scope, if that tells. */
  scopeDialect: string | undefined
  /** The best signature among the keys so far. */
  signature: number
  /** By slot. */
  readonly values: (Scalar | undefined)[]
  readonly chosen: (Rule | undefined)[]
  /** The slots that have a value: the first `filled` stand. */
  readonly slots: number[]
  filled: number
  /** Moments of output chunks, milliseconds since 1970, in the order of the events. */
  readonly chunks: number[]
  chunkName: string
}

export function createDraft(rules: Rules): Draft {
  return {
    rules,
    traceId: '',
    spanId: '',
    parentId: '',
    name: '',
    kind: 0,
    startMs: NaN,
    endMs: NaN,
    isError: false,
    resource: noResource,
    scopeDialect: undefined,
    signature: NO_SIGNATURE,
    values: slots.map(() => undefined),
    chosen: slots.map(() => undefined),
    slots: slots.map(() => 0),
    filled: 0,
    chunks: [],
    chunkName: '',
  }
}

/** Empties it for the next span of the same resource and scope. */
export function startSpan(draft: Draft): void {
  draft.traceId = draft.spanId = draft.parentId = draft.name = ''
  draft.kind = 0
  draft.startMs = draft.endMs = NaN
  draft.isError = false
  draft.signature = NO_SIGNATURE
  for (let i = 0; i < draft.filled; i++) {
    const slot = draft.slots[i]!
    draft.values[slot] = undefined
    draft.chosen[slot] = undefined
  }
  draft.filled = 0
  if (draft.chunks.length > 0) draft.chunks.length = 0 // most spans have none, and to say so costs
  draft.chunkName = ''
}

export function setScope(draft: Draft, name: string): void {
  draft.scopeDialect = name === '' ? undefined : draft.rules.dialectOfScope(name)
}

/** An attribute that came as text and value. Keys that nothing is read from, all content among them, end here. */
export function offer(draft: Draft, key: string, value: Scalar): void {
  const entry = draft.rules.get(key)
  if (entry !== undefined) offerTo(draft, entry, value)
}

/** As `offer`, of a key that has been looked up. */
export function offerTo(draft: Draft, entry: KeyRules, value: Scalar): void {
  if (entry.signature < draft.signature) draft.signature = entry.signature
  const { rules } = entry
  for (let i = 0; i < rules.length; i++) choose(draft, rules[i]!, value)
  if (entry.isContainer && typeof value === 'string') offerJson(draft, entry.key, value)
}

function choose(draft: Draft, rule: Rule, value: Scalar): void {
  const before = draft.chosen[rule.slot]
  if (before === undefined) draft.slots[draft.filled++] = rule.slot
  else if (before.rank <= rule.rank) return
  draft.chosen[rule.slot] = rule
  draft.values[rule.slot] = value
}

/** A longer one is content, not settings. */
const MAX_CONTAINER = 65_536

function offerJson(draft: Draft, key: string, text: string): void {
  if (text.length > MAX_CONTAINER) return
  let value: unknown
  try {
    value = JSON.parse(text)
    if (typeof value === 'string') value = JSON.parse(value) // some stores write it as JSON twice
  } catch {
    return
  }
  offerMembers(draft, `${key}.`, value, 3)
}

/** Members of an object as attributes `prefix` + name, nested ones with dots, as far down as `depth`. */
export function offerMembers(draft: Draft, prefix: string, value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  for (const [name, member] of Object.entries(value) as [string, unknown][]) {
    const key = prefix + name
    if (typeof member === 'string' || typeof member === 'number' || typeof member === 'boolean')
      offer(draft, key, member)
    else if (Array.isArray(member)) offerFirst(draft, key, member)
    else if (depth > 1) offerMembers(draft, `${key}.`, member, depth - 1)
  }
}

function offerFirst(draft: Draft, key: string, list: readonly unknown[]): void {
  const first = list[0]
  if (typeof first === 'string' || typeof first === 'number' || typeof first === 'boolean')
    offer(draft, key, first)
}

/** An event of the span; only the moments of output chunks are kept, at most 100,000 of them. */
export function offerEvent(draft: Draft, name: string, atMs: number): void {
  if (!chunkEvents.has(name) || !(atMs > 0) || draft.chunks.length >= 100_000) return
  if (draft.chunkName === '') draft.chunkName = name
  draft.chunks.push(atMs)
}

export function valueOf(draft: Draft, slot: Slot): Scalar | undefined {
  return draft.values[slotIndex[slot]]
}

/** The scope's dialect, else what the name or the surest key tells. */
export function dialectOfDraft(draft: Draft): string {
  if (draft.scopeDialect !== undefined) return draft.scopeDialect
  const named = dialectOfName(draft.name)
  if (named !== undefined) return named
  return draft.rules.dialectOfSignature(draft.signature) ?? 'records'
}
