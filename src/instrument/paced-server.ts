/** A bare server of known timing: paced SSE streams straight from `node:net`, every event stamped as it is written. */
import { createServer, type Socket } from 'node:net'

export interface PacedOptions {
  /** The pace begins when so many requests are there, or `LONGEST_WAIT_MS` after the first. */
  streams: number
  eventsPerStream: number
  /** Between two events of one stream. The phases of the streams are spread evenly over it. */
  gapNs: number
}

export interface PacedServer {
  port: number
  close(): void
}

const LONGEST_WAIT_MS = 500
/** Between the last request and the first event, so that the heads are out of the way. */
const LEAD_NS = 20_000_000
/** `setTimeout` is 1.1 ms late at p99: it ends this long before the due time, naps do the rest. */
const NAP_BELOW_NS = 2_000_000
const never = new Int32Array(new SharedArrayBuffer(4))

const HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n'
export const END_MARKER = 'data: [DONE]'
const END = `${chunk(`${END_MARKER}\n\n`)}0\r\n\r\n`

/**
 * Answers each request with `eventsPerStream` events about as large as those of an OpenAI chat. `sentNs` in the event
 * is this process's `process.hrtime.bigint()` immediately before the write: how late the pace itself is, is no error of
 * whoever reads it.
 */
export async function startPacedServer(options: PacedOptions): Promise<PacedServer> {
  const { streams, eventsPerStream, gapNs } = options
  const sockets: Socket[] = []
  const asked: Socket[] = []
  let waiting: NodeJS.Timeout | undefined
  let began = false

  function begin(): void {
    if (began) return
    began = true
    clearTimeout(waiting)
    pace(asked, asked.length * eventsPerStream, gapNs / asked.length)
  }

  const server = createServer((socket) => {
    sockets.push(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    let text = ''
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1')
      if (!text.includes('\r\n\r\n') || began) return
      text = ''
      socket.write(HEAD)
      asked.push(socket)
      waiting ??= setTimeout(begin, LONGEST_WAIT_MS)
      if (asked.length === streams) begin()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', streams + 16, resolve)
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('a listening server has no port')
  const { port } = address
  return {
    port,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/**
 * Event number i belongs to stream i mod n and is due at i · stepNs: equal gaps a stream, evenly spread phases. Nobody is
 * listened to any more, so the thread itself may sleep between two events: 60 µs late, but a loop that spins would take a
 * core from the client that is measured.
 */
function pace(sockets: readonly Socket[], events: number, stepNs: number): void {
  const originNs = process.hrtime.bigint() + BigInt(LEAD_NS)
  let next = 0
  const look = (): void => {
    const nowNs = Number(process.hrtime.bigint() - originNs)
    while (next < events && next * stepNs <= nowNs) {
      const socket = sockets[next % sockets.length]
      if (socket?.writable === true) {
        const sentNs = process.hrtime.bigint()
        socket.write(event(sentNs, next))
        if (next >= events - sockets.length) socket.write(END)
      }
      next++
    }
    if (next === events) return
    const aheadNs = next * stepNs - nowNs
    if (aheadNs > NAP_BELOW_NS + 1e6) return void setTimeout(look, Math.floor((aheadNs - NAP_BELOW_NS) / 1e6))
    if (aheadNs > 0) Atomics.wait(never, 0, 0, aheadNs / 1e6)
    setImmediate(look)
  }
  look()
}

function event(sentNs: bigint, index: number): string {
  const data = `{"id":"calibration-${index}","object":"chat.completion.chunk","sentNs":"${sentNs}","choices":[{"index":0,"delta":{"content":" plumb"},"finish_reason":null}]}`
  return chunk(`data: ${data}\n\n`)
}

/** One chunk of a chunked body; ASCII only. */
function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}
