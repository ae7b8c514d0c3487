/** Answers `/healthz` and `/metrics` over HTTP: loopback only, unless a token is set. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { systemReason } from '../border/system-error.js'

export interface HealthOptions {
  host: string
  /** 0: a free one. */
  port: number
  /** `/metrics` wants it as `Authorization: Bearer …`; `/healthz` says nothing worth a token. */
  token: string | undefined
  /** Whether the loop still turns. */
  isAlive(): boolean
  /** The page, in Prometheus' text format. */
  metrics(): string
}

export interface HealthServer {
  readonly url: string
  close(): Promise<void>
}

export async function startHealth(
  options: HealthOptions,
): Promise<{ ok: true; server: HealthServer } | { ok: false; message: string }> {
  const { host, port, token } = options
  if (!isLoopback(host) && (token === undefined || token === '')) {
    return {
      ok: false,
      message: `${host} is reached from other machines: set a token with --token-env, or listen on 127.0.0.1`,
    }
  }
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    request.resume()
    answer(options, request, response)
  })
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    const message = `cannot listen on ${host}:${port}: ${systemReason(error)}; choose another --port`
    return { ok: false, message }
  }
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    ok: true,
    server: {
      url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
      async close() {
        const closed = once(server, 'close')
        server.close()
        server.closeAllConnections()
        await closed
      },
    },
  }
}

function answer(options: HealthOptions, request: IncomingMessage, response: ServerResponse): void {
  const path = request.url?.split('?', 1)[0]
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'GET only\n')
  if (path === '/healthz') {
    return options.isAlive()
      ? send(response, 200, 'ok\n')
      : send(response, 503, 'the scheduler stands still\n')
  }
  if (path !== '/metrics') return send(response, 404, '/healthz and /metrics are here\n')
  if (!isAllowed(request.headers.authorization, options.token)) {
    return send(response, 401, 'the header "Authorization: Bearer <token>" is missing or wrong\n')
  }
  return send(response, 200, options.metrics(), 'text/plain; version=0.0.4; charset=utf-8')
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' })
  response.end(body)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function isAllowed(header: string | undefined, token: string | undefined): boolean {
  if (token === undefined || token === '') return true
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(header ?? ''), hash(`Bearer ${token}`))
}
