import { createServer as createHttps, type ServerOptions } from 'node:https'
import { connect, createServer as createPlain, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nsToMs } from '../../src/units/time.js'
import type { TransportOptions, Transport } from '../../src/wire/transport.js'
import { makeCertificates, type Certificates, type Pair } from './certificates.js'
import {
  CHUNKED_HEAD,
  LAST_CHUNK,
  PATIENT,
  chunk,
  closing,
  onRequests,
  pause,
  rawServer,
  request,
  serve,
  transport,
  whole,
} from './rig.js'

let certificates: Certificates
beforeAll(() => {
  certificates = makeCertificates()
})

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function https(options: ServerOptions): Promise<number> {
  const server = createHttps(options, (_request, response) => response.end('ok'))
  const sockets: Socket[] = []
  const port = await serve(server, sockets)
  open.push({ close: () => closing(server, sockets) })
  return port
}

function tls(port: number, over: Partial<TransportOptions> = {}): Transport {
  const origin = `https://127.0.0.1:${port}`
  const wire = transport(port, { origin, tls: { ca: certificates.ca }, ...over })
  open.push(wire)
  return wire
}

const once = { connection: 'new' } as const

describe('TLS', () => {
  it('with a custom CA the exchange succeeds; connect and handshake are timed apart', async () => {
    const wire = tls(await https(certificates.server))
    const first = await wire.send(request(), { connection: 'reused' })
    const second = await wire.send(request(), { connection: 'reused' })
    expect(first.failure).toBeUndefined()
    expect(Buffer.from(first.body).toString()).toBe('ok')
    expect(first.connection).toMatchObject({ reused: false, dnsMs: 0, http: '1.1' })
    expect(first.connection.connectMs).toBeGreaterThan(0)
    expect(first.connection.tlsMs).toBeGreaterThan(0)
    expect(second.connection).toEqual({ reused: true, dnsMs: 0, connectMs: 0, tlsMs: 0, http: '1.1' })
  })

  it('a handshake that the peer delays by 500 ms is in tlsMs and before startNs, never inside ttfb', async () => {
    const inner = await https(certificates.server)
    const sockets: Socket[] = []
    const delaying = createPlain((socket) => {
      socket.pause()
      setTimeout(() => {
        const on = connect(inner, '127.0.0.1')
        on.on('error', () => socket.destroy())
        socket.pipe(on).pipe(socket)
      }, 500)
    })
    const port = await serve(delaying, sockets)
    open.push({ close: () => closing(delaying, sockets) })
    const { connection, startNs = NaN, headersNs = NaN, enqueuedNs } = await tls(port).send(request(), once)
    expect(connection.tlsMs).toBeGreaterThan(400)
    expect(nsToMs(startNs - enqueuedNs)).toBeGreaterThan(400)
    expect(nsToMs(headersNs - startNs)).toBeLessThan(450)
  })

  it('two TLS records of one network read share one arrival time and are one chunk', async () => {
    // 20 kB: a record holds 16 KiB at most, a read of the socket 64 KiB.
    const long = 'x'.repeat(19) + '\n'
    const sockets: Socket[] = []
    const server = createTls(certificates.server, (socket) => {
      onRequests(socket, async (on) => {
        on.write(CHUNKED_HEAD)
        await pause(30)
        on.write(chunk(long.repeat(500)) + chunk(long.repeat(500)))
        await pause(30)
        on.write(chunk('end\n') + LAST_CHUNK)
      })
    })
    const port = await serve(server, sockets)
    open.push({ close: () => closing(server, sockets) })
    const exchange = await tls(port).send(request(), once)
    expect([...exchange.chunkEnd]).toEqual([20_000, 20_004])
  })

  it('every new connection makes a full handshake: no session is resumed', async () => {
    const sockets: Socket[] = []
    const resumed: boolean[] = []
    const server = createTls(certificates.server, (socket) => {
      resumed.push(socket.isSessionReused())
      onRequests(socket, (on) => on.write(whole('ok')))
    })
    const port = await serve(server, sockets)
    open.push({ close: () => closing(server, sockets) })
    const wire = tls(port)
    for (let i = 0; i < 3; i++) expect((await wire.send(request(), once)).failure).toBeUndefined()
    expect(resumed).toEqual([false, false, false])
  })

  it('localhost is looked up: dnsMs is above 0, and its certificate is checked for that name', async () => {
    const port = await https(certificates.server)
    const wire = tls(port, { origin: `https://localhost:${port}` })
    const { failure, connection } = await wire.send(request(), once)
    expect(failure).toBeUndefined()
    expect(connection.dnsMs).toBeGreaterThan(0)
  })
})

describe('certificates that do not hold (21)', () => {
  const faults: [string, keyof Certificates, string][] = [
    ['expired', 'expired', 'CERT_HAS_EXPIRED'],
    ['for another host', 'elsewhere', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['self-signed', 'selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ]
  it.each(faults)('%s: tls, says "custom CA", never to switch checks off', async (_name, which, code) => {
    const pair = certificates[which] as Pair
    const port = await https(pair)
    const { failure } = await tls(port).send(request(), once)
    expect(failure).toMatchObject({ kind: 'tls', phase: 'connect', code })
    expect(failure?.detail).toContain(`127.0.0.1:${port}`)
    expect(failure?.detail).toContain('custom CA')
    expect(failure?.detail).toContain('tls.caFile')
    expect(failure?.detail).not.toMatch(/reject|insecure|disable|switch|NODE_TLS/i)
  })

  it('a CA that is not ours, without tls.caFile: tls, also where the environment asks to skip checks', async () => {
    const port = await https(certificates.server)
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      const { failure } = await tls(port, { tls: {} }).send(request(), once)
      expect(failure).toMatchObject({ kind: 'tls', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
      expect(failure?.detail).toContain('custom CA')
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    }
  })

  it('a CA text that is no PEM is a failure with a sentence, not a throw', async () => {
    const port = await https(certificates.server)
    const { failure } = await tls(port, { tls: { ca: 'nonsense', cert: 'x', key: 'y' } }).send(
      request(),
      once,
    )
    expect(failure?.kind).toBe('tls')
    expect(failure?.detail).toMatch(/PEM/)
  })
})

describe('the wrong kind of port (22)', () => {
  it('https to a plain port: tls, says http://', async () => {
    const server = await rawServer((socket) => socket.write(whole('ok')))
    const plain = createPlain((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n')))
    const sockets: Socket[] = []
    const port = await serve(plain, sockets)
    open.push(server, { close: () => closing(plain, sockets) })
    const { failure } = await tls(port).send(request(), once)
    expect(failure).toMatchObject({ kind: 'tls', phase: 'connect' })
    expect(failure?.detail).toContain('http://')
  })

  it('http to a TLS port: a failure that says https://', async () => {
    const port = await https(certificates.server)
    const wire = transport(port)
    open.push(wire)
    const { failure } = await wire.send(request(), once)
    expect(['closed', 'reset', 'malformed']).toContain(failure?.kind)
    expect(failure?.detail).toContain('https://')
  })

  it('no TLS hello: timeout in phase connect at connectMs, 80 ms (13)', async () => {
    const silent = createPlain((socket) => socket.resume())
    const sockets: Socket[] = []
    const port = await serve(silent, sockets)
    open.push({ close: () => closing(silent, sockets) })
    const deadlines = { ...PATIENT, connectMs: 80 }
    for (const connection of ['new', 'reused'] as const) {
      const { failure, startNs } = await tls(port).send(request({ deadlines }), { connection })
      expect(failure).toMatchObject({ kind: 'timeout', phase: 'connect' })
      expect(failure?.detail).toContain('TLS handshake within 80 ms')
      expect(startNs).toBeUndefined()
    }
    await pause(20)
    expect(sockets.every((socket) => socket.destroyed || socket.readableEnded)).toBe(true)
  })
})

describe('client certificates', () => {
  const asking = (): ServerOptions => ({
    ...certificates.server,
    ca: certificates.ca,
    requestCert: true,
    rejectUnauthorized: true,
  })

  it('with one the exchange succeeds', async () => {
    const { ca, client } = certificates
    const wire = tls(await https(asking()), { tls: { ca, ...client } })
    expect((await wire.send(request(), once)).failure).toBeUndefined()
  })

  it('without one it fails, and the sentence names tls.certFile', async () => {
    const { failure } = await tls(await https(asking())).send(request(), once)
    // Node's server closes without an alert, others send one; both say how it is mended.
    expect(['tls', 'closed', 'reset']).toContain(failure?.kind)
    expect(failure?.detail).toContain('tls.certFile')
  })
})
