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
  pieces: Piece[]
  lastMs: number
}

/** A trace of more pieces is let go in parts. */
const MAX_TRACE = 10_000

export function createAssembler({ window, emit }: AssemblerOptions): Assembler {
  const traces = new Map<string, Trace>() // by id, the oldest first
  let held = 0

  const letGo = (id: string, trace: Trace): void => {
    traces.delete(id)
    held -= trace.pieces.length
    emit(resolveTrace(trace.pieces))
  }

  return {
    add(piece, nowMs) {
      if (piece.traceId === '') {
        if (piece.span !== undefined) emit(resolveTrace([piece]))
        return
      }
      held++
      const trace = traces.get(piece.traceId)
      if (trace === undefined) traces.set(piece.traceId, { pieces: [piece], lastMs: nowMs })
      else {
        trace.pieces.push(piece)
        trace.lastMs = nowMs
        if (trace.pieces.length >= MAX_TRACE) letGo(piece.traceId, trace)
      }
      for (const [id, oldest] of traces) {
        if (held <= window) break
        letGo(id, oldest)
      }
    },
    release(beforeMs) {
      for (const [id, trace] of traces) if (trace.lastMs < beforeMs) letGo(id, trace)
    },
    flush() {
      for (const [id, trace] of traces) letGo(id, trace)
    },
    get held() {
      return held
    },
  }
}
