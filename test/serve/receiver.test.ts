import { createServer } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { request } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startReceiver } from '../../src/serve/receiver.js'
import type { Receiver, ReceiverOptions } from '../../src/serve/receiver.js'
import { createIntake } from '../../src/span/intake.js'
import { otlpLine } from '../../src/span/otlp-envelope.js'
import type { Span } from '../../src/span/span.js'
import { benchGroups, benchLine } from '../bench/span-stream.js'
import { encodeRequest } from '../span/proto-encode.js'
import { startSdk } from './open-telemetry.js'

interface Listening {
  receiver: Receiver
  spans: Span[]
}

async function listen(options: Partial<ReceiverOptions> = {}): Promise<Listening> {
  const spans: Span[] = []
  const started = await startReceiver({
    intake: createIntake(),
    onSpans: (batch) => spans.push(...batch),
    port: 0,
    ...options,
  })
  if (!started.ok) throw new Error(started.message)
  let isOpen = true
  const { receiver } = started
  const close = async (): Promise<void> => {
    if (isOpen) await receiver.close()
    isOpen = false
  }
  onTestFinished(close)
  return { receiver: { ...receiver, close }, spans }
}

async function post(url: string, body: string | Uint8Array, headers: Record<string, string> = {}) {
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

const attributes = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-5-mini',
  'gen_ai.request.stream': true,
  'gen_ai.response.time_to_first_chunk': 0.25,
  'gen_ai.usage.input_tokens': 1200,
  'gen_ai.usage.cache_read.input_tokens': 1024,
  'gen_ai.usage.output_tokens': 80,
}

describe('a real OpenTelemetry SDK', () => {
  it.each([
    ['json', false],
    ['protobuf', false],
    ['json', true],
    ['protobuf', true],
  ] as const)(
    'exports 120 spans as %s, gzip %s: each arrives once with its numbers',
    async (encoding, isGzip) => {
      const { receiver, spans } = await listen()
      const sdk = startSdk(receiver.url, encoding, isGzip)
      for (let i = 0; i < 120; i++) sdk.call(attributes, 2000 + i)
      await sdk.shutdown()
      await receiver.close()
      expect(receiver.counts).toMatchObject({ seen: 120, spans: 120, faults: {} })
      expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(120)
      expect(Math.round(Math.min(...spans.map(({ durationMs }) => durationMs)))).toBe(2000)
      expect(spans[0]).toMatchObject({
        service: 'shop',
        provider: 'openai',
        modelRequested: 'gpt-5-mini',
        ttftMs: 250,
        inputTokens: 1200,
        cacheReadTokens: 1024,
        outputTokens: 80,
        streaming: true,
      })
    },
  )
})

describe('answers', () => {
  it('200 and {} when all spans were read; protobuf is answered in protobuf', async () => {
    const { receiver } = await listen()
    const json = await post(`${receiver.url}/v1/traces`, benchLine(0, 3))
    expect([json.status, json.text, json.headers['content-type']]).toEqual([200, '{}', 'application/json'])
    const proto = await post(`${receiver.url}/v1/traces`, encodeRequest(benchGroups(10, 3)), {
      'content-type': 'application/x-protobuf',
    })
    expect([proto.status, proto.text, proto.headers['content-type']]).toEqual([
      200,
      '',
      'application/x-protobuf',
    ])
    expect(receiver.counts.seen).toBe(6)
  })

  it('200 with the number of spans that could not be read, and why', async () => {
    const { receiver } = await listen()
    const [group] = benchGroups(0, 2)
    if (group === undefined) throw new Error('no group')
    const text = otlpLine([group]).replace(/"spanId":"[0-9a-f]{16}"/, '"spanId":"xyz"')
    const { status, text: body } = await post(`${receiver.url}/v1/traces`, text)
    expect(status).toBe(200)
    expect(JSON.parse(body)).toEqual({
      partialSuccess: { rejectedSpans: '1', errorMessage: '1 × a span without a valid trace and span id' },
    })
  })

  const cases: readonly [number, string, Parameters<typeof post>[1], Record<string, string>][] = [
    [400, 'JSON that is cut off', '{"resourceSpans":[', {}],
    [400, 'a JSON list', '[]', {}],
    [400, 'protobuf that is none', Buffer.from('hello, world'), { 'content-type': 'application/x-protobuf' }],
    [400, 'gzip that is none', '{}', { 'content-encoding': 'gzip' }],
    [415, 'another content type', '{}', { 'content-type': 'text/plain' }],
    [415, 'another encoding', '{}', { 'content-encoding': 'br' }],
  ]
  it.each(cases)('%d for %s, and the next request is served', async (status, _, body, headers) => {
    const { receiver } = await listen()
    const refused = await post(`${receiver.url}/v1/traces`, body, headers)
    expect(refused.status).toBe(status)
    expect((await post(`${receiver.url}/v1/traces`, benchLine(0, 1))).status).toBe(200)
  })

  it('404 for another path, 405 for GET', async () => {
    const { receiver } = await listen()
    expect((await post(`${receiver.url}/v1/metrics`, '{}')).status).toBe(404)
    expect((await request(`${receiver.url}/v1/traces`)).statusCode).toBe(405)
  })

  it('413 for 250 MB of zeros in gzip: counted as they come out, and the server lives', async () => {
    const { receiver } = await listen()
    const bomb = gzipSync(Buffer.alloc(250 * 1024 * 1024), { level: 9 })
    expect(bomb.length).toBeLessThan(300_000)
    const before = process.memoryUsage().rss
    const { status, text } = await post(`${receiver.url}/v1/traces`, bomb, { 'content-encoding': 'gzip' })
    expect(status).toBe(413)
    expect(text).toContain('20 MiB')
    expect(process.memoryUsage().rss - before).toBeLessThan(120 * 1024 * 1024)
    expect((await post(`${receiver.url}/v1/traces`, benchLine(0, 1))).status).toBe(200)
  })

  it('413 by Content-Length before a byte is read, and for a chunked body as soon as it is too long', async () => {
    const { receiver } = await listen({ maxBodyBytes: 10_000 })
    expect((await post(`${receiver.url}/v1/traces`, Buffer.alloc(10_001))).status).toBe(413)
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let i = 0; i < 20; i++) yield Buffer.alloc(1000)
    }
    const answer = await request(`${receiver.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Readable.from(chunks()),
    })
    expect(answer.statusCode).toBe(413)
  })

  it('408 for a sender that stops in the middle of a body', async () => {
    const { receiver } = await listen({ bodyTimeoutMs: 100 })
    const socket = connect(receiver.port, '127.0.0.1')
    socket.write(
      'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    )
    const [data] = (await once(socket, 'data')) as [Buffer]
    expect(data.toString()).toMatch(/^HTTP\/1\.1 408 /)
    socket.destroy()
  })

  it('429 with Retry-After while too much is waiting; what was refused is taken the second time', async () => {
    const { receiver } = await listen({ maxWaitingBytes: 2000 })
    const slow = connect(receiver.port, '127.0.0.1')
    slow.write(
      'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1900\r\n\r\n{',
    )
    await once(slow, 'connect')
    await expect.poll(async () => (await post(`${receiver.url}/v1/traces`, benchLine(0, 1))).status).toBe(429)
    const refused = await post(`${receiver.url}/v1/traces`, benchLine(0, 1))
    expect(refused.headers['retry-after']).toBe('1')
    slow.destroy()
    await expect.poll(async () => (await post(`${receiver.url}/v1/traces`, benchLine(0, 1))).status).toBe(200)
  })

  it('a sender that is refused and does not end its body keeps nothing from closing', async () => {
    const { receiver } = await listen({ token: 'open-sesame', bodyTimeoutMs: 200 })
    const socket = connect(receiver.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write('POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nfew')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1.1 401 /)
    const closed = await Promise.race([
      receiver.close().then(() => 'closed'),
      new Promise((resolve) => setTimeout(() => resolve('open'), 5000)),
    ])
    if (closed === 'open') socket.destroy()
    expect(closed).toBe('closed')
  })

  it('401 without the token, which never goes on', async () => {
    const { receiver } = await listen({ token: 'open-sesame' })
    expect((await post(`${receiver.url}/v1/traces`, '{}')).status).toBe(401)
    const headers = { authorization: 'Bearer open-sesame' }
    expect((await post(`${receiver.url}/v1/traces`, '{}', headers)).status).toBe(200)
  })
})

describe('addresses', () => {
  it('another address than loopback is refused without a token', async () => {
    const options = { intake: createIntake(), onSpans: () => undefined, port: 0 }
    const refused = await startReceiver({ ...options, host: '0.0.0.0' })
    expect(refused).toMatchObject({ ok: false, message: expect.stringContaining('token') as string })
    const started = await startReceiver({ ...options, host: '0.0.0.0', token: 'open-sesame' })
    expect(started.ok).toBe(true)
    if (started.ok) await started.receiver.close()
  })

  it('a port that is taken is said', async () => {
    const { receiver } = await listen()
    const second = await startReceiver({
      intake: createIntake(),
      onSpans: () => undefined,
      port: receiver.port,
    })
    expect(second).toMatchObject({ ok: false, message: expect.stringContaining('EADDRINUSE') as string })
  })
})

describe('forwarding', () => {
  /** Keeps what it gets and answers with the statuses, one after another, the last for ever. */
  async function upstream(...statuses: number[]) {
    const got: { path: string; headers: Record<string, unknown>; body: Buffer }[] = []
    const server = createServer((incoming, response) => {
      const parts: Buffer[] = []
      incoming.on('data', (part: Buffer) => parts.push(part))
      incoming.on('end', () => {
        got.push({ path: incoming.url ?? '', headers: incoming.headers, body: Buffer.concat(parts) })
        const status = (statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 200
        response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '7' }).end('{"a":1}')
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, got }
  }

  it('the same bytes arrive with the same headers, and the answer comes back', async () => {
    const { url, got } = await upstream(200)
    const { receiver, spans } = await listen({ forward: url, token: 'open-sesame' })
    const body = gzipSync(benchLine(0, 5))
    const answer = await post(`${receiver.url}/v1/traces`, body, {
      'content-encoding': 'gzip',
      authorization: 'Bearer open-sesame',
      'x-team': 'river',
    })
    expect([answer.status, answer.text]).toEqual([200, '{"a":1}'])
    expect(got).toHaveLength(1)
    expect(got[0]?.path).toBe('/v1/traces')
    expect(got[0]?.body.equals(body)).toBe(true)
    expect(got[0]?.headers).toMatchObject({ 'content-encoding': 'gzip', 'x-team': 'river' })
    expect(got[0]?.headers).not.toHaveProperty('authorization')
    await receiver.close()
    expect(spans).toHaveLength(5)
  })

  it('503 of the other side goes back with its Retry-After, and the spans are counted once', async () => {
    const { url } = await upstream(503, 200)
    const { receiver } = await listen({ forward: url })
    const first = await post(`${receiver.url}/v1/traces`, benchLine(0, 5))
    expect([first.status, first.headers['retry-after']]).toEqual([503, '7'])
    expect((await post(`${receiver.url}/v1/traces`, benchLine(0, 5))).status).toBe(200)
    await receiver.close()
    expect(receiver.counts.spans).toBe(5)
  })

  it('an answer that comes compressed goes back as such', async () => {
    const server = createServer((incoming, response) => {
      incoming.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        response.end(gzipSync('{"a":1}'))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { receiver } = await listen({ forward: `http://127.0.0.1:${port}` })
    const answer = await request(`${receiver.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip' },
      body: benchLine(0, 1),
    })
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(Buffer.from(await answer.body.arrayBuffer())).toString()).toBe('{"a":1}')
  })

  it('503 where nobody answers', async () => {
    const { receiver } = await listen({ forward: 'http://127.0.0.1:9' })
    expect((await post(`${receiver.url}/v1/traces`, benchLine(0, 1))).status).toBe(503)
  })

  it.each(['ftp://x', 'collector:4318', 'http://169.254.169.254/latest'])(
    '%s is refused',
    async (forward) => {
      const started = await startReceiver({
        intake: createIntake(),
        onSpans: () => undefined,
        port: 0,
        forward,
      })
      expect(started.ok).toBe(false)
    },
  )
})

it('spans of a trace come out when nothing more came for it', async () => {
  const { receiver, spans } = await listen({ settleMs: 50 })
  await post(`${receiver.url}/v1/traces`, benchLine(0, 4))
  await expect.poll(() => spans.length).toBe(4)
})
