/** One trace's pieces to its calls: what repeats a call, serves it or carries its requests is folded into it. */
import { attemptsBefore, MAX_TRIES, withAttempts } from './attempts.js'
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
  /** Calls that a probe made: left out. */
  synthetic: number
}

/** How far up a parent is looked for: a loop of parents ends there too. */
const MAX_HOPS = 64

/** The only piece of its trace. */
export function resolvePiece({ role, span, isSynthetic }: Piece, into: Resolved): void {
  if (span === undefined) return
  if (role === 'http') into.other++
  else if (isSynthetic) into.synthetic++
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
    else if (piece.isSynthetic) into.synthetic++
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
  for (const server of servers) whole = adopt(whole, server, fieldsOf(server, whole), 'server span')
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

/** A part is not taken from a server that counted another whole. */
function fieldsOf(server: Span, span: Span): readonly SpanField[] {
  const { inputTokens = server.inputTokens ?? Infinity, outputTokens = server.outputTokens ?? Infinity } =
    span
  const cached = (server.cacheReadTokens ?? 0) + (server.cacheWriteTokens ?? 0)
  const fits = cached <= inputTokens && (server.reasoningTokens ?? 0) <= outputTokens
  return fits ? serverFields : serverFields.filter((field) => !parts.has(field))
}
const parts: ReadonlySet<SpanField> = new Set(['cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens'])

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

/** Facts that the span lacks, from another. */
function adopt(span: Span, other: Span, fields: readonly SpanField[], words: string): Span {
  const facts: Record<string, unknown> = {}
  const sources: Record<string, string> = {}
  for (const field of fields) {
    if (span[field] !== undefined || other[field] === undefined) continue
    facts[field] = other[field]
    sources[field] = `${words}: ${other.from[field] ?? other.dialect}`
  }
  if (Object.keys(facts).length === 0) return span
  return { ...span, ...(facts as Partial<SpanFacts>), from: { ...span.from, ...sources } }
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
