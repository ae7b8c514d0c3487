/** What the response headers of OpenAI-like servers say of route and server time. */
import type { Route, ServerTimings } from './protocol.js'

type Headers = Readonly<Record<string, string>>

/** Kept under their own names. The unit of some is documented nowhere, so only those below are mapped. */
const TIMING_HEADERS = [
  'openai-processing-ms',
  'x-envoy-upstream-service-time',
  'x-kong-upstream-latency',
  'x-kong-proxy-latency',
  'fireworks-server-time-to-first-token',
  'fireworks-server-processing-time',
  'x-queue-time',
  'x-inference-time',
  'x-total-time',
  'x-time-per-token',
  'server-timing',
] as const

/**
 * The colo is the suffix of `cf-ray` ("9a1b2c-FRA"): where Cloudflare took the request in, not where the model runs,
 * so a region that the provider names itself goes before it.
 */
export function readOpenaiHeaders(headers: Headers): { route: Route; timings: ServerTimings | undefined } {
  const route: Route = {}
  const requestId = headers['x-request-id'] ?? headers['mistral-correlation-id'] ?? headers['inference-id']
  const colo = /-([A-Z]{3})$/.exec(headers['cf-ray'] ?? '')?.[1]
  const region = headers['x-groq-region'] ?? headers['x-ms-region'] ?? colo
  if (requestId) route.requestId = requestId
  if (region) route.region = region
  return { route, timings: readTimings(headers) }
}

/**
 * Both clocks of OpenAI stop when the headers are sent, so on a stream they bound the time to headers, not the
 * whole: the model's own where it is given, else the gateway's, which includes it.
 */
function readTimings(headers: Headers): ServerTimings | undefined {
  const raw: Record<string, string> = {}
  for (const name of TIMING_HEADERS) {
    const value = headers[name]
    if (value !== undefined) raw[name] = value
  }
  if (Object.keys(raw).length === 0) return undefined
  const toHeadersMs =
    milliseconds(raw['openai-processing-ms']) ?? milliseconds(raw['x-envoy-upstream-service-time'])
  return { ...(toHeadersMs !== undefined && { toHeadersMs }), raw }
}

function milliseconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,9}(\.\d+)?$/.test(value) ? Number(value) : undefined
}
