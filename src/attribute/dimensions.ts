/** By what attributed spans can be grouped, and what each span says of it. */
import type { Span } from '../span/span.js'

export const dimensions = ['service', 'model', 'region', 'tenant', 'route', 'hour'] as const
export type Dimension = (typeof dimensions)[number]

/** Null where the span does not tell. The route is what served the call: its replica, else its backend, else the host. */
export function valueOf(span: Span, dimension: Dimension): string | null {
  switch (dimension) {
    case 'service':
      return span.service ?? null
    case 'model':
      return span.modelRequested ?? span.modelServed ?? null
    case 'region':
      return span.region ?? null
    case 'tenant':
      return span.tenant ?? null
    case 'route':
      return span.replica ?? span.backend ?? span.serverAddress ?? null
    case 'hour':
      return hourOf(span.startedAtMs)
    default:
      return dimension satisfies never
  }
}

const HOUR_MS = 3_600_000
let lastHour = NaN
let lastText = ''

/** `2026-11-23T09:00Z`; neighbours in a file nearly always share theirs. */
function hourOf(atMs: number): string {
  const hour = Math.floor(atMs / HOUR_MS)
  if (hour !== lastHour) {
    lastHour = hour
    lastText = `${new Date(hour * HOUR_MS).toISOString().slice(0, 16)}Z`
  }
  return lastText
}
