import { describe, expect, it } from 'vitest'
import { openaiResponses } from '../../src/protocol/openai-responses.js'
import { ask, conversation, decode, options, output, sent } from './say.js'

const says = (event: unknown, name?: string) => decode(openaiResponses, event, name)

describe('openai-responses: the request', () => {
  it('asks for a stream that is not stored, its length in max_output_tokens', () => {
    expect(sent(openaiResponses, conversation)).toEqual({
      path: '/responses',
      headers: {},
      body: {
        model: 'm',
        input: conversation.messages,
        max_output_tokens: 32,
        stream: true,
        store: false,
      },
    })
  })

  it('no shorter answer than 16 tokens can be asked for', () => {
    expect(openaiResponses.leastOutputTokens).toBe(16)
  })

  it('temperature is sent where the model takes it, and the target’s own fields win', () => {
    const quirks = { ...options.quirks, temperature: 0 }
    const body = { store: true, reasoning: { effort: 'low' } }
    expect(sent(openaiResponses, ask, { quirks, body }).body).toMatchObject({ temperature: 0, ...body })
  })
})

describe('openai-responses: what is output', () => {
  it.each<[string, unknown, unknown[]]>([
    ['text', { type: 'response.output_text.delta', delta: 'a' }, [output('text', 'a')]],
    ['an empty delta', { type: 'response.output_text.delta', delta: '' }, []],
    ['a refusal', { type: 'response.refusal.delta', delta: 'No' }, [output('refusal', 'No')]],
    ['a summary', { type: 'response.reasoning_summary_text.delta', delta: 'h' }, [output('summary', 'h')]],
    ['reasoning', { type: 'response.reasoning_text.delta', delta: 'h' }, [output('reasoning', 'h')]],
    ['the same by gateways', { type: 'response.reasoning.delta', delta: 'h' }, [output('reasoning', 'h')]],
    ['reasoning that begins', { type: 'response.output_item.added', item: { type: 'reasoning' } }, []],
    ['arguments', { type: 'response.function_call_arguments.delta', delta: '{"' }, [output('tool', '{"')]],
    ['a custom tool', { type: 'response.custom_tool_call_input.delta', delta: 'x' }, [output('tool', 'x')]],
    [
      'a patch',
      { type: 'response.apply_patch_call_operation_diff.delta', delta: '@' },
      [output('tool', '@')],
    ],
    [
      'what a command printed',
      { type: 'response.shell_call_output_content.delta', delta: { stdout: 'x' } },
      [],
    ],
    ['code', { type: 'response.code_interpreter_call_code.delta', delta: 'x' }, [output('tool', 'x')]],
    [
      'the name of a tool',
      { type: 'response.output_item.added', item: { type: 'function_call', name: 'f', arguments: '' } },
      [output('tool', 'f')],
    ],
    ['a message that begins', { type: 'response.output_item.added', item: { type: 'message' } }, []],
    [
      'reasoning that stays hidden',
      { type: 'response.output_item.added', item: { type: 'reasoning', encrypted_content: 'gAAA' } },
      [{ kind: 'hidden' }],
    ],
    [
      'a part that begins',
      { type: 'response.content_part.added', part: { type: 'output_text', text: '' } },
      [],
    ],
    ['text that was streamed before', { type: 'response.output_text.done', text: 'all of it' }, []],
    ['arguments that were', { type: 'response.function_call_arguments.done', arguments: '{}' }, []],
    [
      'an item that was',
      { type: 'response.output_item.done', item: { type: 'function_call', name: 'f' } },
      [],
    ],
    ['a search', { type: 'response.web_search_call.searching', item_id: 'w' }, []],
    ['a ping', { type: 'keepalive', sequence_number: 3 }, []],
    ['a delta of a wrong kind', { type: 'response.output_text.delta', delta: { text: 'a' } }, []],
  ])('%s', (_, event, expected) => {
    expect(says(event)).toEqual(expected)
  })

  it('the type may stand in the event’s name alone', () => {
    expect(says({ delta: 'a' }, 'response.output_text.delta')).toEqual([output('text', 'a')])
  })
})

describe('openai-responses: beginning and end', () => {
  const response = { model: 'gpt-5-2025-08-07', status: 'completed', service_tier: 'default' }

  it('response.created tells the model, and no tier: that is the one asked for', () => {
    const event = { type: 'response.created', response: { ...response, service_tier: 'auto', usage: null } }
    expect(says(event)).toEqual([{ kind: 'route', route: { model: 'gpt-5-2025-08-07' } }])
  })

  it('response.completed has usage with the cached part inside, and is the end', () => {
    const usage = {
      input_tokens: 2000,
      input_tokens_details: { cached_tokens: 1024, cache_write_tokens: 900 },
      output_tokens: 40,
      output_tokens_details: { reasoning_tokens: 24 },
    }
    expect(says({ type: 'response.completed', response: { ...response, usage } })).toEqual([
      { kind: 'route', route: { model: 'gpt-5-2025-08-07', serviceTier: 'default' } },
      {
        kind: 'usage',
        usage: {
          promptTokens: 2000,
          cachedTokens: 1024,
          cacheWriteTokens: 900,
          outputTokens: 40,
          reasoningTokens: 24,
        },
      },
      { kind: 'finish', reason: 'completed' },
      { kind: 'end' },
    ])
  })

  it('an answer cut at its length is whole: the reason says so', () => {
    const event = {
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    }
    expect(says(event)).toEqual([{ kind: 'finish', reason: 'max_output_tokens' }, { kind: 'end' }])
  })

  it.each<[string, unknown, object]>([
    [
      'response.failed',
      { type: 'response.failed', response: { error: { code: 'server_error', message: 'Sorry' } } },
      { message: 'Sorry', type: 'server_error' },
    ],
    [
      'response.cancelled',
      { type: 'response.cancelled', response: { error: null } },
      { message: 'the response was cancelled' },
    ],
    [
      'an error event',
      { type: 'error', code: 'rate_limit_exceeded', message: 'Slow down', param: null },
      { message: 'Slow down', type: 'rate_limit_exceeded' },
    ],
    [
      'an error object',
      { type: 'error', error: { type: 'insufficient_quota', message: 'No money' } },
      { message: 'No money', type: 'insufficient_quota' },
    ],
  ])('%s is an error', (_, event, error) => {
    expect(says(event).filter(({ kind }) => kind === 'error')).toEqual([{ kind: 'error', ...error }])
  })

  it.each(['{"type":', '[]', '7'])('%s is malformed', (data) => {
    expect(says(data)).toMatchObject([{ kind: 'malformed' }])
  })
})
