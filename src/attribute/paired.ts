/** An attributor that gives each attribution together with its span, which knows tenant, region and route. */
import type { Attribution } from './attribution.js'
import type { Attributor } from './attribute.js'
import type { Span } from '../span/span.js'

export interface Attributed {
  span: Span
  attribution: Attribution
}

export interface PairedAttributor {
  push(span: Span, nowMs?: number): Attributed[]
  /** Those that need not wait any longer at `nowMs`, wall clock: where no span comes any more. */
  release(nowMs: number): Attributed[]
  end(): Attributed[]
}

/** Attributions come in the order of the spans, one for each. */
export function pairUp(attributor: Attributor): PairedAttributor {
  let waiting: Span[] = []
  let head = 0
  const pair = (attributions: readonly Attribution[]): Attributed[] => {
    const pairs = attributions.map((attribution) => {
      const span = waiting[head++]
      if (span === undefined) throw new Error('an attribution without a span')
      return { span, attribution }
    })
    if (head > 4096 && head * 2 > waiting.length) {
      waiting = waiting.slice(head)
      head = 0
    }
    return pairs
  }
  return {
    push(span, nowMs) {
      waiting.push(span)
      return pair(attributor.push(span, nowMs))
    },
    release: (nowMs) => pair(attributor.release(nowMs)),
    end: () => pair(attributor.end()),
  }
}
