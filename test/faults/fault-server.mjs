// @ts-check
/** Servers that misbehave, each on a port of its own, in a process of their own: what they send, and when, is theirs alone to say. */
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:net'
import { gzipSync } from 'node:zlib'

/** Packed before anybody waits for it. */
const BOMB = gzipSync(Buffer.alloc(100_000_000))

/** @typedef {import('node:net').Socket} Socket */

/** @param {string} text @param {string | null} [reason] */
const event = (text, reason = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: reason }] })}\n\n`
const TOKENS = event(' the').repeat(4)
const USAGE = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 64, completion_tokens: 5 } })}\n\n`
const WHOLE = `${TOKENS}${event(' end', 'stop')}${USAGE}data: [DONE]\n\n`

const head = (/** @type {string} */ rest) =>
  `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${rest}\r\n`
const CHUNKED = head('transfer-encoding: chunked\r\n')
/** @param {string | Buffer} part */
const chunk = (part) =>
  Buffer.concat([
    Buffer.from(`${Buffer.byteLength(part).toString(16)}\r\n`),
    Buffer.from(part),
    Buffer.from('\r\n'),
  ])
const LAST = '0\r\n\r\n'
/** An answer as it should be. */
const GOOD = Buffer.concat([Buffer.from(CHUNKED), chunk(WHOLE), Buffer.from(LAST)])
/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** @param {Socket} socket @param {Buffer} piece @param {number} times */
async function flood(socket, piece, times) {
  for (let i = 0; i < times && !socket.destroyed; i++)
    if (!socket.write(piece))
      await new Promise((resolve) => {
        socket.once('drain', resolve)
        socket.once('close', resolve)
      })
}

/** What each does once a request has come. @type {Record<string, (socket: Socket) => unknown>} */
const answers = {
  good: (socket) => socket.write(GOOD),
  'reset-before-headers': (socket) => socket.resetAndDestroy(),
  'fin-before-headers': (socket) => socket.end(),
  'fin-in-chunked': (socket) => socket.end(Buffer.concat([Buffer.from(CHUNKED), chunk(TOKENS)])),
  'reset-in-chunked': async (socket) => {
    socket.write(Buffer.concat([Buffer.from(CHUNKED), chunk(TOKENS)]))
    await pause(30)
    socket.resetAndDestroy()
  },
  'reset-close-delimited': async (socket) => {
    socket.write(head('connection: close\r\n') + TOKENS)
    await pause(30)
    socket.resetAndDestroy()
  },
  'length-too-long': (socket) => socket.end(head('content-length: 99999\r\n') + TOKENS),
  'length-too-short': (socket) => socket.write(head(`content-length: ${TOKENS.length - 9}\r\n`) + WHOLE),
  'chunk-size': (socket) => socket.write(`${CHUNKED}zz\r\n${TOKENS}\r\n`),
  'chunk-overflow': (socket) => socket.write(`${CHUNKED}fffffffffffffffff\r\n${TOKENS}\r\n`),
  'chunk-no-crlf': (socket) => socket.write(`${CHUNKED}5\r\nabcdeXY`),
  'two-lengths': (socket) => socket.write(head('content-length: 10\r\ncontent-length: 20\r\n') + WHOLE),
  'length-and-chunked': (socket) =>
    socket.write(head('content-length: 10\r\ntransfer-encoding: chunked\r\n') + WHOLE),
  'early-hints': (socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'.repeat(10_000))
    socket.write(GOOD)
  },
  'unasked-100': (socket) =>
    socket.write(Buffer.concat([Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'), GOOD])),
  drip: async (socket) => {
    socket.write(CHUNKED)
    for (let i = 0; !socket.destroyed; i++) {
      socket.write(chunk(TOKENS.charAt(i % TOKENS.length)))
      await pause(500)
    }
  },
  'no-headers': () => undefined,
  'huge-header': async (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx: ')
    await flood(socket, Buffer.alloc(1 << 20, 'a'), 100)
  },
  'chunk-extension': (socket) =>
    socket.write(`${CHUNKED}${WHOLE.length.toString(16)};x=${'a'.repeat(1 << 20)}\r\n${WHOLE}\r\n${LAST}`),
  bomb: (socket) => {
    socket.write(head(`content-encoding: gzip\r\ncontent-length: ${BOMB.length}\r\n`))
    socket.write(BOMB)
  },
  'endless-line': async (socket) => {
    socket.write(`${CHUNKED}${(100 << 20).toString(16)}\r\ndata: `)
    await flood(socket, Buffer.alloc(1 << 20, 'a'), 100)
  },
  'bad-text': async (socket) => {
    // é cut by a chunk, a NUL, a byte that is no UTF-8, half of a surrogate pair.
    const text = Buffer.from(
      event('é\\ud800').replaceAll('\\\\', '\\') + event('a').replace('"a"', '"b\0\xffc"'),
      'latin1',
    )
    const cut = text.indexOf(0xe9)
    const utf8 = Buffer.concat([text.subarray(0, cut), Buffer.from('é'), text.subarray(cut + 1)])
    socket.write(Buffer.concat([Buffer.from(CHUNKED), chunk(utf8.subarray(0, cut + 1))]))
    await pause(30)
    socket.write(Buffer.concat([chunk(utf8.subarray(cut + 1)), chunk(WHOLE), Buffer.from(LAST)]))
  },
  'after-done': (socket) =>
    socket.write(
      Buffer.concat([Buffer.from(CHUNKED), chunk(`${WHOLE}${event('late')}`), Buffer.from(LAST), GOOD]),
    ),
}

/** @type {Record<string, number>} */
const ports = {}
/** How many requests each has seen. @type {Record<string, number>} */
const seen = {}

/** @param {string} name @param {import('node:net').Server} server */
async function listen(name, server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  ports[name] = address.port
}

for (const [name, answer] of Object.entries(answers)) {
  seen[name] = 0
  const server = createServer((socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
      if (text.length < end + 4 + length) return
      text = text.slice(end + 4 + length)
      seen[name] = (seen[name] ?? 0) + 1
      void answer(socket)
    })
  })
  await listen(name, server)
}
// Takes the connection and never says a word: no TLS hello comes.
await listen(
  'no-hello',
  createServer((socket) => void socket.on('error', () => undefined)),
)

const [certFile = '', keyFile = ''] = process.argv.slice(2)
/** @type {Record<string, (stream: import('node:http2').ServerHttp2Stream) => void>} */
const streams = {
  'h2-cancel': (stream) => stream.close(8),
  'h2-internal': (stream) => stream.close(2),
  'h2-goaway': (stream) => stream.session?.goaway(2, stream.id),
}
for (const [name, end] of Object.entries(streams)) {
  const server = createSecureServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) })
  server.on('sessionError', () => undefined)
  server.on('stream', (stream) => {
    stream.on('error', () => undefined)
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream' })
    stream.write(TOKENS)
    setTimeout(() => end(stream), 50)
  })
  await listen(name, server)
}

process.stdout.write(`${JSON.stringify(ports)}\n`)
process.stdin.on('data', () => process.stdout.write(`${JSON.stringify(seen)}\n`))
process.stdin.on('end', () => process.exit(0))
