/** Puts the pieces of each trace together, in bounded memory, so that one call of a model becomes one span. */
import type { Piece } from './normalise.js'
import { resolveTrace } from './resolve.js'
import type { Resolved } from './resolve.js'

export interface AssemblerOptions {
  /** Pieces held at most; the oldest trace goes out first when there are more. */
  window: number
  emit: (resolved: Resolved) => void
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
  pieces: Piece[]
  lastMs: number
}

/** A trace of more pieces is let go in parts. */
const MAX_TRACE = 10_000

export function createAssembler({ window, emit }: AssemblerOptions): Assembler {
  const traces = new Map<string, Trace>()
  // The order in which traces came. The map knows it too, but finds its first entry only by passing all deleted ones.
  let queue: Trace[] = []
  let head = 0
  let held = 0

  const letGo = (trace: Trace): void => {
    if (traces.get(trace.id) !== trace) return
    traces.delete(trace.id)
    held -= trace.pieces.length
    emit(resolveTrace(trace.pieces))
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
        if (piece.span !== undefined) emit(resolveTrace([piece]))
        return
      }
      held++
      const known = traces.get(piece.traceId)
      if (known === undefined) {
        const trace = { id: piece.traceId, pieces: [piece], lastMs: nowMs }
        traces.set(trace.id, trace)
        queue.push(trace)
      } else {
        known.pieces.push(piece)
        known.lastMs = nowMs
        if (known.pieces.length >= MAX_TRACE) letGo(known)
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
