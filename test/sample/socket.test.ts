/** A bare paced server behind a real socket: the sample holds what the server did. Lower bounds only, nothing of speed. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openaiChat } from '../../src/protocol/openai-chat.js'
import { toSample } from '../../src/sample/to-sample.js'
import { systemClock } from '../../src/units/time.js'
import { createTransport, type Transport } from '../../src/wire/transport.js'
import { contextOf, done, finish, role, say, usage } from './exchange.js'

const FIRST_MS = 60
const STEP_MS = 15
const WORDS = 12

let server: Server
let transport: Transport

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url !== '/v1/chat/completions') {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"detail":"Not Found"}')
      return
    }
    void (async () => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'req_7' })
      response.write(role)
      await sleep(FIRST_MS)
      for (let word = 0; word < WORDS; word++) {
        response.write(say(` w${word}`))
        await sleep(STEP_MS)
      }
      response.end(finish + usage(100, WORDS, 0) + done)
    })()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  transport = createTransport({ origin, clock: systemClock, http: '1.1', maxConnections: 2, proxy: 'none' })
})

afterAll(async () => {
  await transport.close()
  server.close()
})

async function measure(basePath: string) {
  const quirks = {
    maxTokensField: 'max_tokens',
    streamOptions: true,
    ignoreEos: false,
    temperature: 0,
  } as const
  const ask = { messages: [{ role: 'user', content: 'hi' }], outputTokens: WORDS } as const
  const { path, body, headers } = openaiChat.encode(ask, { model: 'm', quirks, body: {} })
  const intendedNs = systemClock.nowNs()
  const exchange = await transport.send(
    {
      method: 'POST',
      path: basePath + path,
      headers: { ...headers, 'content-type': 'application/json' },
      body,
      endMarker: openaiChat.endMarker,
      deadlines: { connectMs: 2000, firstByteMs: 5000, gapMs: 5000, totalMs: 20_000 },
    },
    { connection: 'reused' },
  )
  return toSample(exchange, openaiChat, contextOf({ intendedNs, runStartNs: intendedNs }))
}

describe('over a socket', () => {
  it('a paced stream is ok, in order, and never faster than its server', async () => {
    const sample = await measure('/v1')
    expect(sample).toMatchObject({
      outcome: 'ok',
      status: 200,
      promptTokens: 100,
      outputTokens: WORDS,
      cachedTokens: 0,
      cacheState: 'confirmed',
      finishReason: 'stop',
      route: { requestId: 'req_7' },
    })
    const { ttfb, ttfe, ttft, ttfvt, e2e, tpot } = sample
    const [headers = NaN, event = NaN, output = NaN, end = NaN] = [ttfb, ttfe, ttft, e2e].map(
      (ms) => ms ?? NaN,
    )
    expect(headers).toBeGreaterThan(0)
    expect(event).toBeGreaterThanOrEqual(headers)
    expect(output).toBeGreaterThanOrEqual(event)
    expect(output).toBeGreaterThan(FIRST_MS - 2) // a timer may fire a fraction of a millisecond early
    expect(ttfvt).toBe(ttft)
    expect(end).toBeGreaterThan(FIRST_MS - 2 + WORDS * (STEP_MS - 1))
    expect(tpot).toBeGreaterThan(STEP_MS / 2) // a first arrival that a busy client stamps late makes it smaller
    expect((sample.itl?.count ?? 0) + 1 + sample.coalesced).toBe(WORDS)
  })

  it('a wrong base URL is http-404 with the server’s own words', async () => {
    const sample = await measure('')
    expect(sample.outcome).toBe('http-404')
    expect(sample.detail).toContain('Not Found')
  })
})
