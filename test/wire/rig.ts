/** Bare servers on loopback for the tests of the wire: what they send, and when, is theirs alone to say. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { systemClock } from '../../src/units/time.js'
import type { Deadlines, WireRequest } from '../../src/wire/exchange.js'
import { createTransport, type Transport, type TransportOptions } from '../../src/wire/transport.js'

export const PATIENT: Deadlines = { connectMs: 10_000, firstByteMs: 10_000, gapMs: 10_000, totalMs: 20_000 }

export function request(over: Partial<WireRequest> = {}): WireRequest {
  const headers = { 'content-type': 'application/json' }
  return { method: 'POST', path: '/v1/x', headers, body: '{}', endMarker: null, deadlines: PATIENT, ...over }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export interface Rig {
  port: number
  /** Requests as text, in order of arrival. */
  seen: string[]
  /** Connections accepted so far, open or not. */
  sockets: Socket[]
  close(): Promise<void>
}

/** Listens on a free loopback port; remembers sockets so that `close` ends them. */
export async function serve(server: Server, sockets: Socket[], host = '127.0.0.1'): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return (server.address() as AddressInfo).port
}

export async function closing(server: Server, sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
}

/** Reads whole requests (by content-length) and gives each to `answer`, which writes what it likes. */
export function onRequests(socket: Socket, answer: (socket: Socket, text: string) => unknown): void {
  let text = ''
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1')
    for (;;) {
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return
      const length = end + 4 + Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
      if (text.length < length) return
      const one = text.slice(0, length)
      text = text.slice(length)
      void answer(socket, one)
    }
  })
}

export async function rawServer(answer: (socket: Socket, text: string) => unknown): Promise<Rig> {
  const seen: string[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.setNoDelay(true)
    onRequests(socket, (on, text) => {
      seen.push(text)
      return answer(on, text)
    })
  })
  const port = await serve(server, sockets)
  return { port, seen, sockets, close: () => closing(server, sockets) }
}

export function transport(port: number, over: Partial<TransportOptions> = {}): Transport {
  const origin = `http://127.0.0.1:${port}`
  return createTransport({
    origin,
    clock: systemClock,
    http: '1.1',
    maxConnections: 64,
    proxy: 'none',
    ...over,
  })
}

export const CHUNKED_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'

export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}

export const LAST_CHUNK = '0\r\n\r\n'

/** A whole answer with a length. */
export function whole(body: string, head = 'HTTP/1.1 200 OK'): string {
  return `${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
