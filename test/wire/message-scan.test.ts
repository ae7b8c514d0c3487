/** The end of a binary event stream, seen on a real socket. */
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { expect, it, onTestFinished } from 'vitest'
import { rawServer, request, transport } from './rig.js'

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)),
  (text) => new TextEncoder().encode(text),
)
const message = (type: string, payload: string): Buffer =>
  Buffer.from(
    codec.encode({
      headers: { ':event-type': { type: 'string', value: type } },
      body: new TextEncoder().encode(payload),
    }),
  )
const HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n'
const chunk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])

async function answered(bytes: Buffer, end: (socket: { destroy(): unknown }) => void = () => undefined) {
  const rig = await rawServer((socket) => {
    socket.write(HEAD)
    socket.write(chunk(bytes), () => end(socket))
  })
  const client = transport(rig.port)
  onTestFinished(async () => {
    await client.close()
    await rig.close()
  })
  return client.send(request({ endMarker: 'metadata', framing: 'messages' }), { connection: 'reused' })
}

it('a body that stays open behind its last event ends after 250 ms, and is no failure', async () => {
  const exchange = await answered(
    Buffer.concat([message('contentBlockDelta', '{}'), message('metadata', '{}')]),
  )
  expect(exchange).toMatchObject({ failure: undefined, endMarkerChunk: 0 })
})

it('a connection that breaks behind the last event has broken nothing, before it the body is truncated', async () => {
  const whole = message('metadata', '{"usage":{}}')
  const broken = (bytes: Buffer) => answered(bytes, (socket) => setTimeout(() => socket.destroy(), 20))
  expect(await broken(whole)).toMatchObject({ failure: undefined, endMarkerChunk: 0 })
  expect((await broken(whole.subarray(0, whole.length - 1))).failure?.kind).toBe('truncated')
})

it('a message that says it is 1 MiB + 1 long is given up at its first 12 bytes', async () => {
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(1024 * 1024 + 1)
  const exchange = await answered(prelude)
  expect(exchange.failure?.kind).toBe('oversized')
  expect(exchange.body.length).toBe(12)
})

it('2 MiB of generated text without a line end are no event too long: messages are counted, not lines', async () => {
  const delta = message('contentBlockDelta', 'x'.repeat(100_000))
  const exchange = await answered(
    Buffer.concat([...Array.from({ length: 21 }, () => delta), message('metadata', '{}')]),
  )
  expect(exchange.failure).toBeUndefined()
  expect(exchange.body.length).toBeGreaterThan(2 * 1024 * 1024)
})
