import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { createServer as createTls, type TLSSocket } from 'node:tls'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { nsToMs } from '../../src/units/time.js'
import type { Exchange, WireFailure } from '../../src/wire/exchange.js'
import type { Transport, TransportOptions } from '../../src/wire/transport.js'
import { makeCertificates, type Certificates } from './certificates.js'
import { PATIENT, closing, pause, request, serve, transport } from './rig.js'

let certificates: Certificates
beforeAll(() => {
  certificates = makeCertificates()
})

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

function over2(port: number, more: Partial<TransportOptions> = {}): Transport {
  const origin = `https://127.0.0.1:${port}`
  const wire = transport(port, { origin, http: '2', tls: { ca: certificates.ca }, ...more })
  open.push(wire)
  return wire
}

/** Node's own HTTP/2 server. */
async function server(
  answer: (stream: ServerHttp2Stream, path: string, headers: IncomingHttpHeaders) => unknown,
  maxConcurrentStreams = 100,
): Promise<{ port: number; sockets: Socket[] }> {
  const http2 = createSecureServer({
    ...certificates.server,
    settings: { maxConcurrentStreams },
    allowHTTP1: true,
  })
  http2.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    void answer(stream, headers[':path'] ?? '', headers)
  })
  http2.on('request', (ask, answering) => {
    if (ask.httpVersion === '1.1') answering.end('ok')
  })
  const sockets: Socket[] = []
  const port = await serve(http2, sockets)
  open.push({ close: () => closing(http2, sockets) })
  return { port, sockets }
}

describe('HTTP/2', () => {
  it('phases, bytes and times come out as over HTTP/1.1; the connection says 2', async () => {
    const { port } = await server(async (stream, path) => {
      await pause(40)
      stream.respond({ ':status': 200, 'content-type': 'text/event-stream', 'x-path': path })
      for (const part of ['data: a\n\n', 'data: b\n\n', 'data: [DONE]\n\n']) {
        await pause(30)
        stream.write(part)
      }
      stream.end()
    })
    const exchange = await over2(port).send(request({ endMarker: 'data: [DONE]' }), { connection: 'reused' })
    expect(exchange.failure).toBeUndefined()
    expect(exchange).toMatchObject({
      status: 200,
      endMarkerChunk: 2,
      connection: { reused: false, http: '2' },
    })
    expect(exchange.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-path': '/v1/x' })
    expect(Object.keys(exchange.headers).some((name) => name.startsWith(':'))).toBe(false)
    expect(Buffer.from(exchange.body).toString()).toBe('data: a\n\ndata: b\n\ndata: [DONE]\n\n')
    expect([...exchange.chunkEnd]).toEqual([9, 18, 32])
    const at = [exchange.headersNs ?? NaN, ...exchange.chunkNs].map((ns) =>
      nsToMs(ns - (exchange.startNs ?? NaN)),
    )
    for (const [index, expected] of [40, 70, 100, 130].entries()) {
      expect(at[index]).toBeGreaterThanOrEqual(expected - 5)
      expect(at[index]).toBeLessThan(expected + 2_000)
    }
  })

  it('sends method, path, host, length, identity, headers in lower case, and the body', async () => {
    const { port } = await server((stream, _path, headers) => {
      let sent = ''
      stream.on('data', (bytes: Buffer) => (sent += bytes.toString()))
      stream.on('end', () => {
        stream.respond({ ':status': 200 })
        stream.end(JSON.stringify({ ...headers, sent }))
      })
    })
    const headers = { Authorization: 'Bearer k' }
    const exchange = await over2(port).send(request({ headers, body: '{"ü":1}' }), { connection: 'new' })
    expect(exchange.failure).toBeUndefined()
    expect(JSON.parse(Buffer.from(exchange.body).toString())).toMatchObject({
      ':method': 'POST',
      ':path': '/v1/x',
      ':authority': `127.0.0.1:${port}`,
      'content-length': '8',
      'accept-encoding': 'identity',
      authorization: 'Bearer k',
      sent: '{"ü":1}',
    })
  })

  it('80 exchanges at once share one connection, none lost; only the first pays for it', async () => {
    const { port, sockets } = await server(async (stream, path) => {
      stream.respond({ ':status': 200 })
      for (let i = 0; i < 4; i++) {
        await pause(10)
        stream.write(`${path}-${i}\n`)
      }
      stream.end()
    })
    const wire = over2(port)
    const all = await Promise.all(
      Array.from({ length: 80 }, (_, id) => wire.send(request({ path: `/${id}` }), { connection: 'reused' })),
    )
    expect(sockets.length).toBe(1)
    expect(all.filter(({ connection }) => !connection.reused).length).toBe(1)
    for (const [id, exchange] of all.entries()) {
      expect(exchange.failure).toBeUndefined()
      expect(Buffer.from(exchange.body).toString()).toBe([0, 1, 2, 3].map((i) => `/${id}-${i}\n`).join(''))
    }
  })

  it('beyond what the server takes at once (2), an exchange waits before startNs, not after it', async () => {
    const { port, sockets } = await server(async (stream) => {
      await pause(150)
      stream.respond({ ':status': 200 })
      stream.end('ok')
    }, 2)
    const wire = over2(port, { maxConnections: 1 })
    await wire.warm(1)
    const all = await Promise.all(
      Array.from({ length: 6 }, () => wire.send(request(), { connection: 'reused' })),
    )
    expect(sockets.length).toBe(1)
    const waits = all.map((each) => nsToMs((each.startNs ?? NaN) - each.enqueuedNs)).sort((a, b) => a - b)
    expect(waits[1]).toBeLessThan(140)
    expect(waits[5]).toBeGreaterThan(290)
    for (const { startNs = NaN, headersNs = NaN } of all)
      expect(nsToMs(headersNs - startNs)).toBeLessThan(290)
  })

  it('warm(5) on a server that takes 2 at once opens 3 connections', async () => {
    const { port, sockets } = await server((stream) => {
      stream.respond({ ':status': 200 })
      stream.end('ok')
    }, 2)
    expect(await over2(port).warm(5)).toMatchObject({ failure: undefined })
    expect(sockets.length).toBe(3)
  })

  it('new: every exchange has a connection of its own, closed after it', async () => {
    const { port, sockets } = await server((stream) => {
      stream.respond({ ':status': 200 })
      stream.end('ok')
    })
    const wire = over2(port)
    for (let i = 0; i < 3; i++) {
      const { connection, failure } = await wire.send(request(), { connection: 'new' })
      expect(failure).toBeUndefined()
      expect(connection.reused).toBe(false)
      expect(connection.tlsMs).toBeGreaterThan(0)
    }
    await pause(30)
    expect(sockets.length).toBe(3)
    expect(sockets.every((socket) => socket.destroyed)).toBe(true)
  })

  it('a server that chooses 1.1 is spoken to in 1.1, and the exchange says so', async () => {
    const { createServer } = await import('node:https')
    const https = createServer(certificates.server, (_request, response) => response.end('ok'))
    const sockets: Socket[] = []
    const port = await serve(https, sockets)
    open.push({ close: () => closing(https, sockets) })
    const wire = over2(port)
    const all = await Promise.all(
      Array.from({ length: 3 }, () => wire.send(request(), { connection: 'reused' })),
    )
    expect(all.every(({ failure, connection }) => !failure && connection.http === '1.1')).toBe(true)
  })

  it('deadlines and abort end one stream and leave the others and the connection alone', async () => {
    const stop = new AbortController()
    const { port, sockets } = await server(async (stream, path) => {
      stream.respond({ ':status': 200 })
      stream.write('a')
      // Two turns of the loop behind the pause: the client, in this same loop, has read by then however slow it is.
      if (path === '/stop') setTimeout(() => setImmediate(() => setImmediate(() => stop.abort())), 60)
      await pause(path === '/ok' ? 200 : 5_000)
      if (!stream.destroyed) stream.end('b')
    })
    const wire = over2(port)
    const deadlines = { ...PATIENT, gapMs: 60 }
    const [ok, late, stopped] = await Promise.all([
      wire.send(request({ path: '/ok' }), { connection: 'reused' }),
      wire.send(request({ path: '/late', deadlines }), { connection: 'reused' }),
      wire.send(request({ path: '/stop' }), { connection: 'reused', signal: stop.signal }),
    ])
    expect(ok.failure).toBeUndefined()
    expect(late.failure).toMatchObject({ kind: 'timeout', phase: 'body' })
    expect(stopped.failure).toMatchObject({ kind: 'aborted', phase: 'body' })
    expect(sockets.length).toBe(1)
    expect(sockets[0]?.destroyed).toBe(false)
  })

  it('close() ends streams and connections', async () => {
    const { port, sockets } = await server((stream) => {
      stream.respond({ ':status': 200 })
      stream.write('a')
    })
    const wire = over2(port)
    const held = wire.send(request(), { connection: 'reused' })
    await pause(60)
    await wire.close()
    expect((await held).failure?.kind).toBe('aborted')
    const areGone = (): void => expect(sockets.every((socket) => socket.destroyed)).toBe(true)
    await vi.waitFor(areGone, { timeout: 30_000 })
  })
})

// A server that writes frames by hand (RFC 9113 §4.1), for what Node's own never does.
const DATA = 0
const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const GOAWAY = 7
const END_STREAM = 1
const END_HEADERS = 4

function frame(type: number, flags: number, stream: number, payload: Uint8Array | string = ''): Buffer {
  const body = Buffer.from(payload as Uint8Array)
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

function word(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4)
  return bytes
}

/** `:status: 200` is entry 8 of the static table (RFC 7541, appendix A). */
const ok200 = (stream: number): Buffer => frame(HEADERS, END_HEADERS, stream, Buffer.from([0x88]))

async function framed(
  answer: (socket: TLSSocket, stream: number) => unknown,
): Promise<{ port: number; sockets: Socket[] }> {
  const tls = createTls({ ...certificates.server, ALPNProtocols: ['h2'] }, (socket) => {
    socket.on('error', () => undefined)
    // Or a frame waits 40 ms for the answer to the one before (Nagle, delayed acknowledgement).
    socket.setNoDelay(true)
    socket.write(frame(SETTINGS, 0, 0))
    let bytes = Buffer.alloc(0)
    let preface = 24
    socket.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more])
      for (;;) {
        const skip = preface
        if (bytes.length < skip + 9) return
        const length = bytes.readUIntBE(skip, 3)
        if (bytes.length < skip + 9 + length) return
        const [type, flags, stream] = [bytes[skip + 3], bytes[skip + 4], bytes.readUInt32BE(skip + 5)]
        bytes = bytes.subarray(skip + 9 + length)
        preface = 0
        if (type === SETTINGS && flags === 0) socket.write(frame(SETTINGS, 1, 0))
        if (type === HEADERS) void answer(socket, stream)
      }
    })
  })
  const sockets: Socket[] = []
  const port = await serve(tls, sockets)
  open.push({ close: () => closing(tls, sockets) })
  return { port, sockets }
}

describe('failures of a stream', () => {
  const faults: [string, (on: TLSSocket, id: number) => unknown, Partial<WireFailure>][] = [
    [
      'RST_STREAM (CANCEL) after data is truncated (5)',
      (on, id) => {
        on.write(Buffer.concat([ok200(id), frame(DATA, 0, id, 'data: a\n\n')]))
        setTimeout(() => on.write(frame(RST_STREAM, 0, id, word(8))), 20)
      },
      { kind: 'truncated', phase: 'body', code: 'CANCEL' },
    ],
    [
      'RST_STREAM (INTERNAL_ERROR) after data is truncated (5)',
      (on, id) => {
        on.write(Buffer.concat([ok200(id), frame(DATA, 0, id, 'data: a\n\n')]))
        setTimeout(() => on.write(frame(RST_STREAM, 0, id, word(2))), 20)
      },
      { kind: 'truncated', phase: 'body', code: 'INTERNAL_ERROR' },
    ],
    [
      'RST_STREAM before headers is reset',
      (on, id) => on.write(frame(RST_STREAM, 0, id, word(2))),
      { kind: 'reset', phase: 'headers', code: 'INTERNAL_ERROR' },
    ],
    [
      'GOAWAY that leaves this stream out is goaway (6)',
      (on) => on.write(frame(GOAWAY, 0, 0, word(0, 0))),
      { kind: 'goaway', phase: 'headers' },
    ],
    [
      'GOAWAY with an error in mid-stream is goaway (6)',
      (on, id) => {
        on.write(Buffer.concat([ok200(id), frame(DATA, 0, id, 'data: a\n\n')]))
        setTimeout(() => on.write(frame(GOAWAY, 0, 0, word(id, 2))), 20)
      },
      { kind: 'goaway', phase: 'body' },
    ],
    ['FIN before headers is closed (2)', (on) => on.end(), { kind: 'closed', phase: 'headers' }],
    [
      'FIN in the body is truncated (3)',
      (on, id) => {
        on.write(Buffer.concat([ok200(id), frame(DATA, 0, id, 'data: a\n\n')]))
        setTimeout(() => on.end(), 20)
      },
      { kind: 'truncated', phase: 'body' },
    ],
  ]
  it.each(faults)('%s', async (_name, answer, failure) => {
    const { port } = await framed(answer)
    const exchange = await over2(port).send(request(), { connection: 'reused' })
    expect(exchange.failure).toMatchObject(failure)
    expect(exchange.failure?.detail).toContain(`127.0.0.1:${port}`)
    if (failure.phase === 'body') expect(Buffer.from(exchange.body).toString()).toBe('data: a\n\n')
  })

  it('after GOAWAY the server finishes its stream; the next exchange takes another connection (6)', async () => {
    let saidGoodbye = (): void => undefined
    const goodbye = new Promise<void>((resolve) => (saidGoodbye = resolve))
    const { port, sockets } = await framed(async (on, id) => {
      on.write(Buffer.concat([ok200(id), frame(DATA, 0, id, 'a')]))
      await pause(20)
      on.write(frame(GOAWAY, 0, 0, word(id, 0)), () => saidGoodbye())
      await pause(40)
      on.write(frame(DATA, END_STREAM, id, 'b'))
    })
    const wire = over2(port)
    const first = wire.send(request(), { connection: 'reused' })
    // Both ends live in this process: what was written is read in the next turn, however busy the machine.
    await goodbye
    await pause(10)
    const second = wire.send(request(), { connection: 'reused' })
    for (const exchange of [await first, await second]) {
      expect(exchange.failure).toBeUndefined()
      expect(Buffer.from(exchange.body).toString()).toBe('ab')
    }
    expect(sockets.length).toBe(2)
  })

  it('a reset after the end marker is no failure: the terminal event had come', async () => {
    const { port } = await framed((on, id) => {
      on.write(Buffer.concat([ok200(id), frame(DATA, 0, id, 'data: [DONE]\n\n')]))
      setTimeout(() => on.write(frame(RST_STREAM, 0, id, word(8))), 20)
    })
    const exchange = await over2(port).send(request({ endMarker: 'data: [DONE]' }), { connection: 'reused' })
    expect(exchange.failure).toBeUndefined()
    expect(exchange.endMarkerChunk).toBe(0)
  })

  it('frames of one network read share one arrival time, over all streams', async () => {
    let first = 0
    const { port } = await framed((on, id) => {
      if (first === 0) return void (first = id)
      const both = [first, id].flatMap((each) => [
        ok200(each),
        frame(DATA, 0, each, 'one\n'),
        frame(DATA, 0, each, 'two\n'),
        frame(DATA, END_STREAM, each, 'three\n'),
      ])
      return on.write(Buffer.concat(both))
    })
    const wire = over2(port)
    const [a, b] = await Promise.all(
      [0, 1].map(() => wire.send(request(), { connection: 'reused' })) as [
        Promise<Exchange>,
        Promise<Exchange>,
      ],
    )
    for (const exchange of [a, b]) {
      expect(exchange.failure).toBeUndefined()
      expect([...exchange.chunkEnd]).toEqual([14])
    }
    expect(a.chunkNs[0]).toBe(b.chunkNs[0])
  })

  it('h2 chosen but never spoken: timeout in phase connect', async () => {
    const tls = createTls({ ...certificates.server, ALPNProtocols: ['h2'] }, (socket) => void socket.resume())
    const sockets: Socket[] = []
    const port = await serve(tls, sockets)
    open.push({ close: () => closing(tls, sockets) })
    const deadlines = { ...PATIENT, connectMs: 120 }
    const { failure } = await over2(port).send(request({ deadlines }), { connection: 'new' })
    expect(failure).toMatchObject({ kind: 'timeout', phase: 'connect' })
    expect(failure?.detail).toContain('no settings')
  })
})
