/** The W3C trace context of a request: found again from run and sample, so that nothing needs to carry it. */
import { createHash } from 'node:crypto'

export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits. */
  spanId: string
}

/** Unpredictable only as far as the run's id is; the same whenever it is asked for. */
export function traceContextOf(runId: string, sampleId: string): TraceContext {
  const hash = createHash('sha256').update(`${runId}/${sampleId}`).digest('hex')
  return { traceId: hash.slice(0, 32), spanId: hash.slice(32, 48) }
}

/** W3C Trace Context, Level 1, §3.2: version 00, sampled. */
export function traceparentOf({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`
}
