/** Causes that the trace itself times: what is left after them is for the curve to judge. */
import type { Cause } from '../span/causes.js'
import type { Span } from '../span/span.js'
import type { Observation, Stretch } from './observation.js'

export interface Direct {
  cause: Extract<Cause, 'queueing' | 'retry' | 'network' | 'client-stall' | 'route-change'>
  /** Beyond what is usual. */
  firstMs: number
  restMs: number
  /** A sentence; made where it is shown. */
  evidence: () => string
}

const LEAST_TOLD_MS = 10

/** Milliseconds that spans of the group usually spend so; undefined where none told. */
export interface Usual {
  queueMs: number | undefined
  /** Client's first-token time less the server's, and client's duration less the server's. */
  outsideFirstMs: number | undefined
  outsideMs: number | undefined
  /** Where the route is another one than before: in which words, and its own usual `outsideFirstMs`. */
  moved: { evidence: string; outsideFirstMs: number | undefined } | undefined
}

/** Without any of these there are no direct causes: so it is with most spans. */
export function timesItself({ span, retryMs }: Observation): boolean {
  const { queueMs, serverTtftMs, serverMs, decodeMs } = span
  return retryMs > 0 || (queueMs ?? serverTtftMs ?? serverMs ?? decodeMs) !== undefined
}

export function directCauses(observation: Observation, usual: Usual): Direct[] {
  const { span, retryMs, expected } = observation
  const found: Direct[] = []
  if (retryMs > 0) {
    const attempts = span.attempts ?? span.tries?.length
    const tried = attempts === undefined ? 'the trace shows a failed attempt' : `${attempts} attempts`
    found.push({
      cause: 'retry',
      firstMs: retryMs,
      restMs: 0,
      evidence: () => `${tried}, ${round(retryMs)} before the last one`,
    })
  }
  const { queueMs } = span
  // A group that always queues is no measure: what the baseline queued, at low load, is within its base.
  const usualMs = Math.min(usual.queueMs ?? 0, expected.base / 2)
  if (queueMs !== undefined && queueMs > usualMs) {
    const often = usual.queueMs === undefined ? '' : `, usually ${round(usual.queueMs)}`
    const evidence = () => `the server reports ${round(queueMs)} of queueing${often}`
    found.push({ cause: 'queueing', firstMs: queueMs - usualMs, restMs: 0, evidence })
  }
  found.push(...outside(observation, usual))
  return found
}

/** Time that the client saw and the server did not: before the first output it is the way there, behind it the reader. */
function outside({ span, first, whole, retryMs, expected }: Observation, usual: Usual): Direct[] {
  const found: Direct[] = []
  const { serverMs, decodeMs, durationMs } = span
  // Before anything is usual: what the baseline has for all that lies outside.
  const usualFirstMs = usual.outsideFirstMs ?? expected.base
  const serverTtftMs = serverFirstMs(span, first)
  let firstMs = 0
  if (first !== undefined && serverTtftMs !== undefined) {
    firstMs = worthTelling(first.observedMs - serverTtftMs - usualFirstMs)
    const { moved } = usual
    // A longer way by another route is the route's, as far as all who take it have it.
    const routeMs =
      moved === undefined
        ? 0
        : Math.min(firstMs, Math.max(0, (moved.outsideFirstMs ?? Infinity) - usualFirstMs))
    if (moved !== undefined && routeMs > 0)
      found.push({ cause: 'route-change', firstMs: routeMs, restMs: 0, evidence: () => moved.evidence })
    if (firstMs > routeMs) {
      const evidence = () =>
        `the first output was ${round(first.observedMs)} away for the client, ${round(serverTtftMs)} for the server`
      found.push({ cause: 'network', firstMs: firstMs - routeMs, restMs: 0, evidence })
    }
  }
  if (serverMs !== undefined && serverMs !== serverTtftMs) {
    const usualMs = usual.outsideMs ?? expected.base
    const restMs = worthTelling(durationMs - retryMs - serverMs - usualMs - firstMs)
    if (restMs > 0) {
      const evidence = () => `the server was done ${round(durationMs - serverMs)} before the client`
      found.push({ cause: 'client-stall', firstMs: 0, restMs, evidence })
    }
  } else if (decodeMs !== undefined && first !== undefined && decodeMs > 0) {
    const streamMs = whole.observedMs - first.observedMs
    const restMs = worthTelling(streamMs - decodeMs)
    if (restMs > 0) {
      const evidence = () =>
        `the client read the output for ${round(streamMs)}, the server wrote it in ${round(decodeMs)}`
      found.push({ cause: 'client-stall', firstMs: 0, restMs, evidence })
    }
  }
  return found
}

/**
 * The server's own time to its first output. Headers of a stream are stamped when they are sent, so a server total
 * that ends before the client's first output is one to the headers.
 */
export function serverFirstMs(
  { serverTtftMs, serverMs }: Span,
  first: Stretch | undefined,
): number | undefined {
  if (serverTtftMs !== undefined) return serverTtftMs
  return first !== undefined && serverMs !== undefined && serverMs <= first.observedMs ? serverMs : undefined
}

/** Half of all spans are a little beyond what is usual. */
const worthTelling = (ms: number): number => (ms < LEAST_TOLD_MS ? 0 : ms)

const round = (ms: number): string => `${Math.round(ms)} ms`
