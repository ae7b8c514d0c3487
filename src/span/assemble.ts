/** Puts the pieces of each trace together, in bounded memory, so that one call of a model becomes one span. */
import type { Piece } from './normalise.js'
import { resolvePiece, resolveTrace } from './resolve.js'
import type { Resolved } from './resolve.js'

export interface AssemblerOptions {
  /** Pieces held at most; the oldest trace goes out first when there are more. */
  window: number
  /** Gets the spans and the counts. */
  into: Resolved
}

export interface Assembler {
  add(piece: Piece, nowMs: number): void
  /** Lets go every trace that nothing was added to since `beforeMs`, of the clock of `add`. */
  release(beforeMs: number): void
  flush(): void
  /** Pieces held. */
  readonly held: number
}

interface Trace {
  id: string
  /** Most traces hold one call and nothing else. */
  first: Piece
  more: Piece[] | undefined
  lastMs: number
}

/** A trace of more pieces is let go in parts. */
const MAX_TRACE = 10_000

export function createAssembler({ window, into }: AssemblerOptions): Assembler {
  const traces = new Map<string, Trace>()
  // The order in which traces came. The map knows it too, but finds its first entry only by passing all deleted ones.
  let queue: Trace[] = []
  let head = 0
  let held = 0

  const letGo = (trace: Trace): void => {
    if (traces.get(trace.id) !== trace) return
    traces.delete(trace.id)
    if (trace.more === undefined) {
      held--
      resolvePiece(trace.first, into)
    } else {
      held -= 1 + trace.more.length
      resolveTrace([trace.first, ...trace.more], into)
    }
  }
  const isFull = (): boolean => held > window
  const letGoOldest = (): void => {
    const oldest = queue[head++]
    if (oldest !== undefined) letGo(oldest)
    if (head > 1024 && head * 2 > queue.length) {
      queue = queue.slice(head)
      head = 0
    }
  }

  return {
    add(piece, nowMs) {
      if (piece.traceId === '') {
        resolvePiece(piece, into)
        return
      }
      held++
      const known = traces.get(piece.traceId)
      if (known === undefined) {
        const trace = { id: piece.traceId, first: piece, more: undefined, lastMs: nowMs }
        traces.set(trace.id, trace)
        queue.push(trace)
      } else {
        known.more ??= []
        known.more.push(piece)
        known.lastMs = nowMs
        if (known.more.length >= MAX_TRACE) letGo(known)
      }
      while (isFull()) letGoOldest()
    },
    release(beforeMs) {
      for (const trace of traces.values()) if (trace.lastMs < beforeMs) letGo(trace)
    },
    flush() {
      while (head < queue.length) letGoOldest()
    },
    get held() {
      return held
    },
  }
}
