/** One trace's pieces to its calls: what repeats a call, serves it or carries its requests is folded into it. */
import { attemptSpans } from './dialects.js'
import type { Piece } from './normalise.js'
import type { Attempt, Span, SpanFacts, SpanField } from './span.js'

export interface Resolved {
  spans: Span[]
  /** Spans around a call that repeat its usage, and spans that came a second time: left out. */
  repeated: number
  /** Servers' views, HTTP requests and earlier attempts that were folded into a call. */
  folded: number
  /** HTTP requests of no call. */
  other: number
}

/** How far up a parent is looked for: a loop of parents ends there too. */
const MAX_HOPS = 64

/** Attempts listed on a span. */
const MAX_TRIES = 32

/** The only piece of its trace. */
export function resolvePiece({ role, span }: Piece, into: Resolved): void {
  if (span === undefined) return
  if (role === 'http') into.other++
  else into.spans.push(span)
}

/** Adds what the pieces come to. */
export function resolveTrace(all: readonly Piece[], into: Resolved): void {
  // An exporter that heard no answer sends its spans a second time.
  const byId = new Map(all.filter(({ spanId }) => spanId !== '').map((piece) => [piece.spanId, piece]))
  const pieces = all.filter((piece) => piece.spanId === '' || byId.get(piece.spanId) === piece)
  const children = new Map<Piece, Piece[]>() // by the nearest call above
  const wrappers = new Set<Piece>()
  const folded = new Set<Piece>()
  for (const piece of pieces) {
    if (piece.span === undefined) continue
    const above = callAbove(piece, byId) ?? callOfRequest(piece, pieces)
    if (above === undefined) continue
    // A call made by the same process below another call: the outer one only repeats it.
    if (piece.role === 'call' && above.role === 'call' && isSameService(piece, above)) wrappers.add(above)
    else {
      folded.add(piece)
      const list = children.get(above)
      if (list === undefined) children.set(above, [piece])
      else list.push(piece)
    }
  }
  const earlier = attemptsBefore(pieces.filter((piece) => !wrappers.has(piece) && !folded.has(piece)))
  for (const list of earlier.values()) for (const piece of list) folded.add(piece)
  for (const piece of pieces) {
    const { role, span } = piece
    if (span === undefined || folded.has(piece) || wrappers.has(piece)) continue
    if (role === 'http') into.other++
    else {
      const before = (earlier.get(piece) ?? []).flatMap((each) =>
        each.span === undefined ? [] : fold(each.span, each, children),
      )
      const whole = withAttempts(before, fold(span, piece, children))
      into.spans.push(inherit(whole, piece, byId, wrappers))
    }
  }
  into.repeated += wrappers.size + countSpans(all) - countSpans(pieces)
  into.folded += folded.size
}

function countSpans(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { span }) => sum + (span === undefined ? 0 : 1), 0)
}

function callAbove(piece: Piece, byId: ReadonlyMap<string, Piece>): Piece | undefined {
  let parent = byId.get(piece.parentId)
  for (let hops = 0; parent !== undefined && parent !== piece && hops < MAX_HOPS; hops++) {
    if (parent.role === 'call' || parent.role === 'server') return parent
    parent = byId.get(parent.parentId)
  }
  return undefined
}

/** A server span that hangs below nothing, joined to its client by the id of the request. */
function callOfRequest(piece: Piece, pieces: readonly Piece[]): Piece | undefined {
  const id = piece.span?.requestId
  if (piece.role !== 'server' || id === undefined) return undefined
  return pieces.find((each) => each.role === 'call' && each.span?.requestId === id)
}

/** Clocks of whole milliseconds may let an attempt start before the one before it has ended. */
const CLOCK_STEP_MS = 1.5

/**
 * The attempts that failed before the last one of a call, where each is a span of its own. A call that failed is
 * followed below its parent only by another attempt at it: nothing goes on after a failure.
 */
function attemptsBefore(pieces: readonly Piece[]): ReadonlyMap<Piece, readonly Piece[]> {
  const siblings = new Map<string, { piece: Piece; span: Span }[]>()
  for (const piece of pieces) {
    const { role, span, parentId } = piece
    if (role !== 'call' || span === undefined || parentId === '' || !attemptSpans.has(span.dialect)) continue
    const list = siblings.get(parentId)
    if (list === undefined) siblings.set(parentId, [{ piece, span }])
    else list.push({ piece, span })
  }
  const before = new Map<Piece, Piece[]>()
  for (const list of siblings.values()) {
    list.sort((a, b) => a.span.startedAtMs - b.span.startedAtMs)
    list.forEach(({ piece, span }, index) => {
      const next = list[index + 1]
      if (next === undefined || span.error === undefined) return
      if (next.span.modelRequested !== span.modelRequested) return
      if (next.span.startedAtMs < span.startedAtMs + span.durationMs - CLOCK_STEP_MS) return
      const chain = before.get(piece) ?? []
      before.delete(piece)
      chain.push(piece)
      before.set(next.piece, chain)
    })
  }
  return before
}

/** The last attempt with those before it: one call, from the start of the first. */
function withAttempts(before: readonly Span[], last: Span): Span {
  const startedAtMs = before[0]?.startedAtMs
  if (startedAtMs === undefined) return last
  const all = [...before, last]
  const tries = all.flatMap((span): readonly Attempt[] => {
    const offsetMs = span.startedAtMs - startedAtMs
    const { durationMs, httpStatus: status } = span
    const told = span.tries?.map((each) => ({ ...each, offsetMs: offsetMs + each.offsetMs }))
    return told ?? [{ offsetMs, durationMs, status }]
  })
  const source = 'sibling spans'
  return {
    ...last,
    startedAtMs,
    durationMs: last.startedAtMs + last.durationMs - startedAtMs,
    attempts: all.reduce((sum, { attempts = 1 }) => sum + attempts, 0),
    tries: tries.slice(-MAX_TRIES),
    retryMs: last.startedAtMs - startedAtMs + (last.retryMs ?? 0),
    from: { ...last.from, durationMs: source, attempts: source, tries: source, retryMs: source },
  }
}

function isSameService(a: Piece, b: Piece): boolean {
  const [one, other] = [a.span?.service, b.span?.service]
  return one === undefined || other === undefined || one === other
}

/** The call with what its servers and its requests tell. */
function fold(span: Span, piece: Piece, children: ReadonlyMap<Piece, readonly Piece[]>): Span {
  const below = children.get(piece)
  if (below === undefined) return span
  const servers = below.flatMap((child) => servedBy(child, children))
  const requests = below.filter(({ role }) => role === 'http').flatMap((child) => child.span ?? [])
  let whole = span
  for (const server of servers) whole = adopt(whole, server, serverFields, 'server span')
  return requests.length === 0 ? whole : withRequests(whole, requests)
}

/** A server's span, and what servers behind it say. */
function servedBy(piece: Piece, children: ReadonlyMap<Piece, readonly Piece[]>, hops = 0): Span[] {
  if (piece.role === 'http' || piece.span === undefined || hops >= MAX_HOPS) return []
  const span =
    piece.span.serverMs === undefined ? { ...piece.span, serverMs: piece.span.durationMs } : piece.span
  return [span, ...(children.get(piece) ?? []).flatMap((child) => servedBy(child, children, hops + 1))]
}

const serverFields: readonly SpanField[] = [
  'serverTtftMs',
  'queueMs',
  'prefillMs',
  'decodeMs',
  'loadMs',
  'serverMs',
  'inputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
  'modelServed',
  'region',
  'replica',
  'backend',
  'serviceTier',
]

const headerFields: readonly SpanField[] = [
  'serverMs',
  'serverTtftMs',
  'queueMs',
  'region',
  'backend',
  'requestId',
  'serverAddress',
  'remainingRequests',
  'remainingTokens',
  'replica',
]

/** Facts that the span lacks, from another. A server's cache counts are taken only along with its input count. */
function adopt(span: Span, other: Span, fields: readonly SpanField[], words: string): Span {
  const facts: Record<string, unknown> = {}
  const sources: Record<string, string> = {}
  for (const field of fields) {
    if (span[field] !== undefined || other[field] === undefined) continue
    facts[field] = other[field]
    sources[field] = `${words}: ${other.from[field] ?? other.dialect}`
  }
  if (Object.keys(facts).length === 0) return span
  return { ...span, ...(facts as Partial<SpanFacts>), from: { ...span.from, ...sources } } // eslint-disable-line typescript/no-unsafe-type-assertion -- fields copied under their own names
}

/** HTTP requests of the call: its attempts, and the headers of the last answer. */
function withRequests(span: Span, requests: readonly Span[]): Span {
  const host = span.serverAddress
  const own = requests
    .filter(
      ({ serverAddress }) => host === undefined || serverAddress === undefined || serverAddress === host,
    )
    .sort((a, b) => a.startedAtMs - b.startedAtMs)
  const last = own.at(-1)
  if (last === undefined) return span
  const tries = own.slice(-MAX_TRIES).map(({ startedAtMs, durationMs, httpStatus }): Attempt => ({
    offsetMs: Math.max(0, startedAtMs - span.startedAtMs),
    durationMs,
    status: httpStatus,
  }))
  const whole = adopt(span, last, headerFields, 'HTTP span')
  const attempts = Math.max(span.attempts ?? 1, own.length, last.attempts ?? 1)
  const isTold = span.attempts !== undefined && span.attempts >= own.length
  return {
    ...whole,
    attempts,
    tries,
    retryMs: own.length > 1 ? tries.at(-1)?.offsetMs : undefined,
    from: {
      ...whole.from,
      tries: 'HTTP spans',
      ...(own.length > 1 && { retryMs: 'HTTP spans' }),
      ...(!isTold && { attempts: 'HTTP spans' }),
    },
  }
}

/** Whose call it was stands often on the spans around it only. */
function inherit(
  span: Span,
  piece: Piece,
  byId: ReadonlyMap<string, Piece>,
  wrappers: ReadonlySet<Piece>,
): Span {
  let whole = span
  let parent = byId.get(piece.parentId)
  for (let hops = 0; parent !== undefined && parent !== piece && hops < MAX_HOPS; hops++) {
    if (parent.span !== undefined && wrappers.has(parent))
      whole = adopt(whole, parent.span, ['conversationId', 'tenant', 'compacted'], 'span above')
    parent = byId.get(parent.parentId)
  }
  return whole
}
