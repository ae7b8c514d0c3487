/** Attempts that are spans of their own beside the one that answered become one call with it. */
import { attemptSpans } from './dialects.js'
import type { Piece } from './normalise.js'
import type { Attempt, Span } from './span.js'

/** Attempts listed on a span. */
export const MAX_TRIES = 32

/** Clocks of whole milliseconds may let an attempt start before the one before it has ended. */
const CLOCK_STEP_MS = 1.5

/**
 * The attempts that failed before the last one of a call, where each is a span of its own. A call that failed is
 * followed below its parent only by another attempt at it: nothing goes on after a failure.
 */
export function attemptsBefore(pieces: readonly Piece[]): ReadonlyMap<Piece, readonly Piece[]> {
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
export function withAttempts(before: readonly Span[], last: Span): Span {
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
