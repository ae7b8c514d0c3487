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
  /**
   * Lets go every trace that nothing was added to since `beforeMs`, of the clock of `add`; of a trace that has gone on
   * for a minute by then, what came before.
   */
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
  firstMs: number
  lastMs: number
  /** Of each piece of `more`, when it came. */
  moreMs: number[]
}

/** A trace of more pieces is let go in parts. */
const MAX_TRACE = 10_000

/** An agent's session may go on for hours: its calls do not wait for its end. */
const MAX_AGE_MS = 60_000

const NO_TIMES: number[] = []

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
  const letGoBefore = (trace: Trace, beforeMs: number): void => {
    const { first, more, moreMs } = trace
    const count = moreMs.findIndex((ms) => ms >= beforeMs)
    const next = more?.[count]
    if (more === undefined || next === undefined) return letGo(trace)
    resolveTrace([first, ...more.slice(0, count)], into)
    held -= count + 1
    trace.first = next
    trace.firstMs = moreMs[count] ?? beforeMs
    trace.more = more.slice(count + 1)
    trace.moreMs = moreMs.slice(count + 1)
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
        const trace = {
          id: piece.traceId,
          first: piece,
          more: undefined,
          firstMs: nowMs,
          lastMs: nowMs,
          moreMs: NO_TIMES,
        }
        traces.set(trace.id, trace)
        queue.push(trace)
      } else {
        if (known.more === undefined) {
          known.more = []
          known.moreMs = []
        }
        known.more.push(piece)
        known.moreMs.push(nowMs)
        known.lastMs = nowMs
        if (known.more.length >= MAX_TRACE) letGo(known)
      }
      while (isFull()) letGoOldest()
    },
    release(beforeMs) {
      for (const trace of traces.values()) {
        if (trace.lastMs < beforeMs) letGo(trace)
        else if (trace.firstMs < beforeMs - MAX_AGE_MS) letGoBefore(trace, beforeMs)
      }
      // What has gone would be held by the queue until the window is full, which it may never be.
      queue = [...traces.values()]
      head = 0
    },
    flush() {
      while (head < queue.length) letGoOldest()
    },
    get held() {
      return held
    },
  }
}
