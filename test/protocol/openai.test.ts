import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../src/protocol/openai-chat.js'
import { openaiCompletions } from '../../src/protocol/openai-completions.js'
import type { EncodeOptions, StreamEvent } from '../../src/protocol/protocol.js'

const decode = (chunk: unknown, name?: string): StreamEvent[] =>
  openaiChat.decode({
    data: typeof chunk === 'string' ? chunk : JSON.stringify(chunk),
    ...(name && { name }),
  })
const delta = (fields: unknown) => decode({ choices: [{ index: 0, delta: fields }] })
const usageOf = (usage: unknown, rest: object = {}) =>
  decode({ choices: [], usage, ...rest }).flatMap((event) => (event.kind === 'usage' ? [event.usage] : []))
const timingsOf = (chunk: unknown) =>
  decode(chunk).flatMap((event) => (event.kind === 'timings' ? [event.timings] : []))

describe('openai-chat: what is output', () => {
  it.each<[string, unknown, StreamEvent[]]>([
    ['role only', { role: 'assistant' }, []],
    ['role and empty content', { role: 'assistant', content: '', refusal: null }, []],
    ['null content', { content: null }, []],
    ['nothing', {}, []],
    ['null', null, []],
    ['content', { content: ' a' }, [{ kind: 'output', channel: 'text', text: ' a' }]],
    ['a blank', { content: ' ' }, [{ kind: 'output', channel: 'text', text: ' ' }]],
    [
      'reasoning_content',
      { content: null, reasoning_content: 'h' },
      [{ kind: 'output', channel: 'reasoning', text: 'h' }],
    ],
    ['reasoning', { content: '', reasoning: 'h' }, [{ kind: 'output', channel: 'reasoning', text: 'h' }]],
    [
      'both names at once',
      { reasoning: 'h', reasoning_content: 'h' },
      [{ kind: 'output', channel: 'reasoning', text: 'h' }],
    ],
    [
      'a summary of reasoning',
      { content: '', reasoning: 'h', reasoning_details: [{ type: 'reasoning.summary', summary: 'h' }] },
      [{ kind: 'output', channel: 'summary', text: 'h' }],
    ],
    [
      'reasoning in full, with its details',
      { content: '', reasoning: 'h', reasoning_details: [{ type: 'reasoning.text', text: 'h' }] },
      [{ kind: 'output', channel: 'reasoning', text: 'h' }],
    ],
    [
      'encrypted reasoning',
      { content: '', reasoning_details: [{ type: 'reasoning.encrypted', data: 'x' }] },
      [{ kind: 'hidden' }],
    ],
    [
      'the signature of reasoning, by OpenRouter',
      { content: '', reasoning_details: [{ type: 'reasoning.text', signature: 'EqkE' }] },
      [{ kind: 'hidden' }],
    ],
    [
      'the same by LiteLLM',
      { content: '', thinking_blocks: [{ type: 'thinking', thinking: '', signature: 'EqkE' }] },
      [{ kind: 'hidden' }],
    ],
    [
      'reasoning without a signature',
      { reasoning: 'h', reasoning_details: [{ type: 'reasoning.text', text: 'h', signature: null }] },
      [{ kind: 'output', channel: 'reasoning', text: 'h' }],
    ],
    ['empty reasoning', { content: null, reasoning_content: '' }, []],
    ['refusal', { refusal: 'No' }, [{ kind: 'output', channel: 'refusal', text: 'No' }]],
    [
      'a tool name',
      { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] },
      [{ kind: 'output', channel: 'tool', text: 'f' }],
    ],
    [
      'tool arguments',
      { tool_calls: [{ function: { arguments: '{"' } }] },
      [{ kind: 'output', channel: 'tool', text: '{"' }],
    ],
    [
      'a tool call without a list',
      { tool_calls: { index: 0, id: '', type: 'function', function: { name: 'f', arguments: '{' } } },
      [{ kind: 'output', channel: 'tool', text: 'f{' }],
    ],
    ['an empty tool call', { tool_calls: [{ id: '', function: { arguments: '' } }] }, []],
    [
      'a function call',
      { function_call: { name: 'f', arguments: '{}' } },
      [{ kind: 'output', channel: 'tool', text: 'f{}' }],
    ],
    [
      'a list of thinking and text',
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'h' }] },
          { type: 'text', text: 'a' },
        ],
      },
      [
        { kind: 'output', channel: 'reasoning', text: 'h' },
        { kind: 'output', channel: 'text', text: 'a' },
      ],
    ],
    ['content of a wrong kind', { content: 7, tool_calls: 'x', reasoning: [] }, []],
  ])('%s', (_, fields, events) => {
    expect(delta(fields)).toEqual(events)
  })

  it('a filter-only chunk, an empty object and a ping say nothing', () => {
    expect(decode({ choices: [], model: '', prompt_filter_results: [{ prompt_index: 0 }] })).toEqual([])
    expect(decode({})).toEqual([])
    expect(decode({ type: 'ping' }, 'ping')).toEqual([])
    expect(decode({ choices: [{ content_filter_offsets: {}, finish_reason: null, index: 0 }] })).toEqual([])
  })

  it('[DONE] is the end, the finish reason is not', () => {
    expect(decode('[DONE]')).toEqual([{ kind: 'end' }])
    expect(decode({ choices: [{ delta: {}, finish_reason: 'length' }] })).toEqual([
      { kind: 'finish', reason: 'length' },
    ])
  })

  it.each(['', '{', 'null', '7', '[]', '{"choices":{}}', '{"choices":[1]}'])(
    '%j is malformed, not fatal',
    (data) => {
      expect(decode(data)).toMatchObject([{ kind: 'malformed' }])
    },
  )
})

describe('openai-chat: usage', () => {
  it('prompt includes cached, output includes reasoning', () => {
    const usage = {
      prompt_tokens: 53,
      completion_tokens: 15,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 7 },
    }
    expect(usageOf(usage)).toEqual([
      { promptTokens: 53, cachedTokens: 0, outputTokens: 15, reasoningTokens: 7 },
    ])
  })

  it('absent is absent, never 0', () => {
    expect(usageOf({ prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: null })).toEqual([
      { promptTokens: 5, outputTokens: 2 },
    ])
    expect(usageOf(null)).toEqual([])
    expect(usageOf({})).toEqual([])
  })

  it.each([
    ['DeepSeek', { prompt_tokens: 339, prompt_cache_hit_tokens: 320, prompt_cache_miss_tokens: 19 }],
    ['Moonshot', { prompt_tokens: 339, cached_tokens: 320 }],
  ])('%s names its cached tokens in its own way', (_, usage) => {
    expect(usageOf(usage)).toEqual([{ promptTokens: 339, cachedTokens: 320 }])
  })

  it.each([-1, 1e308, 0.5, '3', true, 1e9 + 1])('a count of %j is malformed and not taken', (lie) => {
    const events = decode({ choices: [], usage: { prompt_tokens: 5, completion_tokens: lie } })
    expect(events).toEqual([
      { kind: 'malformed', detail: 'usage.completion_tokens is no token count' },
      { kind: 'usage', usage: { promptTokens: 5 } },
    ])
  })

  it('finish, usage and output may share one chunk', () => {
    const kinds = decode({
      choices: [{ delta: { content: '!' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 9, completion_tokens: 12 },
    }).map((event) => event.kind)
    expect(kinds).toEqual(['output', 'finish', 'usage'])
  })
})

describe('openai-chat: timings and route', () => {
  it('Groq: seconds in x_groq.usage become milliseconds, its usage counts', () => {
    const usage = {
      queue_time: 0.25,
      prompt_tokens: 18,
      prompt_time: 0.5,
      completion_tokens: 73,
      completion_time: 1,
      total_time: 1.5,
    }
    const chunk = { choices: [], x_groq: { id: 'req_1', usage } }
    expect(timingsOf(chunk)).toEqual([
      {
        queueMs: 250,
        prefillMs: 500,
        decodeMs: 1000,
        totalMs: 1500,
        raw: { queue_time: 0.25, prompt_time: 0.5, completion_time: 1, total_time: 1.5 },
      },
    ])
    expect(decode(chunk)).toContainEqual({ kind: 'usage', usage: { promptTokens: 18, outputTokens: 73 } })
    expect(decode(chunk)).toContainEqual({ kind: 'route', route: { requestId: 'req_1' } })
  })

  it('Cerebras: time_info, without its wall-clock field', () => {
    const time_info = {
      created: 1779147581.5,
      queue_time: 0.5,
      prompt_time: 0.25,
      completion_time: 2,
      total_time: 3,
    }
    expect(timingsOf({ choices: [], time_info })).toMatchObject([
      { queueMs: 500, prefillMs: 250, decodeMs: 2000, totalMs: 3000 },
    ])
    expect(timingsOf({ choices: [], time_info })[0]?.raw).not.toHaveProperty('created')
  })

  it('llama.cpp: prompt_ms is prefill, predicted_ms decode, the prompt is fresh plus cached', () => {
    const timings = {
      cache_n: 236,
      prompt_n: 1,
      prompt_ms: 30.958,
      prompt_per_second: 32.3,
      predicted_n: 35,
      predicted_ms: 661.064,
    }
    const chunk = { choices: [{ delta: {}, finish_reason: 'length' }], timings }
    expect(timingsOf(chunk)).toEqual([{ prefillMs: 30.958, decodeMs: 661.064, raw: timings }])
    expect(decode(chunk)).toContainEqual({
      kind: 'usage',
      usage: { promptTokens: 237, cachedTokens: 236, outputTokens: 35 },
    })
  })

  it('llama.cpp: usage in the same chunk has the last word on the counts', () => {
    const timings = { cache_n: 10, prompt_n: 5, prompt_ms: 1, predicted_n: 3, predicted_ms: 2 }
    expect(usageOf({ prompt_tokens: 15, completion_tokens: 4 }, { timings })).toEqual([
      { promptTokens: 15, cachedTokens: 10, outputTokens: 3 },
      { promptTokens: 15, outputTokens: 4 },
    ])
  })

  it('the route is read from chunks that are more than output', () => {
    const route = { model: 'm-2', system_fingerprint: 'fp', service_tier: 'default', provider: 'Minimax' }
    const events = decode({ ...route, choices: [{ delta: { role: 'assistant', content: '' } }] })
    expect(events).toEqual([
      {
        kind: 'route',
        route: { model: 'm-2', fingerprint: 'fp', serviceTier: 'default', upstream: 'Minimax' },
      },
    ])
    expect(decode({ ...route, choices: [{ delta: { content: 'a' } }] }).map((event) => event.kind)).toEqual([
      'output',
    ])
    expect(decode({ model: '', system_fingerprint: null, choices: [] })).toEqual([])
  })

  it.each<[string, Record<string, string>, object, object | undefined]>([
    [
      'OpenAI',
      {
        'x-request-id': 'req_1',
        'cf-ray': '9a1b2c3d-FRA',
        'openai-processing-ms': '107',
        'x-envoy-upstream-service-time': '130',
      },
      { requestId: 'req_1', region: 'FRA' },
      { toHeadersMs: 107, raw: { 'openai-processing-ms': '107', 'x-envoy-upstream-service-time': '130' } },
    ],
    [
      'Mistral',
      { 'mistral-correlation-id': 'c', 'x-envoy-upstream-service-time': '61' },
      { requestId: 'c' },
      { toHeadersMs: 61, raw: { 'x-envoy-upstream-service-time': '61' } },
    ],
    ['Groq', { 'x-groq-region': 'fra', 'cf-ray': '1-AMS' }, { region: 'fra' }, undefined],
    ['Azure', { 'x-ms-region': 'East US 2' }, { region: 'East US 2' }, undefined],
    ['a cf-ray without a colo', { 'cf-ray': '9a1b2c3d' }, {}, undefined],
    ['a time that is none', { 'openai-processing-ms': '-1' }, {}, { raw: { 'openai-processing-ms': '-1' } }],
    ['no headers', {}, {}, undefined],
  ])('headers of %s', (_, headers, route, timings) => {
    expect(openaiChat.readHeaders(headers)).toEqual({ route, timings })
  })
})

describe('openai-chat: errors inside a 200', () => {
  it.each<[string, unknown, string | undefined, object]>([
    [
      'an error object',
      { error: { message: 'busy', type: 'overloaded' } },
      undefined,
      { message: 'busy', type: 'overloaded' },
    ],
    ['an error string', { error: 'busy' }, undefined, { message: 'busy' }],
    [
      'an error beside choices',
      { error: { code: 400, message: 'limit' }, choices: [{ delta: {} }] },
      undefined,
      { message: 'limit' },
    ],
    [
      'vLLM’s error object',
      { object: 'error', message: 'busy', type: 'ServerError' },
      undefined,
      { message: 'busy', type: 'ServerError' },
    ],
    ['an event named error', { message: 'busy' }, 'error', { message: 'busy' }],
    ['an event named error that is no JSON', 'busy', 'error', { message: 'busy' }],
    ['Groq’s', { choices: [], x_groq: { error: 'over capacity' } }, undefined, { message: 'over capacity' }],
    [
      'OpenRouter’s, of a choice',
      { choices: [{ delta: {}, finish_reason: 'error', error: { code: 502, message: 'down' } }] },
      undefined,
      { message: 'down' },
    ],
    [
      'a finish reason that says no more',
      { choices: [{ delta: {}, finish_reason: 'error' }] },
      undefined,
      { message: 'the answer ended with finish reason error' },
    ],
    [
      'a finish reason with its error beside it',
      { error: { message: 'busy' }, choices: [{ delta: {}, finish_reason: 'error' }] },
      undefined,
      { message: 'busy' },
    ],
  ])('%s', (_, chunk, name, error) => {
    expect(decode(chunk, name).filter((event) => event.kind === 'error')).toEqual([
      { kind: 'error', ...error },
    ])
  })

  it('error: null is none', () => {
    expect(decode({ error: null, choices: [] })).toEqual([])
  })
})

describe('readError: the sentence of an error body', () => {
  it.each<[string, string, string | undefined]>([
    ['OpenAI', '{"error":{"message":"No key","type":"invalid_request_error","code":null}}', 'No key'],
    ['Ollama', '{"error":"model not found"}', 'model not found'],
    ['vLLM, Cohere, Bedrock', '{"message":"too long"}', 'too long'],
    [
      'FastAPI',
      '{"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}',
      'stream_options: Extra inputs are not permitted',
    ],
    ['a plain detail', '{"detail":"Not Found"}', 'Not Found'],
    ['a list', '[{"error":{"message":"quota"}}]', 'quota'],
    [
      'OpenRouter',
      '{"error":{"message":"Provider returned error","metadata":{"raw":"rate-limited upstream"}}}',
      'Provider returned error: rate-limited upstream',
    ],
    ['an HTML page', '<html><head><title>502 Bad Gateway</title></head></html>', '502 Bad Gateway'],
    ['an HTML page without title', '<html></html>', undefined],
    ['text', 'Not Found\nsecond line', 'Not Found'],
    ['nothing', ' \n', undefined],
    ['an empty object', '{}', undefined],
    ['a long text', 'x'.repeat(9000), `${'x'.repeat(500)}…`],
  ])('%s', (_, body, message) => {
    expect(openaiChat.readError(body)?.message).toBe(message)
  })
})

describe('encode', () => {
  const options: EncodeOptions = {
    model: 'm',
    quirks: {
      maxTokensField: 'max_completion_tokens',
      streamOptions: true,
      ignoreEos: false,
      temperature: 0,
    },
    body: {},
  }
  const ask = { messages: [{ role: 'user', content: 'hi' }], outputTokens: 16 } as const
  const bodyOf = (changes: Partial<EncodeOptions>, protocol = openaiChat) => {
    const { path, body } = protocol.encode(ask, { ...options, ...changes })
    return { path, ...JSON.parse(body) }
  }

  it('chat asks for a stream with usage and the length in the field that the server knows', () => {
    expect(bodyOf({})).toEqual({
      path: '/chat/completions',
      model: 'm',
      messages: ask.messages,
      max_completion_tokens: 16,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  it('what a server refuses is not sent: temperature null, no stream options, no ignore_eos', () => {
    const quirks = {
      ...options.quirks,
      maxTokensField: 'max_tokens',
      streamOptions: false,
      temperature: null,
    } as const
    expect(bodyOf({ quirks })).toEqual({
      path: '/chat/completions',
      model: 'm',
      messages: ask.messages,
      max_tokens: 16,
      stream: true,
    })
    expect(bodyOf({ quirks: { ...quirks, ignoreEos: true } })).toMatchObject({ ignore_eos: true })
  })

  it('the target’s own fields win', () => {
    expect(bodyOf({ body: { temperature: 1, service_tier: 'flex' } })).toMatchObject({
      temperature: 1,
      service_tier: 'flex',
    })
  })

  it('completions send the messages as one prompt and know max_tokens only', () => {
    const sent = bodyOf({}, openaiCompletions)
    expect(sent).toMatchObject({ path: '/completions', prompt: 'hi', max_tokens: 16, stream: true })
    expect(sent).not.toHaveProperty('max_completion_tokens')
    expect(sent).not.toHaveProperty('messages')
  })
})

describe('openai-completions', () => {
  it('text is output, the last chunk may look like chat', () => {
    const read = (chunk: unknown) => openaiCompletions.decode({ data: JSON.stringify(chunk) })
    expect(read({ choices: [{ text: ' a', finish_reason: null }] })).toEqual([
      { kind: 'output', channel: 'text', text: ' a' },
    ])
    expect(read({ choices: [{ text: '', finish_reason: 'stop' }] })).toEqual([
      { kind: 'finish', reason: 'stop' },
    ])
    expect(read({ choices: [{ delta: {}, finish_reason: 'stop' }] })).toEqual([
      { kind: 'finish', reason: 'stop' },
    ])
    expect(openaiCompletions.decode({ data: '[DONE]' })).toEqual([{ kind: 'end' }])
  })
})

describe('openai-chat: what single providers add', () => {
  it('DeepSeek parts the prompt into hit and miss', () => {
    const usage = { prompt_cache_hit_tokens: 320, prompt_cache_miss_tokens: 19, completion_tokens: 83 }
    expect(usageOf(usage)).toEqual([{ promptTokens: 339, cachedTokens: 320, outputTokens: 83 }])
  })

  it('OpenAI tells what it wrote into the cache', () => {
    const usage = {
      prompt_tokens: 2000,
      prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 1920 },
    }
    expect(usageOf(usage)).toEqual([{ promptTokens: 2000, cachedTokens: 0, cacheWriteTokens: 1920 }])
  })

  it('xAI counts reasoning beside the completion, OpenAI within it: output is 387 and 387 of 399 and 399 in all', () => {
    const reasoning = { completion_tokens_details: { reasoning_tokens: 386 } }
    const beside = { prompt_tokens: 12, completion_tokens: 1, total_tokens: 399, ...reasoning }
    const within = { prompt_tokens: 12, completion_tokens: 387, total_tokens: 399, ...reasoning }
    for (const usage of [beside, within])
      expect(usageOf(usage)).toEqual([{ promptTokens: 12, outputTokens: 387, reasoningTokens: 386 }])
  })

  it('Fireworks tells its times in the last chunk, in seconds, some of them as text', () => {
    const metrics = {
      'server-time-to-first-token': '0.25',
      'server-processing-time': 1.5,
      'prefill-queue-duration': '0.02',
      'prefill-duration': 0.2,
      'generation-duration': 1.25,
      'prompt-tokens': '12',
      'backend-host': 'pod-7',
    }
    const [timings] = timingsOf({ choices: [], perf_metrics: metrics })
    expect(timings).toMatchObject({ queueMs: 20, prefillMs: 200, decodeMs: 1250, totalMs: 1500 })
    expect(timings?.raw).toEqual({
      'server-time-to-first-token': 0.25,
      'server-processing-time': 1.5,
      'prefill-queue-duration': 0.02,
      'prefill-duration': 0.2,
      'generation-duration': 1.25,
      'prompt-tokens': 12,
    })
  })
})
