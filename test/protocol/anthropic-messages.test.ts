import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../src/protocol/anthropic-messages.js'
import { readStream } from '../../src/sample/stream.js'
import { exchangeOf } from '../sample/exchange.js'
import { ask, conversation, decode, options, output, sent } from './say.js'

const says = (event: unknown, name?: string) => decode(anthropicMessages, event, name)

describe('anthropic-messages: the request', () => {
  it('names its version, sends system apart, and asks for no cache', () => {
    const request = sent(anthropicMessages, conversation)
    expect(request).toEqual({
      path: '/messages',
      headers: { 'anthropic-version': '2023-06-01' },
      body: {
        model: 'm',
        max_tokens: 32,
        system: [{ type: 'text', text: 'Be brief.' }],
        messages: conversation.messages.slice(1),
        stream: true,
      },
    })
    expect(anthropicMessages.keyHeader).toBe('x-api-key')
  })

  it('a shared prefix is a block of its own that ends in the breakpoint; nothing stands before it', () => {
    const { body } = sent(anthropicMessages, { ...ask, cachePrefix: 6 })
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'prefix', cache_control: { type: 'ephemeral' } },
          { type: 'text', text: ' and suffix' },
        ],
      },
    ])
    expect(body).not.toHaveProperty('system')
  })

  it('a prompt that is its prefix has no empty block behind it', () => {
    const whole = sent(anthropicMessages, { ...ask, cachePrefix: 17 }).body['messages']
    expect(whole).toMatchObject([{ content: { length: 1 } }])
  })

  it('temperature is sent where the model takes it, and the target’s own fields win', () => {
    const quirks = { ...options.quirks, temperature: 0 }
    expect(sent(anthropicMessages, ask, { quirks, body: { max_tokens: 9 } }).body).toMatchObject({
      temperature: 0,
      max_tokens: 9,
    })
  })
})

const delta = (fields: object) => says({ type: 'content_block_delta', index: 0, delta: fields })
const start = (fields: object) => says({ type: 'content_block_start', index: 0, content_block: fields })

describe('anthropic-messages: what is output', () => {
  it.each<[string, unknown[], unknown[]]>([
    ['text', delta({ type: 'text_delta', text: 'a' }), [output('text', 'a')]],
    ['an empty text', delta({ type: 'text_delta', text: '' }), []],
    ['thinking', delta({ type: 'thinking_delta', thinking: 'h' }), [output('summary', 'h')]],
    ['a signature', delta({ type: 'signature_delta', signature: 'EqkE' }), [{ kind: 'hidden' }]],
    ['a citation', delta({ type: 'citations_delta', citation: { cited_text: 'x' } }), []],
    ['a compaction', delta({ type: 'compaction_delta', content: 'The user said hello.' }), []],
    ['arguments', delta({ type: 'input_json_delta', partial_json: '{"a' }), [output('tool', '{"a')]],
    ['empty arguments', delta({ type: 'input_json_delta', partial_json: '' }), []],
    ['a text that begins', start({ type: 'text', text: '' }), []],
    ['a thought that begins', start({ type: 'thinking', thinking: '', signature: '' }), []],
    ['a hidden thought', start({ type: 'redacted_thinking', data: 'EqkECkYI' }), [{ kind: 'hidden' }]],
    ['a tool', start({ type: 'tool_use', id: 't', name: 'f', input: {} }), [output('tool', 'f')]],
    [
      'a tool of the server',
      start({ type: 'server_tool_use', name: 'web_search' }),
      [output('tool', 'web_search')],
    ],
    ['what that tool returned', start({ type: 'web_search_tool_result', content: [{ title: 'x' }] }), []],
    ['a block that ends', says({ type: 'content_block_stop', index: 0 }), []],
    ['a ping', says({ type: 'ping' }), []],
    ['an event of next year', says({ type: 'message_pause' }), []],
  ])('%s', (_, events, expected) => {
    expect(events).toEqual(expected)
  })

  it('another model that takes over in mid-answer is the route from there on', () => {
    expect(start({ type: 'fallback', from: { model: 'a' }, to: { model: 'b' } })).toEqual([
      { kind: 'route', route: { model: 'b' } },
    ])
  })
})

describe('anthropic-messages: usage over two events', () => {
  const event = (type: string, fields: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
  const usageOf = (atStart: object, atEnd: object) =>
    readStream(
      exchangeOf([
        [1, event('message_start', { message: { model: 'c', usage: atStart } })],
        [2, event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: atEnd })],
        [3, event('message_stop', {})],
      ]),
      anthropicMessages,
    ).usage

  it.each<[string, object, object, object]>([
    [
      'input excludes what was read and written: the prompt is their sum',
      {
        input_tokens: 4,
        cache_read_input_tokens: 1000,
        cache_creation_input_tokens: 160,
        cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 100 },
        output_tokens: 1,
      },
      { output_tokens: 201, output_tokens_details: { thinking_tokens: 50 } },
      {
        promptTokens: 1164,
        cachedTokens: 1000,
        cacheWriteTokens: 160,
        cacheWritesByLifetime: { '5m': 60, '1h': 100 },
        outputTokens: 201,
        reasoningTokens: 50,
      },
    ],
    [
      'the end has the last word',
      { input_tokens: 2, cache_read_input_tokens: 0, cache_creation_input_tokens: 3068, output_tokens: 69 },
      {
        input_tokens: 6,
        cache_read_input_tokens: 6289,
        cache_creation_input_tokens: 3337,
        output_tokens: 198,
      },
      { promptTokens: 9632, cachedTokens: 6289, cacheWriteTokens: 3337, outputTokens: 198 },
    ],
    [
      'the end may correct the input alone',
      { input_tokens: 0, cache_read_input_tokens: 512, output_tokens: 0 },
      { input_tokens: 30, output_tokens: 8 },
      { promptTokens: 542, cachedTokens: 512, outputTokens: 8 },
    ],
    [
      'a server that knows no cache reports none',
      { input_tokens: 9, output_tokens: 0 },
      { output_tokens: 8 },
      { promptTokens: 9, outputTokens: 8 },
    ],
    [
      'a count that is none is left out',
      { input_tokens: -1, output_tokens: 'x' },
      { output_tokens: 8 },
      { outputTokens: 8 },
    ],
  ])('%s', (_, atStart, atEnd, usage) => {
    expect(usageOf(atStart, atEnd)).toEqual(usage)
  })
})

describe('anthropic-messages: beginning and end', () => {
  it('message_start tells model, tier and place', () => {
    const usage = { service_tier: 'standard', inference_geo: 'global', speed: 'fast' }
    expect(says({ type: 'message_start', message: { model: 'claude-sonnet-5', usage } })).toEqual([
      {
        kind: 'route',
        route: {
          model: 'claude-sonnet-5',
          serviceTier: 'standard',
          raw: { inference_geo: 'global', speed: 'fast' },
        },
      },
    ])
  })

  it('message_stop is the end, a stop reason is not', () => {
    expect(says({ type: 'message_delta', delta: { stop_reason: 'max_tokens' } })).toEqual([
      { kind: 'finish', reason: 'max_tokens' },
    ])
    expect(says({ type: 'message_stop' })).toEqual([{ kind: 'end' }])
    expect(says('[DONE]')).toEqual([])
  })

  it.each(['overloaded_error', 'api_error'])('%s in mid-stream is an error', (type) => {
    const event = { type: 'error', error: { type, message: 'Overloaded' } }
    expect(says(event, 'error')).toEqual([{ kind: 'error', message: 'Overloaded', type }])
  })

  it('an error body has its sentence and type', () => {
    const body = '{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}'
    expect(anthropicMessages.readError(body)).toEqual({ message: 'model: claude-x', type: 'not_found_error' })
  })
})
