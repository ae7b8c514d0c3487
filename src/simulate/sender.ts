/** Puts the bytes of a response on its socket at once. */
import type { ServerResponse } from 'node:http'

export interface Sender {
  open(status: number, headers: Readonly<Record<string, string>>): void
  send(text: string): void
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
export function createSender(response: ServerResponse): Sender {
  return {
    open(status, headers) {
      response.writeHead(status, headers)
      response.flushHeaders()
    },
    send(text) {
      const { socket } = response
      if (!socket || !response.chunkedEncoding) response.write(text)
      else if (socket.writable) socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
    },
    end: () => void response.end(),
    reset: () => void response.socket?.resetAndDestroy(),
    cut: () => void response.socket?.end(),
  }
}
