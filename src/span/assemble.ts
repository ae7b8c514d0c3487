/** Puts the pieces of each trace together, in bounded memory, so that one call of a model becomes one span. */
import type { Held } from './held.js'
import type { Piece } from './normalise.js'
import { resolvePiece, resolveTrace } from './resolve.js'
import type { Resolved } from './resolve.js'

export interface AssemblerOptions {
  /** Pieces held at most; the oldest trace goes out first when there are more. */
  window: number
  /** What a piece comes to when its trace is let go. */
  settle: (held: Held) => Piece
  /** Gets the spans and the counts. */
  into: Resolved
}

export interface Assembler {
  add(held: Held): void
  /**
   * Lets go every trace that nothing was added to since `beforeMs`, of the clock of what was added; of a trace that has
   * gone on for a minute by then, what came before.
   */
  release(beforeMs: number): void
  flush(): void
}

/** A trace of more pieces is let go in parts. */
const MAX_TRACE = 10_000

/** An agent's session may go on for hours: its calls do not wait for its end. */
const MAX_AGE_MS = 60_000

export function createAssembler({ window, settle, into }: AssemblerOptions): Assembler {
  /** By id the first piece of each trace. */
  const traces = new Map<string, Held>()
  // The order in which traces came. The map knows it too, but finds its first entry only by passing all deleted ones.
  let oldest: Held | undefined
  let newest: Held | undefined
  let held = 0

  const letGo = (first: Held): void => {
    traces.delete(first.traceId)
    if (first.older === undefined) oldest = first.newer
    else first.older.newer = first.newer
    if (first.newer === undefined) newest = first.older
    else first.newer.older = first.older
    held -= first.count
    if (first.next === undefined) resolvePiece(settle(first), into)
    else resolveTrace(piecesOf(first), into)
  }
  const isEmpty = (): boolean => oldest === undefined
  const isFull = (): boolean => held > window
  const letGoOldest = (): void => {
    if (oldest !== undefined) letGo(oldest)
  }
  /** The pieces from the first up to another, or all. */
  const piecesOf = (first: Held, end?: Held): Piece[] => {
    const pieces: Piece[] = []
    for (let each: Held | undefined = first; each !== undefined && each !== end;) {
      const { next }: Held = each
      pieces.push(settle(each))
      each = next
    }
    return pieces
  }
  /** Of a trace what came before; the rest takes its place. */
  const letGoBefore = (first: Held, beforeMs: number): void => {
    let count = 1
    let rest = first.next
    for (; rest !== undefined && rest.atMs < beforeMs; rest = rest.next) count++
    if (rest === undefined) return letGo(first)
    const { older, newer } = first
    rest.older = older
    rest.newer = newer
    if (older === undefined) oldest = rest
    else older.newer = rest
    if (newer === undefined) newest = rest
    else newer.older = rest
    rest.last = first.last
    rest.count = first.count - count
    held -= count
    traces.set(rest.traceId, rest)
    resolveTrace(piecesOf(first, rest), into)
  }

  return {
    add(piece) {
      held++
      piece.count = 1
      const first = traces.get(piece.traceId)
      if (first === undefined) {
        traces.set(piece.traceId, piece)
        piece.older = newest
        if (newest === undefined) oldest = piece
        else newest.newer = piece
        newest = piece
      } else {
        ;(first.last ?? first).next = piece
        first.last = piece
        if (++first.count > MAX_TRACE) letGo(first)
      }
      while (isFull()) letGoOldest()
    },
    release(beforeMs) {
      for (let first = oldest; first !== undefined;) {
        const { newer, last }: Held = first
        if ((last ?? first).atMs < beforeMs) letGo(first)
        else if (first.atMs < beforeMs - MAX_AGE_MS) letGoBefore(first, beforeMs)
        first = newer
      }
    },
    flush() {
      while (!isEmpty()) letGoOldest()
    },
  }
}
