/** Spans in, attributions out, in the order of the spans. */
import type { Span } from '../span/span.js'
import type { Attribution } from './attribution.js'
import type { Known } from './known.js'
import { createPairedAttributor, type Attributed } from './paired.js'

export interface Attributor {
  /** As of `PairedAttributor`. */
  push(span: Span, nowMs?: number): Attribution[]
  release(nowMs: number): Attribution[]
  end(): Attribution[]
}

/** One attribution for each span. */
export function createAttributor({ known }: { known: readonly Known[] }): Attributor {
  const paired = createPairedAttributor({ known })
  const only = (pairs: readonly Attributed[]): Attribution[] => pairs.map(({ attribution }) => attribution)
  return {
    push: (span, nowMs) => only(paired.push(span, nowMs)),
    release: (nowMs) => only(paired.release(nowMs)),
    end: () => only(paired.end()),
  }
}
