/** Every fault on every face: each keeps its own framing and its own words for what went wrong. */
import { createGunzip } from 'node:zlib'
import { request as httpRequest } from 'node:http'
import { once } from 'node:events'
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frameBody } from '../../src/protocol/frame.js'
import { startSimulator, type Simulator } from '../../src/simulate/server.js'

interface Spoken {
  readonly face: string
  readonly path: string
  readonly body: object
  readonly headers?: Record<string, string>
  /** The visible text of one event. */
  readonly text: (event: Record<string, unknown>) => unknown
  /** What only the terminal event has. */
  readonly terminal: string
  readonly usage: RegExp
  /** An error in the middle, a refusal for an overload, and one for a rate limit. */
  readonly broken: RegExp
  readonly overloaded: RegExp
  readonly limited: RegExp
}

const messages = [{ role: 'user', content: 'Hello there.' }]
const get = (path: string) => (event: Record<string, unknown>) =>
  path
    .split('.')
    .reduce<unknown>(
      (at, key) =>
        typeof at === 'object' && at !== null ? Object.entries(at).find(([k]) => k === key)?.[1] : undefined,
      event,
    )

const FACES: readonly Spoken[] = [
  {
    face: 'openai-chat',
    path: '/v1/chat/completions',
    body: { max_tokens: 6, messages, stream_options: { include_usage: true } },
    text: get('choices.0.delta.content'),
    terminal: '[DONE]',
    usage: /"prompt_tokens"/,
    broken: /^data: \{"error":\{"message":"The server had an error/m,
    overloaded: /"type": "server_error"/,
    limited: /"code": "rate_limit_exceeded"/,
  },
  {
    face: 'openai-responses',
    path: '/v1/responses',
    body: { max_output_tokens: 6, input: 'Hello there.' },
    text: (event) => (event['type'] === 'response.output_text.delta' ? event['delta'] : undefined),
    terminal: 'event: response.incomplete',
    usage: /"input_tokens"/,
    broken: /^event: error\r?\ndata: \{"type":"error","sequence_number":\d+,"code":"server_error"/m,
    overloaded: /"type": "server_error"/,
    limited: /"code": "rate_limit_exceeded"/,
  },
  {
    face: 'anthropic-messages',
    path: '/v1/messages',
    body: { max_tokens: 6, messages },
    headers: { 'anthropic-version': '2023-06-01' },
    text: get('delta.text'),
    terminal: '"message_stop"',
    usage: /"input_tokens"/,
    broken: /^event: error\r?\ndata: \{"type":"error","error":\{"type":"overloaded_error"/m,
    overloaded: /"type":"overloaded_error"/,
    limited: /"type":"rate_limit_error"/,
  },
  {
    face: 'gemini',
    path: '/v1beta/models/exact:streamGenerateContent?alt=sse',
    body: { contents: [{ parts: [{ text: 'Hello there.' }] }], generationConfig: { maxOutputTokens: 6 } },
    text: get('candidates.0.content.parts.0.text'),
    terminal: '"finishReason"',
    usage: /"usageMetadata"/,
    broken: /^data: \{"error":\{"code":503,.*"status":"UNAVAILABLE"/m,
    overloaded: /"status": "UNAVAILABLE"/,
    limited: /"status": "RESOURCE_EXHAUSTED"/,
  },
  {
    face: 'ollama-chat',
    path: '/api/chat',
    body: { messages, options: { num_predict: 6 } },
    text: get('message.content'),
    terminal: '"done":true',
    usage: /"eval_count"/,
    broken: /^\{"error":".+"\}$/m,
    overloaded: /^\{"error":"server busy/,
    limited: /^\{"error":"too many requests"\}$/,
  },
]

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({
    profile: 'exact',
    set: { base: 1, fresh: 0, tpot: 0.3 },
    faultsByHeader: true,
  })
})
afterAll(() => simulator.close())

interface Got {
  status: number
  headers: NodeJS.Dict<string | string[]>
  body: Buffer
  chunks: Buffer[]
  /** The body ended as HTTP says it should. */
  complete: boolean
}

async function post(spoken: Spoken, fault: string, more: Record<string, string> = {}): Promise<Got> {
  const { path, headers, body } = spoken
  const asked = httpRequest(simulator.url + path, {
    method: 'POST',
    agent: false,
    headers: { ...headers, ...more, 'x-plumbline-fault': fault },
  })
  // Gemini and Ollama stream by path or by default; the others are asked to.
  const streams = spoken.face === 'gemini' ? body : { model: 'exact', stream: true, ...body }
  asked.end(JSON.stringify(streams))
  const [response] = await once(asked, 'response')
  // A reset is told to the request too.
  asked.on('error', () => {})
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise<void>((resolve) => {
    response.on('end', resolve)
    response.on('error', () => resolve())
    response.on('close', resolve)
  })
  return {
    status: response.statusCode,
    headers: response.headers,
    body: Buffer.concat(chunks),
    chunks,
    complete: response.complete,
  }
}

function textOf({ text }: Spoken, body: string): string {
  return body
    .split(/\r?\n/)
    .flatMap((line) => {
      const data = line.replace(/^data: /, '')
      if (!data.startsWith('{')) return []
      const said = text(JSON.parse(data) as Record<string, unknown>)
      return typeof said === 'string' ? [said] : []
    })
    .join('')
}

describe.each(FACES)('$face', (spoken) => {
  const count = (body: Buffer, what: string): number => body.toString().split(what).length - 1

  it('without a fault: six tokens of text, one terminal event, usage', async () => {
    const { body, complete } = await post(spoken, '')
    expect(encode(textOf(spoken, body.toString()))).toHaveLength(6)
    expect([complete, count(body, spoken.terminal)]).toEqual([true, 1])
    expect(body.toString()).toMatch(spoken.usage)
  })

  it('no-usage, no-done and dup-done take only what they name', async () => {
    const unused = (await post(spoken, 'no-usage')).body
    expect(unused.toString()).not.toMatch(spoken.usage)
    expect(count(unused, spoken.terminal)).toBe(1)
    expect(count((await post(spoken, 'no-done')).body, spoken.terminal)).toBe(0)
    expect(count((await post(spoken, 'dup-done')).body, spoken.terminal)).toBe(2)
  })

  it('cut, half-event and reset end an open body; only whole events come of a cut', async () => {
    const cut = await post(spoken, 'cut:2')
    expect([cut.complete, encode(textOf(spoken, cut.body.toString())).length]).toEqual([false, 2])
    const half = await post(spoken, 'half-event:2')
    expect([half.complete, half.body.toString().endsWith('\n')]).toEqual([false, false])
    expect((await post(spoken, 'reset:2, slowdown:20')).complete).toBe(false)
  })

  it('error-event is the API’s own error inside a 200, without the terminal event', async () => {
    const { status, body } = await post(spoken, 'error-event:2')
    expect([status, count(body, spoken.terminal)]).toEqual([200, 0])
    expect(body.toString()).toMatch(spoken.broken)
  })

  it('html-502, status-529 and status-429 speak in the API’s own words', async () => {
    const html = await post(spoken, 'html-502')
    expect([html.status, html.headers['content-type']]).toEqual([502, 'text/html'])
    const overloaded = await post(spoken, 'status-529')
    expect([overloaded.status, overloaded.body.toString()]).toEqual([
      529,
      expect.stringMatching(spoken.overloaded),
    ])
    const limited = await post(spoken, 'status-429:7')
    expect([limited.status, limited.headers['retry-after']]).toEqual([429, '7'])
    expect(limited.body.toString()).toMatch(spoken.limited)
    const dated = await post(spoken, 'status-429-date:7')
    expect(Date.parse(String(dated.headers['retry-after']))).toBeGreaterThan(Date.now())
  })

  it('buffered is one chunk; two-per-event halves the events; crlf ends every line so', async () => {
    expect((await post(spoken, 'buffered')).chunks).toHaveLength(1)
    const texts = (body: Buffer): number =>
      body
        .toString()
        .split(/\r?\n/)
        .filter((line) => textOf(spoken, line) !== '').length
    expect(texts((await post(spoken, 'two-per-event')).body)).toBe(3)
    expect((await post(spoken, 'crlf')).body.toString().replaceAll('\r\n', '')).not.toContain('\n')
  })

  it('split-utf8 cuts inside characters, and the text is whole when the bytes are put together', async () => {
    const { body, chunks } = await post(spoken, 'split-utf8')
    const text = textOf(spoken, body.toString())
    expect(encode(text)).toHaveLength(6)
    expect(text).not.toContain('�')
    const torn = chunks.filter((chunk) => chunk.at(-1)! >= 0x80)
    expect(torn.length).toBeGreaterThanOrEqual(6)
  })

  it('gzip: each event can be read when it arrives, and the whole unpacks to the same stream', async () => {
    const { headers, body, chunks } = await post(spoken, 'gzip')
    expect(headers['content-encoding']).toBe('gzip')
    const early = createGunzip()
    const seen: Buffer[] = []
    early.on('data', (part: Buffer) => seen.push(part))
    early.on('error', () => {})
    const half = chunks.slice(0, chunks.length >> 1)
    for (const chunk of half) early.write(chunk)
    await expect.poll(() => textOf(spoken, Buffer.concat(seen).toString())).not.toBe('')
    early.destroy()
    const whole = createGunzip()
    whole.end(body)
    const parts: Buffer[] = []
    for await (const part of whole) if (Buffer.isBuffer(part)) parts.push(part)
    const unpacked = Buffer.concat(parts)
    expect(encode(textOf(spoken, unpacked.toString()))).toHaveLength(6)
    expect(count(unpacked, spoken.terminal)).toBe(1)
  })

  it('not-streaming answers with one JSON document; comments come only where the framing has them', async () => {
    const { body } = await post(spoken, 'not-streaming')
    expect(JSON.parse(body.toString())).toBeTypeOf('object')
    const commented = (await post(spoken, 'comments')).body.toString()
    expect(commented.startsWith(': keep-alive')).toBe(spoken.face !== 'ollama-chat')
    expect(encode(textOf(spoken, commented))).toHaveLength(6)
  })
})

describe('the truth in the answer, for x-plumbline-truth: 1', () => {
  interface Truth {
    outcome: string
    outputTokens: number
    e2eMs: number
    phases: Record<string, number>
    face: string
  }

  function check(text: string, face: string): void {
    const truth = JSON.parse(text) as Truth
    expect(truth).toMatchObject({ outcome: 'ok', outputTokens: 6, face })
    const ns = Object.values(truth.phases).reduce((sum, ms) => sum + Math.round(ms * 1e6), 0)
    expect(ns).toBe(Math.round(truth.e2eMs * 1e6))
  }

  it.each(FACES.filter(({ face }) => face !== 'ollama-chat'))(
    '$face: the last line of the stream is a comment',
    async (spoken) => {
      const { body } = await post(spoken, '', { 'x-plumbline-truth': '1' })
      const [, text = ''] = /\n: plumbline-truth (\{.*\})\r?\n\r?\n$/.exec(body.toString()) ?? []
      check(text, spoken.face)
      expect((await post(spoken, '')).body.toString()).not.toContain('plumbline-truth')
    },
  )

  it('an answer in one body has it in a header', async () => {
    const chat = FACES[0]!
    const { headers } = await post(chat, 'not-streaming', { 'x-plumbline-truth': '1' })
    check(String(headers['x-plumbline-truth']), 'openai-chat')
  })
})

it('a Gemini stream without alt=sse is one JSON array', async () => {
  const spoken = {
    ...FACES.find(({ face }) => face === 'gemini')!,
    path: '/v1beta/models/exact:streamGenerateContent',
  }
  const { body, headers } = await post(spoken, '')
  const chunks = JSON.parse(body.toString()) as unknown[]
  expect([chunks.length, headers['content-type']]).toEqual([7, 'application/json; charset=UTF-8'])
  const { frames } = frameBody(body, [body.length], 'sse-or-array')
  expect(frames.map(({ frame }) => JSON.parse(frame.data) as unknown)).toEqual(chunks)
})
