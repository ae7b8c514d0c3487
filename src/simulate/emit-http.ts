/** HTTP client spans, one an attempt, as HTTP instrumentations write them below a call. */
import type { OtlpGroup, OtlpSpan } from '../span/otlp-envelope.js'
import type { HttpTry, Seen } from './spans-seen.js'

/** Where a call goes. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly path: string
}

export function openaiEndpoint({ provider }: Seen, path = '/v1/chat/completions'): Endpoint {
  return provider === 'hosted'
    ? { host: 'api.openai.com', port: 443, path }
    : { host: 'inference.internal', port: 8000, path }
}

/**
 * `@opentelemetry/instrumentation-undici` with `headersToSpanAttributes`: a span an attempt, from the request to the
 * end of the body, in the stable HTTP conventions. `parentOf`: the span that each attempt was made in.
 */
export function undiciSpans(
  seen: Seen,
  endpoint: Endpoint,
  parentOf: (index: number) => string = () => seen.spanId,
): OtlpGroup[] {
  if (!seen.tries) return []
  const { host, port, path } = endpoint
  const scheme = port === 443 ? 'https' : 'http'
  const spanOf = ({ startMs, endMs, status, headers }: HttpTry, index: number): OtlpSpan => ({
    traceId: seen.traceId,
    spanId: seen.nextId(),
    parentSpanId: parentOf(index),
    name: 'POST',
    kind: 'client',
    startMs,
    endMs,
    attributes: {
      'http.request.method': 'POST',
      'http.request.method_original': 'POST',
      'url.full': `${scheme}://${host}${port === 443 ? '' : `:${port}`}${path}`,
      'url.path': path,
      'url.query': '',
      'url.scheme': scheme,
      'server.address': host,
      'server.port': port,
      'user_agent.original': 'node',
      'http.response.status_code': status,
      ...headerAttributes(headers, (name) => name),
      'error.type': status >= 400 ? String(status) : undefined,
    },
    ...(status >= 400 && { status: { code: 'error' } }),
  })
  return [
    {
      resource: nodeResource(seen.service),
      scope: { name: '@opentelemetry/instrumentation-undici', version: '0.27.0' },
      spans: seen.tries.map(spanOf),
    },
  ]
}

/** `opentelemetry-instrumentation-httpx`, older conventions; it writes headers with underscores. */
export function httpxSpans(seen: Seen, { host, port, path }: Endpoint): OtlpGroup[] {
  if (!seen.tries) return []
  const url = `${port === 443 ? 'https' : 'http'}://${host}${port === 443 ? '' : `:${port}`}${path}`
  return [
    {
      resource: pythonResource(seen.service),
      scope: { name: 'opentelemetry.instrumentation.httpx', version: '0.60b1' },
      spans: seen.tries.map(({ startMs, endMs, status, headers }): OtlpSpan => ({
        traceId: seen.traceId,
        spanId: seen.nextId(),
        parentSpanId: seen.spanId,
        name: 'POST',
        kind: 'client',
        startMs,
        endMs,
        attributes: {
          'http.method': 'POST',
          'http.url': url,
          'http.status_code': status,
          ...headerAttributes(headers, (name) => name.replaceAll('-', '_')),
        },
        ...(status >= 400 && { status: { code: 'error' } }),
      })),
    },
  ]
}

function headerAttributes(
  headers: Readonly<Record<string, string>>,
  spell: (name: string) => string,
): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [`http.response.header.${spell(name)}`, [value]]),
  )
}

export function nodeResource(service: string): Record<string, string> {
  return {
    'service.name': service,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
  }
}

export function pythonResource(service: string): Record<string, string> {
  return {
    'service.name': service,
    'telemetry.sdk.language': 'python',
    'telemetry.sdk.name': 'opentelemetry',
  }
}

/** An API's word for a status. */
export function errorWord(status: number): string {
  return status === 429 ? 'rate_limit_error' : 'overloaded_error'
}
