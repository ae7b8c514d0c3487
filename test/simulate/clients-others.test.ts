/** The official clients of Anthropic, Google and Ollama speak to the simulator. */
import Anthropic from '@anthropic-ai/sdk'
import { ApiError, FunctionCallingConfigMode, GoogleGenAI } from '@google/genai'
import { Ollama } from 'ollama'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulate/server.js'
import { key, long, model, parameters, set, until429, withStrict } from './clients.js'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ profile: 'exact', set })
})
afterAll(() => simulator.close())

describe('@anthropic-ai/sdk', () => {
  const client = (to = simulator, apiKey = 'any'): Anthropic =>
    new Anthropic({ apiKey, baseURL: to.url, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'Hello there.' }]

  it('streams thinking with its signature, then text; stop reason and usage at the end', async () => {
    const message = await client()
      .messages.stream({
        model,
        max_tokens: 12,
        messages,
        thinking: { type: 'enabled', budget_tokens: 8 },
        stop_sequences: [],
      })
      .finalMessage()
    const [thinking, text] = message.content
    expect(thinking).toMatchObject({
      type: 'thinking',
      thinking: expect.stringMatching(/\w/),
      signature: expect.stringMatching(/^\w/),
    })
    expect(text?.type).toBe('text')
    expect(message).toMatchObject({
      stop_reason: 'max_tokens',
      usage: { input_tokens: 10, output_tokens: 12 },
    })
    const plain = await client().messages.create({ model, max_tokens: 5, messages })
    expect(plain.content.map(({ type }) => type)).toEqual(['text'])
  })

  it('caches only what cache_control marks: written once by its lifetime, then read; the three add up to the prompt', async () => {
    const system = [
      {
        type: 'text' as const,
        text: 'Stone by stone it grows. '.repeat(50),
        cache_control: { type: 'ephemeral' as const, ttl: '1h' as const },
      },
    ]
    const ask = { model, max_tokens: 4, system, messages }
    const first = (await client().messages.create(ask)).usage
    const second = (
      await client().messages.create({ ...ask, messages: [{ role: 'user', content: 'Something else.' }] })
    ).usage
    expect(first.cache_creation_input_tokens).toBeGreaterThan(250)
    expect(first.cache_creation).toEqual({
      ephemeral_5m_input_tokens: 0,
      ephemeral_1h_input_tokens: first.cache_creation_input_tokens,
    })
    expect([first.cache_read_input_tokens, second.cache_creation_input_tokens]).toEqual([0, 0])
    expect(second.cache_read_input_tokens).toBe(first.cache_creation_input_tokens)
    const unmarked = { model, max_tokens: 4, system: [{ type: 'text' as const, text: long }], messages }
    await client().messages.create(unmarked)
    const { usage } = await client().messages.create(unmarked)
    expect([usage.cache_read_input_tokens, usage.cache_creation_input_tokens]).toEqual([0, 0])
  })

  it('tells the cache counts in message_start, before the first token', async () => {
    const system = [
      {
        type: 'text' as const,
        text: 'Wind over water. '.repeat(60),
        cache_control: { type: 'ephemeral' as const },
      },
    ]
    const types: string[] = []
    for await (const event of await client().messages.create({
      model,
      max_tokens: 3,
      system,
      messages,
      stream: true,
    })) {
      types.push(event.type)
      if (event.type === 'message_start') {
        const { input_tokens: rest, cache_creation_input_tokens: written } = event.message.usage
        expect(written).toBeGreaterThan(200)
        expect(rest).toBeGreaterThan(0)
      }
    }
    expect(types).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
  })

  it('calls a tool with input that fits its schema, streamed', async () => {
    const tools = [{ name: 'get_weather', input_schema: { ...parameters, required: ['city', 'days'] } }]
    const message = await client()
      .messages.stream({ model, max_tokens: 50, messages, tools, tool_choice: { type: 'any' } })
      .finalMessage()
    expect(message.stop_reason).toBe('tool_use')
    expect(message.content).toMatchObject([
      {
        type: 'tool_use',
        id: expect.stringMatching(/^toolu_/),
        name: 'get_weather',
        input: { city: expect.any(String), days: 7 },
      },
    ])
  })

  it('errors are the client’s own classes, with the request id and retry-after', () =>
    withStrict(async (strict) => {
      const right = client(strict, key)
      await expect(
        client(strict, 'other').messages.create({ model, max_tokens: 1, messages }),
      ).rejects.toBeInstanceOf(Anthropic.AuthenticationError)
      await expect(
        right.messages.create({ model: 'claude-9', max_tokens: 1, messages }),
      ).rejects.toMatchObject({
        status: 404,
        error: { type: 'error', error: { type: 'not_found_error', message: 'model: claude-9' } },
        requestID: expect.stringMatching(/^req_/),
      })
      const limited = await until429(() => right.messages.create({ model, max_tokens: 1, messages }))
      expect(limited).toBeInstanceOf(Anthropic.RateLimitError)
      const headers = limited instanceof Anthropic.RateLimitError ? limited.headers : new Headers()
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
      expect(headers.get('anthropic-ratelimit-requests-remaining')).toBe('0')
    }))
})

describe('@google/genai', () => {
  const client = (to = simulator, apiKey = 'any'): GoogleGenAI =>
    new GoogleGenAI({ apiKey, httpOptions: { baseUrl: to.url, retryOptions: { attempts: 1 } } })

  it('streams thoughts and text; usage grows and ends with cached and thought tokens', async () => {
    const ask = {
      model,
      contents: long,
      config: { maxOutputTokens: 10, thinkingConfig: { includeThoughts: true } },
    }
    await client().models.generateContent(ask)
    const totals: number[] = []
    let thoughts = 0
    let text = ''
    let last
    for await (const chunk of await client().models.generateContentStream(ask)) {
      for (const part of chunk.candidates?.[0]?.content?.parts ?? []) {
        if (part.thought) thoughts++
        else text += part.text ?? ''
      }
      totals.push(chunk.usageMetadata?.totalTokenCount ?? NaN)
      last = chunk
    }
    expect(thoughts).toBeGreaterThan(0)
    expect(text.length).toBeGreaterThan(5)
    expect(totals).toEqual(totals.toSorted((a, b) => a - b))
    expect(last?.candidates?.[0]?.finishReason).toBe('MAX_TOKENS')
    expect(last?.usageMetadata).toMatchObject({ candidatesTokenCount: 6, thoughtsTokenCount: 4 })
    expect(last?.usageMetadata?.cachedContentTokenCount).toBeGreaterThanOrEqual(384)
  })

  it('calls a function when the mode is ANY', async () => {
    const response = await client().models.generateContent({
      model,
      contents: 'Weather?',
      config: {
        tools: [{ functionDeclarations: [{ name: 'get_weather', parametersJsonSchema: parameters }] }],
        toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
      },
    })
    expect(response.functionCalls).toMatchObject([
      { name: 'get_weather', args: { city: expect.any(String), days: 7 } },
    ])
  })

  it('errors carry Google’s status names, 429 the delay in RetryInfo', () =>
    withStrict(async (strict) => {
      const right = client(strict, key)
      const contents = 'Hello.'
      await expect(client(strict, 'other').models.generateContent({ model, contents })).rejects.toThrow(
        /API_KEY_INVALID/,
      )
      await expect(right.models.generateContent({ model: 'gemini-9', contents })).rejects.toMatchObject({
        status: 404,
      })
      const limited = await until429(() =>
        right.models.generateContent({ model, contents, config: { maxOutputTokens: 1 } }),
      )
      expect(limited).toBeInstanceOf(ApiError)
      expect(String(limited)).toMatch(/RESOURCE_EXHAUSTED.*"retryDelay": ?"\d+s"/s)
    }))
})

describe('ollama', () => {
  const client = (): Ollama => new Ollama({ host: simulator.url })
  const messages = [{ role: 'user', content: long }]

  it('chat streams thinking and text, and ends with counts and nanoseconds', async () => {
    let thinking = ''
    let text = ''
    let last
    for await (const part of await client().chat({
      model,
      messages,
      stream: true,
      think: true,
      options: { num_predict: 9 },
    })) {
      thinking += part.message.thinking ?? ''
      text += part.message.content
      last = part
    }
    expect([thinking !== '', text !== '']).toEqual([true, true])
    expect(last).toMatchObject({ done: true, done_reason: 'length', eval_count: 9 })
    const [total, load, prompt, output] = [
      last?.total_duration ?? NaN,
      last?.load_duration ?? NaN,
      last?.prompt_eval_duration ?? NaN,
      last?.eval_duration ?? NaN,
    ] as const
    expect(Number.isInteger(total)).toBe(true)
    expect(load + prompt + output).toBeLessThanOrEqual(total + 2)
    // 8 gaps of 0.2 ms.
    expect(output).toBeCloseTo(1.6e6, -2)
  })

  it('generate, tools, list, show and version', async () => {
    const said = await client().generate({ model, prompt: 'Hello', options: { num_predict: 7 } })
    expect(said).toMatchObject({ done: true, eval_count: 7, prompt_eval_count: 8 })
    expect((said.response ?? '').length).toBeGreaterThan(3)
    const calling = await startSimulator({ profile: 'exact', set: { ...set, callsTools: true } })
    const tools = [
      {
        type: 'function',
        function: {
          name: 'get_weather',
          description: '',
          parameters: { ...parameters, required: ['city', 'days'] },
        },
      },
    ]
    const answer = await new Ollama({ host: calling.url }).chat({ model, messages, tools })
    await calling.close()
    expect(answer.message.tool_calls).toMatchObject([
      { function: { name: 'get_weather', arguments: { days: 7 } } },
    ])
    expect((await client().list()).models.map(({ name }) => name)).toEqual([model])
    expect((await client().show({ model })).capabilities).toContain('completion')
    expect((await client().version()).version).toMatch(/^\d+\.\d+/)
  })

  it('an unknown model is a 404 in Ollama’s words', async () => {
    await expect(client().chat({ model: 'llama9', messages })).rejects.toMatchObject({
      status_code: 404,
      error: "model 'llama9' not found",
    })
  })
})
