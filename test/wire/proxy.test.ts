import { createServer as createHttp, request as ask, type IncomingMessage } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { chooseProxy } from '../../src/wire/proxy.js'
import type { Transport, TransportOptions } from '../../src/wire/transport.js'
import { makeCertificates, type Certificates } from './certificates.js'
import { closing, pause, rawServer, request, serve, transport, whole } from './rig.js'

let certificates: Certificates
beforeAll(() => {
  certificates = makeCertificates()
})

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

interface Proxy {
  port: number
  /** What was asked of it: `CONNECT host:port` or `POST http://…`, and the credentials given. */
  seen: { what: string; authorization: string | undefined }[]
}

/** A small proxy: tunnels and forwards, every host name to the port on loopback. */
async function proxyServer(
  answer: { status?: number; delayMs?: number; tls?: boolean } = {},
): Promise<Proxy> {
  const seen: Proxy['seen'] = []
  const server = answer.tls ? createHttps(certificates.server) : createHttp()
  const sockets: Socket[] = []
  server.on('request', (from, to) => {
    const url = new URL(from.url ?? '')
    seen.push({ what: `${from.method} ${url.href}`, authorization: from.headers['proxy-authorization'] })
    const onward = ask({
      port: url.port,
      host: '127.0.0.1',
      method: from.method ?? 'GET',
      path: url.pathname,
      headers: from.headers,
    })
    onward.on('response', (response) => {
      to.writeHead(response.statusCode ?? 0, response.headers)
      response.pipe(to)
    })
    from.pipe(onward)
  })
  const tunnel = async (from: IncomingMessage, socket: Socket): Promise<void> => {
    seen.push({ what: `CONNECT ${from.url}`, authorization: from.headers['proxy-authorization'] })
    await pause(answer.delayMs ?? 0)
    if (answer.status) return void socket.end(`HTTP/1.1 ${answer.status} No\r\n\r\n`)
    const onward = connect(Number(from.url?.split(':')[1]), '127.0.0.1')
    sockets.push(onward)
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    socket.pipe(onward).pipe(socket)
  }
  server.on('connect', (from: IncomingMessage, socket: Socket) => void tunnel(from, socket))
  const port = await serve(server, sockets)
  open.push({ close: () => closing(server, sockets) })
  return { port, seen }
}

async function httpsServer(): Promise<number> {
  const server = createHttps(certificates.server, (_request, response) => response.end('ok'))
  const sockets: Socket[] = []
  const port = await serve(server, sockets)
  open.push({ close: () => closing(server, sockets) })
  return port
}

function through(port: number, over: Partial<TransportOptions>): Transport {
  const wire = transport(port, { tls: { ca: certificates.ca }, ...over })
  open.push(wire)
  return wire
}

describe('through a proxy', () => {
  it('https goes through one tunnel a connection, with credentials in CONNECT alone', async () => {
    const proxy = await proxyServer({ delayMs: 60 })
    const port = await httpsServer()
    const wire = through(port, {
      origin: `https://target.test:${port}`,
      proxy: `http://user:p%40ss@127.0.0.1:${proxy.port}`,
    })
    const first = await wire.send(request(), { connection: 'reused' })
    const second = await wire.send(request(), { connection: 'reused' })
    expect(first.failure).toBeUndefined()
    expect(Buffer.from(second.body).toString()).toBe('ok')
    const authorization = `Basic ${Buffer.from('user:p@ss').toString('base64')}`
    expect(proxy.seen).toEqual([{ what: `CONNECT target.test:${port}`, authorization }])
    expect(first.connection.connectMs).toBeGreaterThan(55)
    expect(second.connection.reused).toBe(true)
  })

  it('https through a proxy that itself is reached by https', async () => {
    const proxy = await proxyServer({ tls: true })
    const port = await httpsServer()
    const wire = through(port, {
      origin: `https://target.test:${port}`,
      proxy: `https://127.0.0.1:${proxy.port}`,
    })
    expect((await wire.send(request(), { connection: 'new' })).failure).toBeUndefined()
    expect(proxy.seen.length).toBe(1)
  })

  it('plain http is forwarded with the whole URL and the host of the target', async () => {
    const proxy = await proxyServer()
    const server = await rawServer((socket) => socket.write(whole('ok')))
    open.push(server)
    const wire = through(server.port, {
      origin: `http://target.test:${server.port}`,
      proxy: `http://u:p@127.0.0.1:${proxy.port}`,
    })
    const exchange = await wire.send(request(), { connection: 'reused' })
    expect(exchange.failure).toBeUndefined()
    expect(Buffer.from(exchange.body).toString()).toBe('ok')
    expect(proxy.seen[0]?.what).toBe(`POST http://target.test:${server.port}/v1/x`)
    expect(proxy.seen[0]?.authorization).toMatch(/^Basic /)
    expect(server.seen[0]).toContain(`host: target.test:${server.port}`)
  })

  it.each([407, 502])(
    'a tunnel answered with %i: refused, proxy and target named, no password',
    async (status) => {
      const proxy = await proxyServer({ status })
      const wire = through(1, {
        origin: 'https://target.test:443',
        proxy: `http://u:canary@127.0.0.1:${proxy.port}`,
      })
      const { failure } = await wire.send(request(), { connection: 'new' })
      expect(failure).toMatchObject({ kind: 'refused', phase: 'connect' })
      expect(failure?.detail).toContain(String(status))
      expect(failure?.detail).toContain(`127.0.0.1:${proxy.port}`)
      expect(failure?.detail).toContain('target.test:443')
      expect(failure?.detail).not.toContain('canary')
    },
  )

  it('a proxy that is not there, hangs up, or speaks an unknown protocol is a failure that names it', async () => {
    const hangingUp = await rawServer((socket) => socket.destroy())
    const gone = await rawServer(() => undefined)
    await gone.close()
    open.push(hangingUp)
    const failureOf = async (proxy: string): Promise<unknown> => {
      const wire = through(1, { origin: 'https://target.test:443', proxy })
      return (await wire.send(request(), { connection: 'reused' })).failure
    }
    expect(await failureOf(`http://127.0.0.1:${gone.port}`)).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining(`proxy 127.0.0.1:${gone.port}`) as string,
    })
    expect(await failureOf(`http://127.0.0.1:${hangingUp.port}`)).toMatchObject({
      kind: 'closed',
      phase: 'connect',
      detail: expect.stringContaining(`proxy 127.0.0.1:${hangingUp.port}`) as string,
    })
    expect(await failureOf('socks5://127.0.0.1:1')).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('socks5:') as string,
    })
  })
})

describe('the choice of a proxy', () => {
  const env = {
    HTTPS_PROXY: 'http://secure.proxy:1',
    http_proxy: 'plain.proxy:2',
    HTTP_PROXY: 'http://capital.proxy:3',
    NO_PROXY: 'internal.example, .corp ,10.0.0.1:8000',
  }
  const rows: [string, string, string | null, string][] = [
    ['https://api.example', 'env', 'secure.proxy:1', 'https by HTTPS_PROXY'],
    ['http://api.example', 'env', 'plain.proxy:2', 'small letters win; a bare host and port is http'],
    ['https://internal.example', 'env', null, 'an exception'],
    ['https://a.internal.example', 'env', null, 'a subdomain of one'],
    ['https://notinternal.example', 'env', 'secure.proxy:1', 'not a subdomain'],
    ['https://a.corp', 'env', null, 'an exception with a dot'],
    ['http://10.0.0.1:8000', 'env', null, 'an exception with its port'],
    ['http://10.0.0.1:8001', 'env', 'plain.proxy:2', 'another port'],
    ['http://127.0.0.1:9', 'env', null, 'loopback is reached directly'],
    ['http://localhost:9', 'env', null, 'loopback by name'],
    ['https://api.example', 'none', null, 'none is none'],
    ['http://127.0.0.1:9', 'http://named.proxy:4', 'named.proxy:4', 'a named one serves everything'],
  ]
  it.each(rows)('%s with %s goes to %s: %s', (origin, setting, expected) => {
    const choice = chooseProxy(new URL(origin), setting, env)
    expect('proxy' in choice ? (choice.proxy?.host ?? null) : choice.problem).toBe(expected)
  })

  it('`*` in NO_PROXY is everything, an empty variable is none', () => {
    const origin = new URL('https://api.example')
    expect(chooseProxy(origin, 'env', { ...env, NO_PROXY: '*' })).toEqual({ proxy: null })
    expect(chooseProxy(origin, 'env', { HTTPS_PROXY: '' })).toEqual({ proxy: null })
  })
})
