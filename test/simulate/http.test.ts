import { mkdtempSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { SimulateOptions } from '../../src/simulate/options.js'
import { startSimulator, type Simulator } from '../../src/simulate/server.js'

const fast = { base: 2, fresh: 0, tpot: 0.5 }
let open: Simulator[] = []

async function start(options: SimulateOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator({ profile: 'exact', set: fast, ...options })
  open.push(simulator)
  return simulator
}

afterEach(async () => {
  const closing = open
  open = []
  await Promise.all(closing.map((simulator) => simulator.close()))
})

const hello = { model: 'exact', max_tokens: 6, messages: [{ role: 'user', content: 'Hello there.' }] }

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

interface Chunk {
  id: string
  object: string
  choices: {
    index: number
    delta: { role?: string; content?: string; reasoning_content?: string; refusal?: null }
    finish_reason: string | null
  }[]
  usage?: Record<string, unknown> | null
}

function events(text: string): string[] {
  return text.split(/\r?\n\r?\n/).flatMap((event) => (event.startsWith('data: ') ? [event.slice(6)] : []))
}

function chunks(text: string): Chunk[] {
  return events(text)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data) as Chunk)
}

describe('a streamed chat completion', () => {
  it('is: role, one token an event, finish, usage, [DONE]', async () => {
    const { url } = await start()
    const response = await post(url, { ...hello, stream: true, stream_options: { include_usage: true } })
    const text = await response.text()
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/)
    expect(response.headers.get('openai-processing-ms')).toMatch(/^\d+$/)
    const all = chunks(text)
    expect(all).toHaveLength(1 + 6 + 1 + 1)
    expect(all[0]!.choices[0]!.delta).toEqual({ role: 'assistant', content: '', refusal: null })
    const output = all.slice(1, 7).map(({ choices }) => choices[0]!.delta.content ?? '')
    for (const token of output) expect(encode(token)).toHaveLength(1)
    expect(encode(output.join(''))).toHaveLength(6)
    expect(all[7]!.choices[0]).toMatchObject({ delta: {}, finish_reason: 'length' })
    expect(all[8]).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 10, completion_tokens: 6, total_tokens: 16 },
    })
    expect(all.slice(0, 8).map(({ usage }) => usage)).toEqual(Array.from({ length: 8 }, () => null))
    expect(new Set(all.map(({ id }) => id)).size).toBe(1)
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  it('has no usage where include_usage is not asked for', async () => {
    const { url } = await start()
    const all = chunks(await (await post(url, { ...hello, stream: true })).text())
    expect(all.some((chunk) => 'usage' in chunk)).toBe(false)
  })

  it('has the keys of a recorded OpenAI stream, event by event', async (context) => {
    const recording = new URL(
      '../../../shared/data/sse/openai-chat/test_run_stream_sync_streams_real_model.0.sse',
      import.meta.url,
    )
    let recorded: Chunk[] = []
    try {
      recorded = chunks(readFileSync(recording, 'utf8'))
    } catch {
      context.skip('the recordings in ../shared/data are not here')
    }
    const { url } = await start()
    const own = chunks(
      await (await post(url, { ...hello, stream: true, stream_options: { include_usage: true } })).text(),
    )
    const keys = (chunk: Chunk): string[] => Object.keys(chunk).filter((key) => key !== 'obfuscation')
    expect(keys(own[1]!)).toEqual(keys(recorded[1]!))
    expect(Object.keys(own[1]!.choices[0]!)).toEqual(Object.keys(recorded[1]!.choices[0]!))
    expect(keys(own.at(-1)!)).toEqual(keys(recorded.at(-1)!))
    expect(Object.keys(own.at(-1)!.usage!)).toEqual(Object.keys(recorded.at(-1)!.usage!))
  })

  it('text of 300 tokens counts as 300 tokens when it is put together', async () => {
    const { url } = await start({ set: { ...fast, tpot: 0 } })
    const all = chunks(await (await post(url, { ...hello, max_tokens: 300, stream: true })).text())
    const text = all.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
    expect(encode(text)).toHaveLength(300)
  })

  it('sends reasoning before the text, and counts it in the output', async () => {
    const { url } = await start({ set: { ...fast, reasoningTokens: 4 } })
    const body = { ...hello, stream: true, stream_options: { include_usage: true } }
    const all = chunks(await (await post(url, body)).text())
    const kinds = all.slice(1, 7).map(({ choices }) => Object.keys(choices[0]!.delta)[0])
    expect(kinds).toEqual([...Array.from({ length: 4 }, () => 'reasoning_content'), 'content', 'content'])
    expect(all.at(-1)!.usage).toMatchObject({
      completion_tokens: 6,
      completion_tokens_details: { reasoning_tokens: 4 },
    })
  })
})

describe('other answers', () => {
  it('a whole completion has its text, usage with cached tokens, and finish reason in one JSON body', async () => {
    const { url } = await start()
    const long = {
      ...hello,
      messages: [{ role: 'user', content: 'The wall stands by the river. '.repeat(40) }],
    }
    await (await post(url, long)).text()
    const body: unknown = await (await post(url, long)).json()
    const promptTokens = encode(long.messages[0]!.content).length + 7
    const cached = Math.floor((promptTokens - 1) / 16) * 16
    expect(body).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant' }, finish_reason: 'length' }],
      usage: { prompt_tokens: promptTokens, prompt_tokens_details: { cached_tokens: cached } },
    })
  })

  it('an answer whose length was not asked for ends with stop', async () => {
    const { url } = await start({ set: { ...fast, defaultOutputTokens: 9 } })
    const body: unknown = await (await post(url, { ...hello, max_tokens: undefined })).json()
    expect(body).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: { completion_tokens: 9 } })
  })

  it('/v1/completions takes a bare prompt, with no template around it', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'exact', prompt: 'Hello there.', max_tokens: 4 }),
    })
    expect(await response.json()).toMatchObject({
      object: 'text_completion',
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    })
  })

  it('/v1/models lists what is served, /health says ok', async () => {
    const { url } = await start({ models: ['a', 'b/c'] })
    const models = await fetch(`${url}/v1/models`)
    expect(await models.json()).toMatchObject({ object: 'list', data: [{ id: 'a' }, { id: 'b/c' }] })
    expect((await fetch(`${url}/v1/models/b%2Fc`)).status).toBe(200)
    expect((await fetch(`${url}/v1/models/d`)).status).toBe(404)
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok', inFlight: 0 })
  })
})

describe('bad input gets what the real API gives', () => {
  let simulator: Simulator
  beforeAll(async () => {
    process.env['SIMULATED_KEY'] = 'sk-canary'
    simulator = await startSimulator({
      profile: 'hosted-reasoning',
      set: { contextTokens: 100 },
      apiKeyEnv: 'SIMULATED_KEY',
    })
  })
  afterAll(() => simulator.close())
  const key = { authorization: 'Bearer sk-canary' }
  const ask = { model: 'hosted-reasoning', messages: [{ role: 'user', content: 'hi' }] }
  const long = { ...ask, messages: [{ role: 'user', content: 'word '.repeat(120) }] }

  it.each([
    ['a missing key', ask, {}, 401, { code: null }],
    ['a wrong key', ask, { authorization: 'Bearer sk-other' }, 401, { code: 'invalid_api_key' }],
    ['an unknown model', { ...ask, model: 'gpt-9' }, key, 404, { code: 'model_not_found' }],
    ['malformed JSON', '{"model":', key, 400, { type: 'invalid_request_error' }],
    ['a body that is no object', '[]', key, 400, { type: 'invalid_request_error' }],
    [
      'no messages',
      { model: 'hosted-reasoning' },
      key,
      400,
      { param: 'messages', code: 'missing_required_parameter' },
    ],
    ['a wrong type', { ...ask, stream: 'yes' }, key, 400, { param: 'stream', code: 'invalid_type' }],
    ['an unknown parameter', { ...ask, ignore_eos: true }, key, 400, { message: /ignore_eos/ }],
    [
      'max_tokens of a reasoning model',
      { ...ask, max_tokens: 5 },
      key,
      400,
      { code: 'unsupported_parameter' },
    ],
    ['too long a prompt', long, key, 400, { code: 'context_length_exceeded' }],
    ['too much output', { ...ask, max_completion_tokens: 99 }, key, 400, { code: 'context_length_exceeded' }],
    ['a picture', { ...ask, messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, key, 400, {}],
  ])('%s', async (_, body, headers, status, wanted) => {
    const response = await post(simulator.url, body, headers)
    const { error } = (await response.json()) as { error: Record<string, unknown> }
    expect(response.status).toBe(status)
    expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code'])
    for (const [name, value] of Object.entries(wanted)) {
      if (value instanceof RegExp) expect(error[name]).toMatch(value)
      else expect(error[name]).toEqual(value)
    }
    expect(JSON.stringify(error)).not.toContain('sk-')
  })

  it('an unknown path is a 404 with a JSON error', async () => {
    const response = await fetch(`${simulator.url}/v1/embeddings`, { method: 'POST', headers: key })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { message: 'Invalid URL (POST /v1/embeddings)' } })
  })

  it('the 4th request of 3 a minute gets 429 with the seconds to wait', async () => {
    const { url } = await start({ requestsPerMinute: 3 })
    const responses = []
    for (let i = 0; i < 4; i++) responses.push(await post(url, hello))
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 429])
    expect(Number(responses[3]!.headers.get('retry-after'))).toBeGreaterThan(15)
    expect(Number(responses[3]!.headers.get('retry-after'))).toBeLessThanOrEqual(20)
    expect(responses[3]!.headers.get('x-ratelimit-remaining-requests')).toBe('0')
  })
})

describe('options that are wrong', () => {
  it.each([
    [{ profile: 'h200' }, /profile 'h200' is unknown; there are exact, /],
    [{ profile: 'exact', set: { speed: 3 } }, /exact has no constant 'speed'/],
    [{ host: '0.0.0.0' }, /apiKeyEnv/],
    [{ apiKeyEnv: 'NOT_SET_ANYWHERE' }, /NOT_SET_ANYWHERE is not set/],
    [{ fault: 'rest' }, /fault 'rest' is unknown; there are reset, /],
    [{ port: 70_000 }, /port: /],
  ])('%j', async (options, message) => {
    await expect(startSimulator(options)).rejects.toThrow(message)
  })
})

/** What comes on a bare socket until the server closes it or `quietMs` pass with nothing. */
function raw(
  port: number,
  body: unknown,
  header = '',
  quietMs = 200,
): Promise<{ text: string; end: string }> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1')
    const finish = (end: string): void => {
      resolve({ text, end })
      socket.destroy()
    }
    socket.setTimeout(quietMs, () => finish('quiet'))
    socket.on('data', (part) => (text += part.toString()))
    socket.on('end', () => finish('fin'))
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'error'))
    const content = JSON.stringify(body)
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n${header}content-length: ${content.length}\r\n\r\n${content}`,
    )
  })
}

describe('faults by the header x-plumbline-fault', () => {
  const ask = { ...hello, stream: true, stream_options: { include_usage: true } }
  let simulator: Simulator
  beforeAll(async () => {
    simulator = await startSimulator({ profile: 'exact', set: fast, faultsByHeader: true })
  })
  afterAll(() => simulator.close())
  const fetched = async (fault: string): Promise<{ response: Response; text: string }> => {
    const response = await post(simulator.url, ask, { 'x-plumbline-fault': fault })
    return { response, text: await response.text() }
  }
  const broken = (fault: string): Promise<{ text: string; end: string }> =>
    raw(simulator.port, ask, `x-plumbline-fault: ${fault}\r\n`)
  const tokens = (text: string): number => text.split('"content":').length - 1 - 1

  it('reset:2 sends 2 tokens and an RST', async () => {
    // Slowly: where data and RST come in one poll, libuv reports the end of the stream and no error.
    const { text, end } = await broken('reset:2, slowdown:40')
    expect([tokens(text), end]).toEqual([2, 'ECONNRESET'])
  })
  it('stall:2 sends 2 tokens and then nothing', async () => {
    const { text, end } = await broken('stall:2')
    expect([tokens(text), end]).toEqual([2, 'quiet'])
  })
  it('cut:2 sends 2 tokens and a FIN without the last chunk', async () => {
    const { text, end } = await broken('cut:2')
    expect([tokens(text), end, text.endsWith('}\n\n\r\n')]).toEqual([2, 'fin', true])
  })
  it('half-event:2 ends inside the third event', async () => {
    const { text, end } = await broken('half-event:2')
    expect([end, text.endsWith('\n\n\r\n')]).toEqual(['fin', false])
  })
  it('error-event:2 is an error inside a 200, without [DONE]', async () => {
    const { response, text } = await fetched('error-event:2')
    expect(response.status).toBe(200)
    expect(JSON.parse(events(text).at(-1)!)).toMatchObject({ error: { type: 'server_error' } })
    expect(text).not.toContain('[DONE]')
  })
  it('html-502, status-429:7 and status-529 answer at once', async () => {
    const html = await fetched('html-502')
    expect([html.response.status, html.response.headers.get('content-type')]).toEqual([502, 'text/html'])
    const limited = await fetched('status-429:7')
    expect([limited.response.status, limited.response.headers.get('retry-after')]).toEqual([429, '7'])
    const dated = await fetched('status-429-date:7')
    expect(Date.parse(dated.response.headers.get('retry-after') ?? '')).toBeGreaterThan(Date.now())
    expect((await fetched('status-529')).response.status).toBe(529)
  })
  it('buffered sends the whole stream in one chunk', async () => {
    const { text } = await broken('buffered')
    // Body: one chunk size, the events, the empty chunk.
    expect(text.split('\r\n\r\n')[1]!.match(/^[0-9a-f]+\r$/gm)).toHaveLength(1)
    expect(text).toContain('[DONE]')
  })
  it('two-per-event puts 6 tokens into 3 events', async () => {
    const { text } = await fetched('two-per-event')
    const contents = chunks(text).flatMap(({ choices }) => choices[0]?.delta.content ?? [])
    expect(contents.filter((content) => content !== '').map((content) => encode(content).length)).toEqual([
      2, 2, 2,
    ])
  })
  it('no-usage, no-done and dup-done leave out or double the end', async () => {
    expect((await fetched('no-usage')).text).not.toContain('prompt_tokens')
    expect(events((await fetched('no-done')).text).at(-1)).not.toBe('[DONE]')
    expect(events((await fetched('dup-done')).text).slice(-2)).toEqual(['[DONE]', '[DONE]'])
  })
  it('comments, crlf together: a comment before each event, lines end in CRLF', async () => {
    const { text } = await fetched('comments, crlf')
    expect(text.startsWith(': keep-alive\r\n\r\ndata: {')).toBe(true)
    expect(text.replaceAll('\r\n', '')).not.toContain('\n')
  })
  it('not-streaming answers a stream with one JSON body', async () => {
    const { response, text } = await fetched('not-streaming')
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(JSON.parse(text)).toMatchObject({ object: 'chat.completion' })
  })
  it('slow-headers:120 holds the headers back', async () => {
    const beganMs = performance.now()
    await post(simulator.url, ask, { 'x-plumbline-fault': 'slow-headers:120' })
    expect(performance.now() - beganMs).toBeGreaterThan(119)
  })
  it('slowdown:20 stretches 4.5 ms to 90', async () => {
    const beganMs = performance.now()
    await fetched('slowdown:20')
    expect(performance.now() - beganMs).toBeGreaterThan(89)
  })
  it('an unknown one is refused, and none is heeded where the server does not allow them', async () => {
    expect((await fetched('rest')).response.status).toBe(400)
    const plain = await start()
    expect((await post(plain.url, hello, { 'x-plumbline-fault': 'html-502' })).status).toBe(200)
  })
})

describe('the truth file', () => {
  it('has a line a request, whose phases add up to e2e, with tokens, faults and outcome', async () => {
    const truth = join(mkdtempSync(join(tmpdir(), 'simulate-')), 'truth.ndjson')
    const { url, port } = await start({ truth, faultsByHeader: true, set: { ...fast, hit: 10 } })
    const body = {
      ...hello,
      stream: true,
      messages: [{ role: 'user', content: 'Stone by stone, '.repeat(50) }],
    }
    const first = await post(url, body)
    await first.text()
    const id = first.headers.get('x-request-id')
    await (await post(url, { ...body, stream: false })).text()
    await (await post(url, body, { 'x-plumbline-fault': 'slowdown:3' })).text()
    await raw(port, body, 'x-plumbline-fault: stall\r\n', 50)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const lines = readFileSync(truth, 'utf8').trimEnd().split('\n')
    const records = lines.map(
      (line) => JSON.parse(line) as Record<string, unknown> & { phases?: Record<string, number> },
    )
    expect(records.map(({ outcome, stream }) => [outcome, stream])).toEqual([
      ['ok', true],
      ['ok', false],
      ['ok', true],
      ['broken', true],
    ])
    expect(records[0]).toMatchObject({ requestId: id, cachedTokens: 0, outputTokens: 6 })
    expect(records[1]!['cachedTokens']).toBeGreaterThan(100)
    expect(records[2]).toMatchObject({ faults: ['slowdown:3'] })
    expect(Number(records[2]!['e2eMs'])).toBeCloseTo(3 * Number(records[1]!['e2eMs']), 6)
    for (const { phases, e2eMs } of records.slice(0, 3)) {
      const ns = Object.values(phases!).reduce((sum, ms) => sum + Math.round(ms * 1e6), 0)
      expect(ns).toBe(Math.round(Number(e2eMs) * 1e6))
    }
  })

  it('a client that leaves is cancelled, and its place is free', async () => {
    const truth = join(mkdtempSync(join(tmpdir(), 'simulate-')), 'truth.ndjson')
    const { url } = await start({ profile: '8b-h100', set: {}, truth })
    const inFlight = async (): Promise<unknown> => (await fetch(`${url}/health`)).json()
    const leaving = new AbortController()
    await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      signal: leaving.signal,
      body: JSON.stringify({ ...hello, model: '8b-h100', stream: true, max_tokens: 5000 }),
    })
    expect(await inFlight()).toEqual({ status: 'ok', inFlight: 1 })
    leaving.abort()
    await vi.waitFor(async () => expect(await inFlight()).toEqual({ status: 'ok', inFlight: 0 }))
    expect(JSON.parse(readFileSync(truth, 'utf8'))).toMatchObject({
      outcome: 'cancelled',
      outputTokens: 5000,
    })
  })
})
