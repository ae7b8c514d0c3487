import { afterEach, describe, expect, it } from 'vitest'
import { nsToMs, systemClock } from '../../src/units/time.js'
import {
  CHUNKED_HEAD,
  LAST_CHUNK,
  PATIENT,
  chunk,
  pause,
  rawServer,
  request,
  transport,
  whole,
  type Rig,
} from './rig.js'
import type { Transport, TransportOptions } from '../../src/wire/transport.js'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function rig(
  answer: Parameters<typeof rawServer>[0],
  over: Partial<TransportOptions> = {},
): Promise<{ server: Rig; wire: Transport }> {
  const server = await rawServer(answer)
  const wire = transport(server.port, over)
  open.push(server, wire)
  return { server, wire }
}

describe('times and bytes over HTTP/1.1', () => {
  it('phases follow the pacing of the server: headers 40 ms, then chunks 30 ms apart', async () => {
    const parts = ['data: a\n\n', 'data: b\n\n', 'data: ü€\n\n']
    const { wire } = await rig(async (socket) => {
      await pause(40)
      socket.write(CHUNKED_HEAD)
      for (const part of parts) {
        await pause(30)
        socket.write(chunk(part))
      }
      await pause(30)
      socket.write(LAST_CHUNK)
    })
    const exchange = await wire.send(request(), { connection: 'reused' })
    expect(exchange.failure).toBeUndefined()
    expect(exchange.status).toBe(200)
    expect(exchange.headers['content-type']).toBe('text/event-stream')
    expect(Buffer.from(exchange.body).toString()).toBe(parts.join(''))
    expect(exchange.chunkNs.length).toBe(3)
    expect([...exchange.chunkEnd]).toEqual([9, 18, 9 + 9 + 13])
    const start = exchange.startNs ?? NaN
    const at = [exchange.headersNs ?? NaN, ...exchange.chunkNs, exchange.endNs].map((ns) =>
      nsToMs(ns - start),
    )
    // A timer of Node may fire up to 1 ms early.
    for (const [index, expected] of [40, 70, 100, 130, 160].entries()) {
      expect(at[index]).toBeGreaterThanOrEqual(expected - 5)
      expect(at[index]).toBeLessThan(expected + 2_000)
    }
  })

  it('HTTP chunks that come in one packet share one arrival time and are one chunk', async () => {
    const { wire } = await rig(async (socket) => {
      socket.write(CHUNKED_HEAD)
      await pause(20)
      socket.write(chunk('one\n') + chunk('two\n') + chunk('three\n'))
      await pause(20)
      socket.write(chunk('four\n') + LAST_CHUNK)
    })
    const exchange = await wire.send(request(), { connection: 'reused' })
    expect([...exchange.chunkEnd]).toEqual([14, 19])
    expect(exchange.chunkNs.length).toBe(2)
  })

  it('a 3 MB body in pieces of odd sizes comes back byte for byte, with offsets that only grow', async () => {
    const body = Buffer.alloc(3_000_017)
    for (let i = 0; i < body.length; i++) body[i] = i % 80 === 79 ? 10 : (i * 31) & 127 || 1
    const { wire } = await rig((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`)
      for (let at = 0; at < body.length; at += 65_537) socket.write(body.subarray(at, at + 65_537))
    })
    const exchange = await wire.send(request(), { connection: 'reused' })
    expect(Buffer.compare(Buffer.from(exchange.body), body)).toBe(0)
    expect(exchange.chunkEnd.at(-1)).toBe(body.length)
    expect(exchange.chunkEnd.every((end, i) => end > (exchange.chunkEnd[i - 1] ?? 0))).toBe(true)
    expect(exchange.chunkNs.every((ns, i) => ns >= (exchange.chunkNs[i - 1] ?? 0))).toBe(true)
  })

  it('asks for identity, sends method, path, headers and body as given, and host from the origin', async () => {
    const { server, wire } = await rig((socket) => socket.write(whole('{}')))
    const headers = { Authorization: 'Bearer k', 'Accept-Encoding': 'gzip' }
    await wire.send(request({ path: '/v1/chat?x=1', headers, body: '{"ü":1}' }), { connection: 'reused' })
    await wire.send(request({ method: 'GET', path: '/health', headers: {}, body: null }), {
      connection: 'reused',
    })
    const [post = '', get = ''] = server.seen
    expect(post).toMatch(/^POST \/v1\/chat\?x=1 HTTP\/1.1\r\n/)
    expect(post).toContain(`host: 127.0.0.1:${server.port}\r\n`)
    expect(post).toContain('authorization: Bearer k\r\n')
    expect(post.match(/accept-encoding: .*/g)).toEqual(['accept-encoding: identity'])
    expect(Buffer.from(post.split('\r\n\r\n')[1] ?? '', 'latin1').toString()).toBe('{"ü":1}')
    expect(get).toMatch(/^GET \/health HTTP\/1.1\r\n/)
  })

  it('a redirect is never followed: the status comes out and no second request goes anywhere', async () => {
    const other = await rawServer((socket) => socket.write(whole('')))
    open.push(other)
    const { server, wire } = await rig((socket) =>
      socket.write(
        `HTTP/1.1 307 x\r\nlocation: http://127.0.0.1:${other.port}/\r\ncontent-length: 0\r\n\r\n`,
      ),
    )
    const exchange = await wire.send(request(), { connection: 'reused' })
    expect(exchange.status).toBe(307)
    expect(exchange.headers['location']).toContain(String(other.port))
    expect(exchange.failure).toBeUndefined()
    expect([server.seen.length, other.seen.length]).toEqual([1, 0])
  })

  it('103 early hints pass, repeated headers are joined', async () => {
    const { wire } = await rig((socket) =>
      socket.write(
        `HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n${whole('ok', 'HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2')}`,
      ),
    )
    const exchange = await wire.send(request(), { connection: 'reused' })
    expect(exchange.status).toBe(200)
    expect(exchange.headers['x-a']).toBe('1, 2')
    expect(exchange.headers['link']).toBeUndefined()
  })
})

describe('connections', () => {
  it('reused: three exchanges after each other take one connection; only the first pays for it', async () => {
    const { server, wire } = await rig((socket) => socket.write(whole('ok')))
    const seen = []
    for (let i = 0; i < 3; i++) seen.push((await wire.send(request(), { connection: 'reused' })).connection)
    expect(server.sockets.length).toBe(1)
    expect(seen.map((each) => each.reused)).toEqual([false, true, true])
    expect(seen[0]?.connectMs).toBeGreaterThan(0)
    expect(seen[1]).toEqual({ reused: true, dnsMs: 0, connectMs: 0, tlsMs: 0, http: '1.1' })
  })

  it('new: every exchange has a connection of its own, closed after it', async () => {
    const { server, wire } = await rig((socket) => socket.write(whole('ok')))
    for (let i = 0; i < 3; i++) {
      const { connection } = await wire.send(request(), { connection: 'new' })
      expect(connection.reused).toBe(false)
      expect(connection.connectMs).toBeGreaterThan(0)
    }
    expect(server.sockets.length).toBe(3)
    await pause(20)
    expect(server.sockets.every((socket) => socket.readableEnded || socket.destroyed)).toBe(true)
  })

  it('warm(4) opens four before the first exchange; four at once then all count as reused', async () => {
    const { server, wire } = await rig(async (socket) => {
      await pause(20)
      socket.write(whole('ok'))
    })
    expect(await wire.warm(4)).toEqual({ opened: 4, failure: undefined })
    const all = await Promise.all(
      Array.from({ length: 4 }, () => wire.send(request(), { connection: 'reused' })),
    )
    expect(all.every(({ connection, failure }) => connection.reused && !failure)).toBe(true)
    expect(server.sockets.length).toBe(4)
    expect(await wire.warm(4)).toEqual({ opened: 0, failure: undefined })
  })

  it('with 2 connections at most, the other four of six wait before startNs, not after it', async () => {
    const { server, wire } = await rig(
      async (socket) => {
        await pause(40)
        socket.write(whole('ok'))
      },
      { maxConnections: 2 },
    )
    const all = await Promise.all(
      Array.from({ length: 6 }, () => wire.send(request(), { connection: 'reused' })),
    )
    expect(server.sockets.length).toBe(2)
    const waits = all.map((each) => nsToMs((each.startNs ?? NaN) - each.enqueuedNs)).sort((a, b) => a - b)
    expect(waits[5]).toBeGreaterThan(70)
    expect(all.filter((each) => each.connection.reused).length).toBe(4)
  })

  it('a warm connection that the server let go is replaced, and the exchange succeeds on a new one', async () => {
    const { server, wire } = await rig((socket) => socket.write(whole('ok')))
    await wire.warm(1)
    server.sockets[0]?.end()
    await pause(30)
    const exchange = await wire.send(request(), { connection: 'reused' })
    expect(exchange.failure).toBeUndefined()
    expect(exchange.connection.reused).toBe(false)
    expect(server.seen.length).toBe(1)
  })

  it('a server that hangs up behind its answers and does not say so loses none of six exchanges', async () => {
    const { server, wire } = await rig((socket) => {
      socket.write(whole('ok', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100'))
      setTimeout(() => socket.end(), 2)
    })
    const failures = []
    for (let i = 0; i < 6; i++) {
      if (i > 3) expect(await wire.warm(1)).toEqual({ opened: 1, failure: undefined })
      failures.push((await wire.send(request(), { connection: 'reused' })).failure)
    }
    expect(failures).toEqual(Array(6).fill(undefined))
    expect(server.sockets.length).toBe(6)
  })

  it('an answer with `connection: close` is not reused', async () => {
    const { server, wire } = await rig((socket) => {
      socket.write(whole('ok', 'HTTP/1.1 200 OK\r\nconnection: close'))
      socket.end()
    })
    for (let i = 0; i < 3; i++)
      expect((await wire.send(request(), { connection: 'reused' })).failure).toBeUndefined()
    expect(server.sockets.length).toBe(3)
  })

  it('a second response on a kept connection is ignored and that connection closed (18)', async () => {
    const { server, wire } = await rig((socket) => socket.write(whole('one') + whole('two')))
    const first = await wire.send(request(), { connection: 'reused' })
    const second = await wire.send(request(), { connection: 'reused' })
    expect(Buffer.from(first.body).toString()).toBe('one')
    expect(Buffer.from(second.body).toString()).toBe('one')
    expect(server.sockets.length).toBe(2)
  })

  it('idle connections are closed after idleMs', async () => {
    const { server, wire } = await rig((socket) => socket.write(whole('ok')), { idleMs: 40 })
    await wire.send(request(), { connection: 'reused' })
    await pause(150)
    expect(server.sockets[0]?.readableEnded).toBe(true)
    expect((await wire.send(request(), { connection: 'reused' })).failure).toBeUndefined()
  })

  it('200 streams of 5 events at once: none lost, none mixed up', async () => {
    const { wire } = await rig(
      async (socket, text) => {
        const id = /id-(\d+)/.exec(text)?.[1]
        socket.write(CHUNKED_HEAD)
        for (let i = 0; i < 5; i++) {
          await pause(10 + Math.random() * 10)
          socket.write(chunk(`data: ${id}-${i}\n\n`))
        }
        socket.write(chunk('data: [DONE]\n\n') + LAST_CHUNK)
      },
      { maxConnections: 200 },
    )
    await wire.warm(200)
    const ids = Array.from({ length: 200 }, (_, id) => id)
    const all = await Promise.all(
      ids.map((id) =>
        wire.send(request({ path: `/id-${id}`, endMarker: 'data: [DONE]' }), { connection: 'reused' }),
      ),
    )
    for (const [id, exchange] of all.entries()) {
      expect(exchange.failure).toBeUndefined()
      const text = [0, 1, 2, 3, 4].map((i) => `data: ${id}-${i}\n\n`).join('') + 'data: [DONE]\n\n'
      expect(Buffer.from(exchange.body).toString()).toBe(text)
      expect(exchange.endMarkerChunk).toBe(exchange.chunkNs.length - 1)
    }
  })

  it('close() leaves no socket of ours, aborts what is in the air, and refuses what comes after', async () => {
    const { server, wire } = await rig((socket) => socket.write(CHUNKED_HEAD + chunk('data: a\n\n')))
    await wire.warm(3)
    const held = [wire.send(request(), { connection: 'reused' }), wire.send(request(), { connection: 'new' })]
    await pause(30)
    const late = wire.send(request(), { connection: 'new' }) // still opening
    await wire.close()
    for (const exchange of await Promise.all([...held, late])) expect(exchange.failure?.kind).toBe('aborted')
    await pause(30)
    expect(server.sockets.every((socket) => socket.destroyed || socket.readableEnded)).toBe(true)
    const ours = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    expect(ours).toBe(server.sockets.filter((socket) => !socket.destroyed).length)
    expect((await wire.send(request(), { connection: 'reused' })).failure?.kind).toBe('aborted')
  })
})

describe('start', () => {
  it('startNs lies after the connection stands, however long that takes', async () => {
    // A backlog that accepts late cannot be had on loopback; a name that resolves late can.
    const { server, wire } = await rig((socket) => socket.write(whole('ok')))
    const before = systemClock.nowNs()
    const exchange = await wire.send(request(), { connection: 'new' })
    const { dnsMs, connectMs } = exchange.connection
    const start = exchange.startNs ?? NaN
    expect(start).toBeGreaterThanOrEqual(exchange.enqueuedNs + (dnsMs + connectMs) * 1e6)
    expect(exchange.enqueuedNs).toBeGreaterThanOrEqual(before)
    expect(server.seen.length).toBe(1)
  })
})

describe('bytes that wait to be parsed', () => {
  const events = Array.from({ length: 40 }, (_, i) => `data: ${i}\n\n`)

  it('keep the time of their read: 40 events 5 ms apart, each with its own, the end without a wait', async () => {
    const sentMs: number[] = []
    let endMs = 0
    const { wire } = await rig(async (socket) => {
      socket.write(CHUNKED_HEAD)
      for (const event of events) {
        await pause(5)
        sentMs.push(nsToMs(systemClock.nowNs()))
        socket.write(chunk(event))
        await new Promise((go) => setImmediate(go))
      }
      await pause(5)
      endMs = nsToMs(systemClock.nowNs())
      socket.write(LAST_CHUNK)
    })
    const exchange = await wire.send(request(), { connection: 'reused' })
    expect(Buffer.from(exchange.body).toString()).toBe(events.join(''))
    expect(exchange.chunkNs.length).toBe(40)
    for (const [i, ns] of exchange.chunkNs.entries()) {
      expect(nsToMs(ns)).toBeGreaterThanOrEqual(sentMs[i] ?? NaN)
      // Server and client share this loop, and it has read what was written before the next is.
      expect(nsToMs(ns)).toBeLessThan(sentMs[i + 1] ?? endMs)
    }
    expect(nsToMs(exchange.endNs)).toBeGreaterThanOrEqual(endMs)
  })

  it('are in what is kept of a stream that the server cuts off, or that we stop', async () => {
    for (const how of ['reset', 'end', 'stop'] as const) {
      const control = new AbortController()
      const { wire } = await rig(async (socket) => {
        socket.write(CHUNKED_HEAD)
        for (const event of events.slice(0, 8)) {
          await pause(2)
          socket.write(chunk(event))
        }
        await pause(20)
        if (how === 'stop') control.abort()
        else if (how === 'reset') socket.resetAndDestroy()
        else socket.end()
      })
      const exchange = await wire.send(request(), { connection: 'reused', signal: control.signal })
      expect(exchange.failure?.kind).toBe(how === 'stop' ? 'aborted' : 'truncated')
      expect(Buffer.from(exchange.body).toString()).toBe(events.slice(0, 8).join(''))
    }
  })

  it('a gap deadline shorter than the wait is that of the reads', async () => {
    const deadlines = { ...PATIENT, gapMs: 100 }
    // A busy machine makes longer pauses by itself: then the deadline is right, and nothing is learnt.
    for (let tries = 0, written = 0; tries < 20 && written < 12; tries++) {
      written = 0
      const { wire } = await rig(async (socket) => {
        socket.write(CHUNKED_HEAD)
        for (const event of events.slice(0, 12)) {
          await pause(20)
          socket.write(chunk(event))
          written++
        }
      })
      const exchange = await wire.send(request({ deadlines }), { connection: 'reused' })
      expect(exchange.failure?.detail).toContain('sent nothing more for 100 ms')
      if (written < 12 && tries < 19) continue
      expect(exchange.chunkNs.length).toBe(12)
    }
  })
})

describe('many exchanges at once', () => {
  it('each keeps its deadline while others end: 36 that stall are over before 100 that end one by one', async () => {
    const quick: (() => void)[] = []
    const { wire } = await rig(
      (socket, text) => {
        socket.write(CHUNKED_HEAD + chunk('data: a\n\n'))
        if (text.startsWith('POST /quick')) quick.push(() => void socket.write(LAST_CHUNK))
      },
      { maxConnections: 200 },
    )
    const ends: string[] = []
    const send = async (path: string, gapMs: number): Promise<void> => {
      const asked = request({ path, deadlines: { ...PATIENT, gapMs } })
      await wire.send(asked, { connection: 'reused' })
      ends.push(path)
    }
    const all = [
      ...Array.from({ length: 100 }, () => send('/quick', 10_000)),
      ...Array.from({ length: 36 }, () => send('/stall', 200)),
    ]
    while (quick.length < 100) await pause(5)
    for (const end of quick) {
      await pause(25)
      end()
    }
    await Promise.all(all)
    expect(ends.filter((path) => path === '/stall').length).toBe(36)
    expect(ends.slice(-10)).toEqual(Array.from({ length: 10 }, () => '/quick'))
  }, 60_000)
})
