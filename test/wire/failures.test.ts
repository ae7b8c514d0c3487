import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/units/time.js'
import type { Exchange, WireFailure, WireRequest } from '../../src/wire/exchange.js'
import { createTransport } from '../../src/wire/transport.js'
import {
  CHUNKED_HEAD,
  LAST_CHUNK,
  PATIENT,
  chunk,
  closing,
  pause,
  rawServer,
  request,
  serve,
  transport,
  whole,
} from './rig.js'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

/** One exchange with a server that answers thus. */
async function against(
  answer: (socket: Socket, text: string) => unknown,
  over: Partial<WireRequest> = {},
): Promise<Exchange & { port: number }> {
  const server = await rawServer(answer)
  const wire = transport(server.port)
  open.push(server, wire)
  return { ...(await wire.send(request(over), { connection: 'reused' })), port: server.port }
}

const reset = (socket: Socket): unknown => socket.resetAndDestroy()
const fin = (socket: Socket): unknown => socket.end()
const afterBody = (socket: Socket, end: (socket: Socket) => unknown): void => {
  socket.write(CHUNKED_HEAD + chunk('data: a\n\n'))
  setTimeout(() => end(socket), 20)
}

/** The rule, the server's behaviour, what must come of it. */
const FAULTS: [string, (socket: Socket) => unknown, Partial<WireFailure>, RegExp][] = [
  ['reset before headers (1)', reset, { kind: 'reset', phase: 'headers', code: 'ECONNRESET' }, /reset/],
  ['FIN before headers (2)', fin, { kind: 'closed', phase: 'headers' }, /closed the connection before/],
  [
    'FIN inside the headers (2)',
    (s) => s.end('HTTP/1.1 200 OK\r\ncontent-ty'),
    { kind: 'closed', phase: 'headers' },
    /closed the connection before/,
  ],
  ['reset in a chunked body (3)', (s) => afterBody(s, reset), { kind: 'truncated', phase: 'body' }, /reset/],
  ['FIN in a chunked body (3)', (s) => afterBody(s, fin), { kind: 'truncated', phase: 'body' }, /closed/],
  [
    'FIN in a chunked body of a closing connection (3)',
    (s) => {
      s.write(CHUNKED_HEAD.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n') + chunk('data: a\n\n'))
      setTimeout(() => s.end(), 20)
    },
    { kind: 'truncated', phase: 'body' },
    /closed/,
  ],
  [
    'content-length too long (7)',
    (s) => s.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ndata: a\n\n'),
    { kind: 'truncated', phase: 'body' },
    /ended inside/,
  ],
  [
    'content-length too long on a closing connection (7)',
    (s) => s.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\ndata: a\n\n'),
    { kind: 'truncated', phase: 'body' },
    /fewer bytes/,
  ],
  [
    'bad chunk size (8)',
    (s) => s.write(`${CHUNKED_HEAD}zz\r\n`),
    { kind: 'malformed', phase: 'body' },
    /no valid HTTP/,
  ],
  [
    'chunk size overflow (8)',
    (s) => s.write(`${CHUNKED_HEAD}fffffffffffffffff\r\n`),
    { kind: 'malformed', phase: 'body' },
    /no valid HTTP/,
  ],
  [
    'missing CRLF after a chunk (8)',
    (s) => s.write(`${CHUNKED_HEAD}1\r\naXX`),
    { kind: 'malformed', phase: 'body' },
    /no valid HTTP/,
  ],
  [
    'two content-lengths (9)',
    (s) => s.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na'),
    { kind: 'malformed', phase: 'headers' },
    /contradict/,
  ],
  [
    'content-length with transfer-encoding (9)',
    (s) => s.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'),
    { kind: 'malformed', phase: 'headers' },
    /contradict/,
  ],
  [
    'not HTTP at all',
    (s) => s.write('SSH-2.0-x\r\n'),
    { kind: 'malformed', phase: 'headers' },
    /no valid HTTP/,
  ],
  [
    'unasked 100 (10)',
    (s) => s.write(`HTTP/1.1 100 Continue\r\n\r\n${whole('x')}`),
    { kind: 'malformed', phase: 'headers' },
    /100 or 101/,
  ],
  [
    'unasked 101 (10)',
    (s) => s.write('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    { kind: 'malformed', phase: 'headers' },
    /100 or 101/,
  ],
  [
    'headers over 16 KiB (14)',
    (s) => s.write(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`),
    { kind: 'oversized', phase: 'headers' },
    /16 KiB/,
  ],
  [
    'a packed body (15)',
    (s) => s.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc'),
    { kind: 'malformed', phase: 'body' },
    /content-encoding/,
  ],
  [
    'TLS alert on a plain connection (22)',
    (s) => s.write(Buffer.from([21, 3, 1, 0, 2, 2, 22])),
    { kind: 'malformed', phase: 'headers' },
    /write https:\/\//,
  ],
]

describe('failures of an exchange', () => {
  it.each(FAULTS)('%s', async (_name, answer, failure, detail) => {
    const exchange = await against(answer)
    expect(exchange.failure).toMatchObject(failure)
    expect(exchange.failure?.detail).toMatch(detail)
    expect(exchange.failure?.detail).toContain(`127.0.0.1:${exchange.port}`)
    if (failure.kind === 'truncated') expect(Buffer.from(exchange.body).toString()).toBe('data: a\n\n')
  })

  it('the detail never quotes bytes of the peer', async () => {
    const exchange = await against((socket) => socket.write('HTTP/1.1 200 OK\r\nsecret canary-4711\r\n\r\n'))
    expect(exchange.failure?.kind).toBe('malformed')
    expect(JSON.stringify(exchange.failure)).not.toContain('canary')
  })

  it('a reset of a close-delimited body is reported as seen: bytes kept, no failure (4)', async () => {
    const exchange = await against((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ndata: a\n\n')
      setTimeout(() => socket.resetAndDestroy(), 20)
    })
    expect(exchange.failure).toBeUndefined()
    expect(Buffer.from(exchange.body).toString()).toBe('data: a\n\n')
  })

  it('a packed error answer keeps its status and has no body', async () => {
    const exchange = await against((socket) =>
      socket.write('HTTP/1.1 401 No\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc'),
    )
    expect(exchange).toMatchObject({ status: 401, failure: undefined })
    expect(exchange.body.length).toBe(0)
  })

  it('an event over 1 MiB is oversized, an event just below is not (16)', async () => {
    const events = (bytes: number) => (socket: Socket) =>
      socket.write(CHUNKED_HEAD + chunk(`data: ${'x'.repeat(bytes)}\n\n`) + LAST_CHUNK)
    expect((await against(events(1_100_000))).failure?.kind).toBe('oversized')
    expect((await against(events(1_000_000))).failure).toBeUndefined()
    // Not a stream of events: one long line is nothing special.
    const json = await against((socket) => socket.write(whole('x'.repeat(1_100_000))))
    expect(json.failure).toBeUndefined()
  })

  it('a response over 256 MiB is oversized and holds no more than that', async () => {
    const line = Buffer.alloc(1 << 20, 'x\n')
    const exchange = await against((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const more = (): void => {
        while (!socket.destroyed && socket.write(line)) continue
      }
      socket.on('drain', more)
      more()
    })
    expect(exchange.failure).toMatchObject({ kind: 'oversized', phase: 'body' })
    expect(exchange.body.length).toBeLessThan(257 * 1024 * 1024)
  })

  it('dropping a body that only the end of the connection would end throws nowhere', async () => {
    const answer = 'HTTP/1.1 200 OK\r\n\r\ndata: a\n\n'
    const deadlines = { ...PATIENT, gapMs: 40 }
    const exchange = await against((socket) => socket.write(answer), { deadlines })
    expect(exchange.failure).toMatchObject({ kind: 'timeout', phase: 'body' })
    await pause(20) // an uncaught error would fail the run
  })

  it('a large prompt that is refused in the middle ends with 413 or a reset, never hangs (19)', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.end('HTTP/1.1 413 Too large\r\ncontent-length: 0\r\n\r\n'))
    })
    const sockets: Socket[] = []
    const port = await serve(server, sockets)
    const wire = transport(port)
    open.push({ close: () => closing(server, sockets) }, wire)
    const deadlines = { ...PATIENT, totalMs: 3_000 }
    const exchange = await wire.send(request({ body: 'x'.repeat(20_000_000), deadlines }), {
      connection: 'new',
    })
    if (exchange.status === undefined) expect(['reset', 'closed']).toContain(exchange.failure?.kind)
    else expect(exchange.status).toBe(413)
  })

  it('a header that cannot be sent is named without its value', async () => {
    const exchange = await against(() => undefined, { headers: { 'x-key': 'canary\n' } })
    expect(exchange).toMatchObject({ startNs: undefined, failure: { kind: 'malformed', phase: 'send' } })
    expect(exchange.failure?.detail).toContain('x-key')
    expect(exchange.failure?.detail).not.toContain('canary')
  })

  it('a request that cannot be sent costs no connection', async () => {
    const server = await rawServer((socket) => socket.write(whole('ok')))
    const wire = transport(server.port)
    open.push(server, wire)
    await wire.send(request(), { connection: 'reused' })
    const bad = await wire.send(request({ headers: { 'x-key': '\n' } }), { connection: 'reused' })
    expect(bad.failure?.kind).toBe('malformed')
    expect((await wire.send(request(), { connection: 'reused' })).connection.reused).toBe(true)
    expect(server.sockets.length).toBe(1)
  })
})

describe('failures of connecting', () => {
  const direct = { clock: systemClock, http: '1.1', maxConnections: 4, proxy: 'none' } as const

  it('nobody listens: refused, for send and for warm', async () => {
    const server = await rawServer(() => undefined)
    await server.close()
    const wire = transport(server.port)
    for (const connection of ['reused', 'new'] as const) {
      const exchange = await wire.send(request(), { connection })
      expect(exchange.startNs).toBeUndefined()
      expect(exchange.failure).toMatchObject({ kind: 'refused', phase: 'connect', code: 'ECONNREFUSED' })
      expect(exchange.failure?.detail).toContain(`127.0.0.1:${server.port}`)
    }
    expect(await wire.warm(3)).toMatchObject({ opened: 0, failure: { kind: 'refused' } })
    await wire.close()
  })

  it('localhost with nobody on either address is refused too', async () => {
    const server = await rawServer(() => undefined)
    await server.close()
    const wire = createTransport({ ...direct, origin: `http://localhost:${server.port}` })
    expect((await wire.send(request(), { connection: 'new' })).failure?.kind).toBe('refused')
    await wire.close()
  })

  it('a host without an address: dns, and the host is named (20)', async () => {
    const wire = createTransport({ ...direct, origin: 'http://nobody.invalid:1234' })
    const { failure } = await wire.send(request(), { connection: 'reused' })
    expect(failure).toMatchObject({ kind: 'dns', phase: 'connect' })
    expect(failure?.detail).toContain('nobody.invalid')
    await wire.close()
  })

  it.skipIf(process.platform !== 'linux')(
    'no descriptor left: resource, and `ulimit -n` is named (31)',
    async () => {
      const server = await rawServer((socket) => socket.write(whole('ok')))
      const wire = transport(server.port)
      open.push(server, wire)
      await wire.send(request(), { connection: 'new' }) // undici loads its parser from a file at the first
      const before = await readFile('/proc/self/limits', 'utf8')
      const usual = /Max open files +(\d+)/.exec(before)?.[1]
      const used = (await readdir('/proc/self/fd')).length
      // The limit of this process, lowered from outside for a moment.
      const limit = `prlimit --pid ${process.pid} --nofile`
      const shell = spawn('sh', ['-c', `${limit}=${used + 4}: && echo && sleep 0.3; ${limit}=${usual}:`])
      await once(shell.stdout, 'data')
      const all = await Promise.all(
        Array.from({ length: 40 }, () => wire.send(request(), { connection: 'new' })),
      )
      await once(shell, 'exit')
      const failures = all.map(({ failure }) => failure).filter((failure) => failure?.kind === 'resource')
      expect(failures.length).toBeGreaterThan(10)
      expect(failures[0]).toMatchObject({ phase: 'connect', code: 'EMFILE' })
      expect(failures[0]?.detail).toContain('ulimit -n')
      expect((await wire.send(request(), { connection: 'new' })).failure).toBeUndefined()
    },
  )
})

describe('deadlines', () => {
  const limits = { connectMs: 5_000, firstByteMs: 5_000, gapMs: 5_000, totalMs: 5_000 }

  it('no headers: timeout in phase headers', async () => {
    const exchange = await against(() => undefined, { deadlines: { ...limits, firstByteMs: 60 } })
    expect(exchange.failure).toMatchObject({ kind: 'timeout', phase: 'headers' })
    expect(exchange.failure?.detail).toContain('no response headers within 60 ms')
    expect(exchange.endNs - (exchange.startNs ?? NaN)).toBeGreaterThan(60e6)
  })

  it('a gap in the body: timeout in phase body, chunks kept', async () => {
    const exchange = await against((socket) => socket.write(CHUNKED_HEAD + chunk('data: a\n\n')), {
      deadlines: { ...limits, gapMs: 60 },
    })
    expect(exchange.failure).toMatchObject({ kind: 'timeout', phase: 'body' })
    expect(Buffer.from(exchange.body).toString()).toBe('data: a\n\n')
  })

  it('headers at once, first chunk only after gapMs but within firstByteMs: no timeout', async () => {
    const exchange = await against(
      async (socket) => {
        socket.write(CHUNKED_HEAD)
        await pause(200)
        socket.write(chunk('data: a\n\n') + LAST_CHUNK)
      },
      { deadlines: { ...limits, gapMs: 60 } },
    )
    expect(exchange.failure).toBeUndefined()
  })

  it('headers and then nothing for good: timeout after the longer of firstByteMs and gapMs', async () => {
    const exchange = await against((socket) => socket.write(CHUNKED_HEAD), {
      deadlines: { ...limits, gapMs: 60, firstByteMs: 120 },
    })
    expect(exchange.failure).toMatchObject({ kind: 'timeout', phase: 'body' })
    expect(exchange.endNs - (exchange.startNs ?? NaN)).toBeGreaterThan(120e6)
  })

  it('a slow drip of 1 byte per 20 ms ends at the total deadline, 200 ms (12)', async () => {
    const exchange = await against(
      async (socket) => {
        socket.write(CHUNKED_HEAD)
        while (!socket.destroyed) {
          socket.write(chunk('x'))
          await pause(20)
        }
      },
      { deadlines: { ...limits, gapMs: 1_000, totalMs: 200 } },
    )
    expect(exchange.failure).toMatchObject({ kind: 'timeout', phase: 'body' })
    expect(exchange.failure?.detail).toContain('within 200 ms')
    expect(exchange.chunkNs.length).toBeGreaterThan(2)
    expect(exchange.endNs - exchange.enqueuedNs).toBeGreaterThan(200e6)
  })

  it('waiting for a free connection ends at the total deadline in phase connect', async () => {
    const server = await rawServer(() => undefined)
    const wire = transport(server.port, { maxConnections: 1 })
    open.push(server, wire)
    const first = wire.send(request({ deadlines: { ...limits, totalMs: 300 } }), { connection: 'reused' })
    const second = wire.send(request({ deadlines: { ...limits, totalMs: 80 } }), { connection: 'reused' })
    expect((await second).failure).toMatchObject({ kind: 'timeout', phase: 'connect' })
    expect((await second).startNs).toBeUndefined()
    expect((await first).failure).toMatchObject({ kind: 'timeout', phase: 'headers' })
  })
})

describe('the end marker', () => {
  it('after it the body has 250 ms to end; then the exchange is complete and the connection dropped', async () => {
    const server = await rawServer((socket) => socket.write(CHUNKED_HEAD + chunk('data: [DONE]\n\n')))
    const wire = transport(server.port)
    open.push(server, wire)
    const exchange = await wire.send(request({ endMarker: 'data: [DONE]' }), { connection: 'reused' })
    expect(exchange.failure).toBeUndefined()
    expect(exchange.endMarkerChunk).toBe(0)
    const grace = exchange.endNs - (exchange.chunkNs[0] ?? NaN)
    expect(grace).toBeGreaterThan(250e6)
    await pause(30)
    expect(server.sockets[0]?.destroyed || server.sockets[0]?.readableEnded).toBe(true)
  })

  it('cut between two packets at every byte it is found in the second', async () => {
    const line = 'data: [DONE]\n\n'
    const wire = transport((await cutting(line)).port)
    open.push(wire)
    const cuts = Array.from({ length: line.trim().length - 1 }, (_, i) => i + 1)
    const all = await Promise.all(
      cuts.map((cut) =>
        wire.send(request({ path: `/cut-${cut}-`, endMarker: 'data: [DONE]' }), { connection: 'new' }),
      ),
    )
    for (const exchange of all) {
      expect(exchange.failure).toBeUndefined()
      expect(exchange.chunkNs.length).toBe(2)
      expect(exchange.endMarkerChunk).toBe(1)
    }
  })

  async function cutting(line: string): Promise<{ port: number }> {
    const server = await rawServer(async (socket, text) => {
      const cut = Number(/cut-(\d+)-/.exec(text)?.[1])
      socket.write(CHUNKED_HEAD + chunk(`data: {}\n\n${line.slice(0, cut)}`))
      await pause(60)
      socket.write(chunk(line.slice(cut)) + LAST_CHUNK)
    })
    open.push(server)
    return server
  }
})

describe('abort', () => {
  it('a signal ends an exchange in every phase, with what had come', async () => {
    const server = await rawServer((socket, text) => {
      if (text.includes('/body')) socket.write(CHUNKED_HEAD + chunk('data: a\n\n'))
    })
    const wire = transport(server.port, { maxConnections: 2 })
    open.push(server, wire)
    const stop = new AbortController()
    const send = (path: string): Promise<Exchange> =>
      wire.send(request({ path }), { connection: 'reused', signal: stop.signal })
    const all = [send('/headers'), send('/body'), send('/waiting')]
    await pause(50)
    stop.abort()
    const failures = (await Promise.all(all)).map(({ failure }) => [failure?.kind, failure?.phase])
    expect(failures).toEqual([
      ['aborted', 'headers'],
      ['aborted', 'body'],
      ['aborted', 'connect'],
    ])
    expect((await send('/late')).failure?.kind).toBe('aborted')
    expect(server.seen.length).toBe(2)
  })
})
