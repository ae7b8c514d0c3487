/** What response headers say of route, server time and rate limits; names of all providers, since gateways mix them. */
import { readRateLimits } from './rate-limits.js'
import type { HeaderFacts, Route, ServerTimings } from './protocol.js'

type Headers = Readonly<Record<string, string>>

const REQUEST_IDS = [
  'x-request-id',
  'request-id', // Anthropic
  'x-amzn-requestid',
  'mistral-correlation-id',
  'inference-id', // Cerebras
  'x-ds-trace-id', // DeepSeek
  'x-generation-id', // OpenRouter
  'apim-request-id', // Azure
  'x-debug-trace-id', // Cohere
  'x-kong-request-id',
] as const

/** Which machine, build or account served the request, kept under their own names. */
const PLACES = [
  'azureml-model-session', // changes with the build of the model
  'azureml-served-by-cluster',
  'x-ms-deployment-name',
  'x-ms-served-model',
  'x-ms-is-spilled-over',
  'x-ms-spillover-deployment',
  'x-hostname', // Together: the pod
  'x-proxied-host', // Hugging Face endpoints
  'x-compute-type', // Hugging Face endpoints: 1-nvidia-a10g
  'x-litellm-model-id',
  'x-litellm-model-api-base',
  'openai-version',
  'traceresponse', // Anthropic: the trace of their own
  'traceparent', // ollama.com
  'via',
] as const

/** Kept under their own names. The unit of some is documented nowhere, so only those below are mapped. */
const TIMINGS = [
  'openai-processing-ms',
  'x-envoy-upstream-service-time',
  'x-kong-upstream-latency',
  'x-kong-proxy-latency',
  'cmp-upstream-response-duration',
  'ms-azureml-model-time',
  'x-amzn-bedrock-invocation-latency',
  'fireworks-server-time-to-first-token',
  'fireworks-server-processing-time',
  'x-queue-time',
  'x-validation-time',
  'x-inference-time',
  'x-total-time',
  'x-time-per-token',
  'x-compute-time',
  'x-litellm-response-duration-ms',
  'x-litellm-overhead-duration-ms',
  'server-timing',
] as const

/** Metrics of `server-timing` that stop when the headers are sent: Anthropic's and Google's front ends. */
const TO_HEADERS = ['x-originresponse', 'gfet4t7']

/**
 * The colo is the suffix of `cf-ray` ("9a1b2c-FRA"): where Cloudflare took the request in, not where the model runs,
 * so a region that the provider names itself goes before it.
 */
export function readHeaders(headers: Headers): HeaderFacts {
  const route: Route = {}
  const requestId = REQUEST_IDS.map((name) => headers[name]).find(Boolean)
  const colo = /-([A-Z]{3})$/.exec(headers['cf-ray'] ?? '')?.[1]
  const region = headers['x-groq-region'] ?? headers['x-ms-region'] ?? colo
  const places = picked(headers, PLACES)
  if (requestId) route.requestId = requestId
  if (region) route.region = region
  if (places) route.raw = places
  const limits = readRateLimits(headers)
  return { route, timings: readTimings(headers), ...(limits && { limits }) }
}

/**
 * Clocks of a front end stop when the headers are sent, so on a stream they bound the time to headers, not the whole:
 * the model's own where it is given, else the gateway's, which includes it.
 */
function readTimings(headers: Headers): ServerTimings | undefined {
  const raw = picked(headers, TIMINGS)
  if (!raw) return undefined
  const toHeadersMs =
    milliseconds(raw['openai-processing-ms']) ??
    serverTiming(raw['server-timing']) ??
    inSeconds(raw['fireworks-server-time-to-first-token']) ??
    milliseconds(raw['x-envoy-upstream-service-time'])
  const timings: ServerTimings = { raw }
  if (toHeadersMs !== undefined) timings.toHeadersMs = toHeadersMs
  // Text Generation Inference and the endpoints built on it count in milliseconds; Together's unit of old is not known.
  if (headers['x-compute-type'] !== undefined || headers['x-validation-time'] !== undefined) {
    const queueMs = milliseconds(raw['x-queue-time'])
    const totalMs = milliseconds(raw['x-total-time'])
    if (queueMs !== undefined) timings.queueMs = queueMs
    if (totalMs !== undefined) timings.totalMs = totalMs
  }
  return timings
}

function picked(headers: Headers, names: readonly string[]): Record<string, string> | undefined {
  const found = names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]))
  return found.length > 0 ? Object.fromEntries(found) : undefined
}

/** `x-originResponse;dur=833, cdn;desc=hit` (W3C Server Timing): milliseconds of the first metric that we know. */
function serverTiming(value: string | undefined): number | undefined {
  for (const metric of value?.split(',') ?? []) {
    const [name = '', ...parameters] = metric.split(';').map((part) => part.trim())
    if (!TO_HEADERS.includes(name.toLowerCase())) continue
    const duration = parameters.find((parameter) => /^dur\s*=/i.test(parameter))
    return milliseconds(duration?.replace(/^dur\s*=\s*"?|"$/gi, ''))
  }
  return undefined
}

function milliseconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,9}(\.\d+)?$/.test(value) ? Number(value) : undefined
}

function inSeconds(value: string | undefined): number | undefined {
  const read = milliseconds(value)
  return read === undefined ? undefined : read * 1000
}
