/** Bad input gets what the real API gives, face by face. */
import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulate/server.js'

type Row = readonly [what: string, path: string, body: unknown, status: number, wanted: RegExp]

const key = 'refusing-key'
const long = 'word '.repeat(120)
const messages = [{ role: 'user', content: 'hi' }]
const claude = { model: 'm', max_tokens: 4, messages }
const contents = [{ parts: [{ text: 'hi' }] }]
const generate = '/v1beta/models/m:generateContent'

const ROWS: readonly Row[] = [
  ['anthropic: no key', '/v1/messages', claude, 401, /"authentication_error","message":"x-api-key header/],
  ['anthropic: malformed JSON', '/v1/messages', '{"model":', 400, /not valid JSON/],
  [
    'anthropic: max_tokens left out',
    '/v1/messages',
    { model: 'm', messages },
    400,
    /max_tokens: Field required/,
  ],
  [
    'anthropic: a wrong type',
    '/v1/messages',
    { ...claude, stream: 'yes' },
    400,
    /stream: Input should be a valid boolean/,
  ],
  [
    'anthropic: an unknown parameter',
    '/v1/messages',
    { ...claude, seed: 1 },
    400,
    /seed: Extra inputs are not permitted/,
  ],
  [
    'anthropic: an unknown model',
    '/v1/messages',
    { ...claude, model: 'x' },
    404,
    /"not_found_error","message":"model: x"/,
  ],
  [
    'anthropic: too long a prompt',
    '/v1/messages',
    { ...claude, messages: [{ role: 'user', content: long }] },
    400,
    /prompt is too long: 12\d tokens > 100 maximum/,
  ],
  [
    'anthropic: too much output',
    '/v1/messages',
    { ...claude, max_tokens: 99 },
    400,
    /exceed context limit: 8 \+ 99 > 100/,
  ],
  [
    'anthropic: a small thinking budget',
    '/v1/messages',
    { ...claude, thinking: { type: 'enabled', budget_tokens: 2 } },
    400,
    /budget_tokens: Input should be greater than or equal to 1024/,
  ],
  [
    'anthropic: five cache marks',
    '/v1/messages',
    {
      ...claude,
      system: Array.from({ length: 5 }, () => ({
        type: 'text',
        text: 'a',
        cache_control: { type: 'ephemeral' },
      })),
    },
    400,
    /A maximum of 4 blocks with cache_control may be provided. Found 5/,
  ],
  ['anthropic: an unknown path', '/v1/messages/x', {}, 404, /"not_found_error"/],
  ['gemini: no key', generate, { contents }, 403, /"PERMISSION_DENIED"/],
  ['gemini: malformed JSON', generate, '{"contents":', 400, /Invalid JSON payload received/],
  ['gemini: no contents', generate, {}, 400, /contents is not specified/],
  [
    'gemini: an unknown field',
    generate,
    { contents, seed: 1 },
    400,
    /Unknown name \\"seed\\": Cannot find field/,
  ],
  [
    'gemini: an unknown model',
    '/v1beta/models/x:generateContent',
    { contents },
    404,
    /models\/x is not found for API version/,
  ],
  [
    'gemini: too long a prompt',
    generate,
    { contents: [{ parts: [{ text: long }] }] },
    400,
    /input token count \(12\d\) exceeds/,
  ],
  ['gemini: an unknown method', '/v1beta/models/m:count', { contents }, 404, /<title>Error 404/],
  ['responses: no key', '/v1/responses', { model: 'm', input: 'hi' }, 401, /didn't provide an API key/],
  [
    'responses: an unknown parameter',
    '/v1/responses',
    { model: 'm', input: 'hi', seed: 1 },
    400,
    /"Unknown parameter: 'seed'."/,
  ],
  [
    'responses: fewer than 16 tokens',
    '/v1/responses',
    { model: 'm', input: 'hi', max_output_tokens: 6 },
    400,
    /Expected a value >= 16, but got 6 instead[^}]*"integer_below_min_value"/,
  ],
  [
    'responses: too long a prompt',
    '/v1/responses',
    { model: 'm', input: long },
    400,
    /exceeds the context window/,
  ],
  [
    'chat: a temperature below 0',
    '/v1/chat/completions',
    { model: 'm', messages, temperature: -1 },
    400,
    /Invalid 'temperature': \w+ below minimum value. Expected a value >= 0/,
  ],
  [
    'chat: a tool that is not there',
    '/v1/chat/completions',
    { model: 'm', messages, tool_choice: { type: 'function', function: { name: 'x' } } },
    400,
    /Tool choice 'x' not found in 'tools' parameter/,
  ],
  ['ollama: no key', '/api/chat', { model: 'm', messages }, 401, /\{"error":"unauthorized"\}/],
  ['ollama: malformed JSON', '/api/chat', '{', 400, /^\{"error":".+"\}$/],
  ['ollama: no model', '/api/chat', { messages }, 400, /model is required/],
  [
    'ollama: an unknown model',
    '/api/generate',
    { model: 'x', prompt: 'hi' },
    404,
    /^\{"error":"model 'x' not found"\}$/,
  ],
  ['ollama: an unknown path', '/api/x', {}, 404, /^404 page not found$/],
]

let simulator: Simulator
beforeAll(async () => {
  process.env['REFUSING_KEY'] = key
  simulator = await startSimulator({
    profile: 'exact',
    set: { base: 1, tpot: 0.1, contextTokens: 100, strictParameters: true },
    models: ['m'],
    apiKeyEnv: 'REFUSING_KEY',
  })
})
afterAll(() => simulator.close())

function headersFor(path: string, given: string | undefined): Record<string, string> {
  const keys =
    given === undefined
      ? {}
      : { authorization: `Bearer ${given}`, 'x-api-key': given, 'x-goog-api-key': given }
  if (path.startsWith('/v1/messages')) return { ...keys, 'anthropic-version': '2023-06-01' }
  if (path.startsWith('/v1beta')) return given === undefined ? {} : { 'x-goog-api-key': given }
  return given === undefined ? {} : { authorization: `Bearer ${given}` }
}

function post(path: string, body: unknown, given: string | undefined = key): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return fetch(simulator.url + path, { method: 'POST', headers: headersFor(path, given), body: text })
}

describe('bad input gets the status and the words of the API it came to', () => {
  it.each(ROWS)('%s', async (what, path, body, status, wanted) => {
    const headers = headersFor(path, what.endsWith('no key') ? undefined : key)
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(simulator.url + path, { method: 'POST', headers, body: text })
    const said = await response.text()
    expect(said).toMatch(wanted)
    expect(response.status).toBe(status)
    expect(said).not.toContain(key)
  })

  it('a wrong key is refused by each, and never said back', async () => {
    const asked = [
      ['/v1/chat/completions', 401],
      ['/v1/messages', 401],
      [generate, 400],
      ['/api/chat', 401],
    ] as const
    for (const [path, status] of asked) {
      const response = await post(path, {}, 'sk-canary')
      expect([path, response.status]).toEqual([path, status])
      expect(await response.text()).not.toContain('sk-canary')
    }
  })

  it('the wrong method on a path that exists', async () => {
    const get = (path: string): Promise<Response> =>
      fetch(simulator.url + path, { headers: headersFor(path, key) })
    expect((await get('/v1/messages')).status).toBe(405)
    expect((await get('/v1/responses')).status).toBe(405)
    expect((await get('/api/chat')).status).toBe(405)
    expect((await get(generate)).status).toBe(404)
  })

  it('messages without anthropic-version are refused', async () => {
    const headers = { 'x-api-key': key }
    const response = await fetch(`${simulator.url}/v1/messages`, {
      method: 'POST',
      headers,
      body: JSON.stringify(claude),
    })
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining('anthropic-version'),
    ])
  })

  it('a prompt beyond the context is cut by Ollama, not refused', async () => {
    const body = { model: 'm', prompt: long, stream: false, options: { num_predict: 10 } }
    expect(await (await post('/api/generate', body)).json()).toMatchObject({
      prompt_eval_count: 90,
      eval_count: 10,
    })
  })
})

const recorded = new URL('../../../shared/data/errors/real_error_responses.json', import.meta.url)
const present = existsSync(recorded)

interface Recorded {
  host: string
  status: number
  body: unknown
}

describe.skipIf(!present)(`recorded errors${present ? '' : ' (skipped: ../shared/data is absent)'}`, () => {
  it.each([
    [
      'api.openai.com',
      'The model `nonexistent` does not',
      '/v1/chat/completions',
      { model: 'nonexistent', messages },
    ],
    [
      'api.openai.com',
      "The requested model 'gpt-5.2-proo'",
      '/v1/responses',
      { model: 'gpt-5.2-proo', input: 'hi' },
    ],
    [
      'api.anthropic.com',
      'model: claude-does-not-exist',
      '/v1/messages',
      { ...claude, model: 'claude-does-not-exist' },
    ],
    [
      'generativelanguage',
      'models/gemini-3.6-flahs is not',
      '/v1beta/models/gemini-3.6-flahs:generateContent',
      { contents },
    ],
    [
      '127.0.0.1:11434',
      "model 'nonexistent-model:latest' not",
      '/api/chat',
      { model: 'nonexistent-model:latest', messages },
    ],
  ])('%s, %s: the same status, keys and words for an unknown model', async (host, words, path, body) => {
    const all = JSON.parse(readFileSync(recorded, 'utf8')) as Recorded[]
    const real = all.find((each) => each.host.includes(host) && JSON.stringify(each.body).includes(words))!
    const realBody: unknown = typeof real.body === 'string' ? JSON.parse(real.body) : real.body
    const response = await post(path, body)
    const own: unknown = await response.json()
    expect(response.status).toBe(real.status)
    if (typeof own === 'object' && own !== null && 'request_id' in own) own.request_id = expect.any(String)
    expect(realBody).toEqual(own)
  })
})
