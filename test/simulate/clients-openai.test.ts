/** The official client of OpenAI speaks to the simulator: what it makes of the bytes is what its users would see. */
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulate/server.js'
import { key, long, model, parameters, set, until429, withStrict } from './clients.js'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ profile: 'exact', set })
})
afterAll(() => simulator.close())

describe('openai, chat completions', () => {
  const client = (to = simulator, apiKey = 'any'): OpenAI =>
    new OpenAI({ apiKey, baseURL: `${to.url}/v1`, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: long }]

  it('streams reasoning, text, finish reason and usage with cached tokens', async () => {
    const ask = {
      model,
      messages,
      max_completion_tokens: 12,
      stream: true,
      stream_options: { include_usage: true },
    } as const
    let usage: OpenAI.CompletionUsage | null | undefined
    for (let i = 0; i < 2; i++) {
      let text = ''
      const reasons = []
      for await (const chunk of await client().chat.completions.create(ask)) {
        text += chunk.choices[0]?.delta.content ?? ''
        if (chunk.choices[0]?.finish_reason) reasons.push(chunk.choices[0].finish_reason)
        usage = chunk.usage ?? usage
      }
      expect(text.trim().split(/\s+/).length).toBeGreaterThanOrEqual(7)
      expect(reasons).toEqual(['length'])
    }
    expect(usage).toMatchObject({ completion_tokens: 12, completion_tokens_details: { reasoning_tokens: 4 } })
    expect(usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThanOrEqual(384)
  })

  it('calls the tool that is forced, streamed and whole, with arguments that fit its schema', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters } }]
    const ask = { model, messages, tools, tool_choice: 'required' as const }
    const whole = await client().chat.completions.create(ask)
    const [call] = whole.choices[0]!.message.tool_calls!
    expect(whole.choices[0]!.finish_reason).toBe('tool_calls')
    expect(JSON.parse(call!.type === 'function' ? call!.function.arguments : '')).toEqual({
      city: expect.any(String),
      days: 7,
    })
    const streamed = await client().chat.completions.stream(ask).finalChatCompletion()
    expect(streamed.choices[0]!.message.tool_calls).toMatchObject([
      {
        type: 'function',
        function: { name: 'get_weather', arguments: expect.stringMatching(/^\{"city":".+","days":7\}$/) },
      },
    ])
    const free = await client().chat.completions.create({
      ...ask,
      tool_choice: 'auto',
      max_completion_tokens: 6,
    })
    expect(free.choices[0]!.message.tool_calls).toBeUndefined()
  })

  it('wrong key, unknown model, too long a prompt and a spent limit are the client’s own error classes', () =>
    withStrict(async (strict) => {
      const right = client(strict, key)
      await expect(client(strict, 'other').models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
      await expect(right.chat.completions.create({ model: 'gpt-9', messages })).rejects.toBeInstanceOf(
        OpenAI.NotFoundError,
      )
      await expect(right.chat.completions.create({ model, messages })).rejects.toMatchObject({
        status: 400,
        code: 'context_length_exceeded',
      })
      const limited = await until429(() => right.chat.completions.create({ model, messages }))
      expect(limited).toBeInstanceOf(OpenAI.RateLimitError)
      const headers = limited instanceof OpenAI.RateLimitError ? limited.headers : new Headers()
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
      expect(headers.get('x-ratelimit-limit-requests')).toBe('6')
    }))
})

describe('openai, responses', () => {
  const client = (): OpenAI => new OpenAI({ apiKey: 'any', baseURL: `${simulator.url}/v1`, maxRetries: 0 })

  it('streams its events in order, numbered without a gap, and the last holds what they said', async () => {
    const types: string[] = []
    const numbers: number[] = []
    let text = ''
    let summary = ''
    let response: OpenAI.Responses.Response | undefined
    const stream = await client().responses.create({
      model,
      input: long,
      max_output_tokens: 16,
      reasoning: { summary: 'auto' },
      stream: true,
    })
    for await (const event of stream) {
      if (types.at(-1) !== event.type) types.push(event.type)
      numbers.push(event.sequence_number)
      if (event.type === 'response.output_text.delta') text += event.delta
      if (event.type === 'response.reasoning_summary_text.delta') summary += event.delta
      if (event.type === 'response.incomplete') response = event.response
    }
    expect(types).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.incomplete',
    ])
    expect(numbers).toEqual(numbers.map((_, at) => at))
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [
        { type: 'reasoning', summary: [{ type: 'summary_text', text: summary }] },
        { type: 'message', content: [{ type: 'output_text', text }] },
      ],
      usage: { output_tokens: 16, output_tokens_details: { reasoning_tokens: 4 } },
    })
  })

  it('whole: output_text, cached tokens, completed where no limit was asked for', async () => {
    const ask = { model, input: long, instructions: 'Measure.' }
    await client().responses.create(ask)
    const response = await client().responses.create(ask)
    expect(response.status).toBe('completed')
    expect(response.output_text.length).toBeGreaterThan(100)
    expect(response.usage?.input_tokens_details.cached_tokens).toBeGreaterThanOrEqual(384)
  })

  it('calls a named tool', async () => {
    const tools = [{ type: 'function' as const, name: 'get_weather', parameters, strict: true }]
    const response = await client().responses.create({
      model,
      input: 'Weather?',
      tools,
      tool_choice: { type: 'function', name: 'get_weather' },
    })
    const call = response.output.find((item) => item.type === 'function_call')
    expect(JSON.parse(call?.arguments ?? '')).toEqual({ city: expect.any(String), days: 7 })
    await expect(client().responses.create({ model: 'gpt-9', input: 'x' })).rejects.toMatchObject({
      status: 400,
      code: 'model_not_found',
      param: 'model',
    })
  })
})
