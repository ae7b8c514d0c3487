/** Puts the bytes of a response on its socket at once. */
import type { ServerResponse } from 'node:http'
import { crc32, constants, deflateRawSync, gzipSync } from 'node:zlib'
import type { Fault } from './faults.js'

export interface Sender {
  /** Sends the headers of a stream. */
  open(headers: Readonly<Record<string, string>>): void
  send(text: string): void
  /** Sends one body whole, with its length. */
  whole(headers: Readonly<Record<string, string>>, body: string): void
  /** Ends the body properly. */
  end(): void
  /** Breaks the connection: RST, or FIN without the end of the body. */
  reset(): void
  cut(): void
}

/**
 * `ServerResponse.write` corks the socket until the next tick, so that with many streams in one turn the first waits
 * for the last. Chunks are therefore framed here and written to the socket itself; the response keeps its books
 * (keep-alive, the final chunk) since it knows that its body is chunked.
 */
export function createSender(response: ServerResponse, { gzip, splitsUtf8 }: Fault = {}): Sender {
  const packer = gzip ? createGzip() : undefined
  /** The second half of a split write, until the next turn or the next write. */
  let tail: Buffer | undefined

  function write(bytes: string | Buffer): void {
    const { socket } = response
    if (!socket || !response.chunkedEncoding) response.write(bytes)
    else if (!socket.writable) return
    else if (typeof bytes === 'string')
      socket.write(`${Buffer.byteLength(bytes).toString(16)}\r\n${bytes}\r\n`)
    else if (bytes.length > 0)
      socket.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF]))
  }

  const put = (bytes: Buffer): void => write(packer ? packer.pack(bytes) : bytes)

  function flushTail(): void {
    if (tail) put(tail)
    tail = undefined
  }

  return {
    open(headers) {
      response.writeHead(200, { ...headers, ...(packer && { 'content-encoding': 'gzip' }) })
      response.flushHeaders()
      if (packer) write(packer.head)
    },
    send(text) {
      if (!packer && !splitsUtf8) return write(text)
      flushTail()
      const bytes = Buffer.from(text)
      const cut = splitsUtf8 ? 1 + bytes.findIndex((byte) => byte >= 0xc0) : 0
      if (cut === 0) return put(bytes)
      put(bytes.subarray(0, cut))
      tail = bytes.subarray(cut)
      setImmediate(flushTail)
    },
    whole(headers, body) {
      const bytes = gzip ? gzipSync(body) : Buffer.from(body)
      const encoding = gzip && { 'content-encoding': 'gzip' }
      response.writeHead(200, { ...headers, ...encoding, 'content-length': String(bytes.length) })
      response.end(bytes)
    },
    end() {
      flushTail()
      if (packer) write(packer.end())
      response.end()
    },
    reset: () => void response.socket?.resetAndDestroy(),
    cut() {
      flushTail()
      response.socket?.end()
    },
  }
}

const CRLF = Buffer.from('\r\n')

/**
 * A gzip stream (RFC 1952) in which every write is a deflate block of its own, ended on a byte (RFC 1951, 3.2.4): each
 * event can be read when it arrives, and packing it needs no thread whose turn it would wait for.
 */
function createGzip(): { head: Buffer; pack(bytes: Buffer): Buffer; end(): Buffer } {
  let sum = 0
  let length = 0
  return {
    head: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
    pack(bytes) {
      sum = crc32(bytes, sum)
      length += bytes.length
      return deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
    },
    end() {
      const trailer = Buffer.alloc(8)
      trailer.writeUInt32LE(sum >>> 0)
      trailer.writeUInt32LE(length >>> 0, 4)
      // An empty last block, then checksum and length.
      return Buffer.concat([Buffer.from([3, 0]), trailer])
    },
  }
}
