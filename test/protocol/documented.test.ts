/**
 * Whole streams as vendors' documents and issue trackers show them, where no recording is at hand: each event arrives ten
 * milliseconds after the one before. Written by hand, counts and times too.
 */
import { describe, expect, it } from 'vitest'
import type { ProtocolName } from '../../src/protocol/protocol.js'
import { protocols } from '../../src/run/tables.js'
import { toSample } from '../../src/sample/to-sample.js'
import { contextOf, exchangeOf } from '../sample/exchange.js'

interface Documented {
  what: string
  protocol: ProtocolName
  /** Objects are events of the protocol's framing; strings are bytes as they come. */
  events: readonly (string | object)[]
  expected: object
}

const delta = (fields: object, rest: object = {}) => ({ choices: [{ index: 0, delta: fields, ...rest }] })
const stop = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }
const DONE = 'data: [DONE]\n\n'
const named = (type: string, fields: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
const block = (fields: object) => named('content_block_delta', { index: 0, delta: fields })

const documented: readonly Documented[] = [
  {
    what: 'vLLM with continuous_usage_stats: usage grows in every chunk, the last word counts',
    protocol: 'openai-chat',
    events: [
      { ...delta({ role: 'assistant', content: '' }), usage: { prompt_tokens: 7, completion_tokens: 0 } },
      { ...delta({ content: 'a' }), usage: { prompt_tokens: 7, completion_tokens: 1 } },
      { ...delta({ content: ' b' }), usage: { prompt_tokens: 7, completion_tokens: 2 } },
      {
        choices: [{ index: 0, delta: { content: '' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 7, completion_tokens: 3 },
      },
      { choices: [], usage: { prompt_tokens: 7, total_tokens: 10, completion_tokens: 3 } },
      DONE,
    ],
    expected: { outcome: 'ok', ttfe: 10, ttft: 20, promptTokens: 7, outputTokens: 3, finishReason: 'stop' },
  },
  {
    what: 'DeepSeek: comments while it waits, reasoning in full, hit and miss in the usage',
    protocol: 'openai-chat',
    events: [
      ': keep-alive\n\n',
      ': keep-alive\n\n',
      delta({ role: 'assistant', content: null, reasoning_content: '' }),
      delta({ content: null, reasoning_content: 'Hm' }),
      delta({ content: 'Hi', reasoning_content: null }),
      {
        ...stop,
        usage: {
          prompt_tokens: 100,
          completion_tokens: 5,
          prompt_cache_hit_tokens: 64,
          prompt_cache_miss_tokens: 36,
          completion_tokens_details: { reasoning_tokens: 3 },
        },
      },
      DONE,
    ],
    expected: {
      outcome: 'ok',
      comments: 2,
      ttfe: 30,
      ttft: 40,
      ttfvt: 50,
      cachedTokens: 64,
      reasoningTokens: 3,
    },
  },
  {
    what: 'OpenRouter: an error in mid-stream, its code a number, its finish reason error',
    protocol: 'openai-chat',
    events: [
      ': OPENROUTER PROCESSING\n\n',
      { provider: 'Together', ...delta({ role: 'assistant', content: 'Hi' }) },
      {
        error: { code: 502, message: 'Provider disconnected' },
        choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
      },
      DONE,
    ],
    expected: {
      outcome: 'stream-error',
      comments: 1,
      detail: expect.stringContaining('Provider disconnected'),
    },
  },
  {
    what: 'Moonshot: usage inside the choice',
    protocol: 'openai-chat',
    events: [
      delta({ role: 'assistant', content: '' }),
      delta({ content: 'Hi' }),
      {
        choices: [
          {
            index: 0,
            delta: {},
            finish_reason: 'stop',
            usage: { prompt_tokens: 9, completion_tokens: 2, cached_tokens: 4 },
          },
        ],
      },
      DONE,
    ],
    expected: { outcome: 'ok', promptTokens: 9, outputTokens: 2, cachedTokens: 4, tokenSource: 'usage' },
  },
  {
    what: 'Azure: filters alone in the first event, none of a choice in a later one',
    protocol: 'azure-openai',
    events: [
      {
        choices: [],
        created: 0,
        id: '',
        model: '',
        prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }],
      },
      delta({ role: 'assistant', content: '' }, { content_filter_results: {} }),
      delta({ content: 'Hi' }, { content_filter_results: { hate: { filtered: false, severity: 'safe' } } }),
      {
        choices: [
          {
            index: 0,
            content_filter_offsets: { check_offset: 1 },
            content_filter_results: {},
            finish_reason: null,
          },
        ],
      },
      stop,
      { choices: [], usage: { prompt_tokens: 8, completion_tokens: 1 } },
      DONE,
    ],
    expected: { outcome: 'ok', ttfe: 10, ttft: 30, ttfvt: 30, promptTokens: 8 },
  },
  {
    what: 'Fireworks: perf_metrics with the finish reason, numbers as text',
    protocol: 'openai-chat',
    events: [
      delta({ role: 'assistant' }),
      delta({ content: 'Hi' }),
      {
        ...stop,
        usage: { prompt_tokens: 6, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 0 } },
        perf_metrics: {
          'prefill-duration': '0.05',
          'generation-duration': 0.25,
          'server-processing-time': '0.3',
        },
      },
      DONE,
    ],
    expected: {
      outcome: 'ok',
      cachedTokens: 0,
      serverTimings: expect.objectContaining({ prefillMs: 50, decodeMs: 250, totalMs: 300 }),
    },
  },
  {
    what: 'llama.cpp: progress of the prompt before the first token, timings with the usage',
    protocol: 'openai-chat',
    events: [
      delta({ role: 'assistant', content: null }),
      { ...delta({}), prompt_progress: { total: 900, cache: 0, processed: 512, time_ms: 40 } },
      delta({ content: 'Hi' }),
      stop,
      {
        choices: [],
        usage: { prompt_tokens: 900, completion_tokens: 1, total_tokens: 901 },
        timings: { cache_n: 300, prompt_n: 600, prompt_ms: 70.5, predicted_n: 1, predicted_ms: 9 },
      },
      DONE,
    ],
    expected: {
      outcome: 'ok',
      ttfe: 10,
      ttft: 30,
      promptTokens: 900,
      cachedTokens: 300,
      serverTimings: expect.objectContaining({ prefillMs: 70.5 }),
    },
  },
  {
    what: 'SGLang and vLLM fail in mid-stream with an error object and [DONE]',
    protocol: 'openai-chat',
    events: [
      delta({ content: 'Hi' }),
      { error: { object: 'error', message: 'out of memory', type: 'InternalServerError', code: 500 } },
      DONE,
    ],
    expected: { outcome: 'stream-error', detail: expect.stringContaining('out of memory') },
  },
  {
    what: 'TGI: an error with its type beside it',
    protocol: 'openai-chat',
    events: [
      delta({ content: 'Hi' }),
      { error: 'Request failed during generation', error_type: 'generation' },
    ],
    expected: {
      outcome: 'stream-error',
      detail: expect.stringContaining('Request failed during generation'),
    },
  },
  {
    what: 'Anthropic: pings, a search of the server, its result, a citation; the input grows at the end',
    protocol: 'anthropic-messages',
    events: [
      named('message_start', { message: { model: 'claude', usage: { input_tokens: 20, output_tokens: 1 } } }),
      named('ping'),
      named('content_block_start', {
        index: 0,
        content_block: { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
      }),
      block({ type: 'input_json_delta', partial_json: '' }),
      block({ type: 'input_json_delta', partial_json: '{"query":"x"}' }),
      named('content_block_stop', { index: 0 }),
      named('content_block_start', {
        index: 1,
        content_block: { type: 'web_search_tool_result', content: [{ type: 'web_search_result' }] },
      }),
      block({ type: 'citations_delta', citation: { type: 'web_search_result_location', cited_text: 'x' } }),
      block({ type: 'text_delta', text: 'Hi' }),
      named('message_delta', {
        delta: { stop_reason: 'end_turn' },
        usage: {
          input_tokens: 9000,
          cache_read_input_tokens: 0,
          output_tokens: 40,
          server_tool_use: { web_search_requests: 1 },
        },
      }),
      named('message_stop'),
    ],
    expected: {
      outcome: 'ok',
      ttfe: 10,
      ttft: 30,
      ttfvt: 90,
      promptTokens: 9000,
      outputTokens: 40,
      finishReason: 'end_turn',
    },
  },
  {
    what: 'Anthropic behind a gateway that repeats its input as 0 at the end: the beginning is believed',
    protocol: 'anthropic-messages',
    events: [
      named('message_start', {
        message: { model: 'c', usage: { input_tokens: 25, cache_read_input_tokens: 1024, output_tokens: 1 } },
      }),
      block({ type: 'text_delta', text: 'Hi' }),
      named('message_delta', {
        delta: { stop_reason: 'end_turn' },
        usage: {
          input_tokens: 0,
          cache_read_input_tokens: 0,
          cache_creation_input_tokens: 0,
          output_tokens: 4,
        },
      }),
      named('message_stop'),
    ],
    expected: { outcome: 'ok', promptTokens: 1049, cachedTokens: 1024, outputTokens: 4 },
  },
  {
    what: 'Cerebras: an error in mid-stream that stands in no field of its own',
    protocol: 'openai-chat',
    events: [
      delta({ role: 'assistant', content: 'Hi' }),
      {
        message: 'We are experiencing high traffic',
        type: 'too_many_requests_error',
        code: 'queue_exceeded',
      },
    ],
    expected: {
      outcome: 'stream-error',
      detail: expect.stringContaining('We are experiencing high traffic'),
    },
  },
  {
    what: 'Anthropic: overloaded in mid-stream',
    protocol: 'anthropic-messages',
    events: [
      named('message_start', { message: { model: 'claude', usage: { input_tokens: 20, output_tokens: 1 } } }),
      block({ type: 'text_delta', text: 'Hi' }),
      named('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
    ],
    expected: { outcome: 'stream-error', ttft: 20, e2e: null },
  },
  {
    what: 'Gemini: a thought, its signature, usage that grows; no cached count says 0',
    protocol: 'gemini',
    events: [
      {
        candidates: [{ content: { parts: [{ text: 'Plan', thought: true }] } }],
        usageMetadata: { promptTokenCount: 10, thoughtsTokenCount: 30 },
      },
      {
        candidates: [{ content: { parts: [{ text: 'Hi' }] } }],
        usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 1, thoughtsTokenCount: 30 },
      },
      {
        candidates: [
          { content: { parts: [{ text: '', thoughtSignature: 'CiQB' }] }, finishReason: 'MAX_TOKENS' },
        ],
        usageMetadata: {
          promptTokenCount: 10,
          candidatesTokenCount: 2,
          thoughtsTokenCount: 30,
          totalTokenCount: 42,
        },
      },
    ],
    expected: {
      outcome: 'ok',
      ttft: 10,
      ttfvt: 20,
      outputTokens: 32,
      reasoningTokens: 30,
      finishReason: 'MAX_TOKENS',
      cacheState: 'confirmed',
    },
  },
  {
    what: 'Gemini: a prompt that is blocked',
    protocol: 'gemini',
    events: [
      {
        promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
        usageMetadata: { promptTokenCount: 10, totalTokenCount: 10 },
      },
    ],
    expected: { outcome: 'empty', finishReason: 'PROHIBITED_CONTENT', promptTokens: 10 },
  },
  {
    what: 'Responses: a refusal, cut by the output limit',
    protocol: 'openai-responses',
    events: [
      named('response.created', { response: { model: 'gpt-5', status: 'in_progress' } }),
      named('response.output_item.added', { item: { type: 'reasoning', summary: [] } }),
      named('response.output_item.added', { item: { type: 'message', content: [] } }),
      named('response.refusal.delta', { delta: 'I cannot' }),
      named('response.refusal.done', { refusal: 'I cannot' }),
      named('response.incomplete', {
        response: {
          status: 'incomplete',
          incomplete_details: { reason: 'max_output_tokens' },
          usage: { input_tokens: 5, output_tokens: 70, output_tokens_details: { reasoning_tokens: 64 } },
        },
      }),
    ],
    expected: {
      outcome: 'ok',
      ttfe: 10,
      ttft: 40,
      ttfvt: null,
      finishReason: 'max_output_tokens',
      reasoningTokens: 64,
    },
  },
  {
    what: 'Responses: failed',
    protocol: 'openai-responses',
    events: [
      named('response.created', { response: { model: 'gpt-5' } }),
      named('response.failed', {
        response: { status: 'failed', error: { code: 'server_error', message: 'The model failed' } },
      }),
    ],
    expected: { outcome: 'stream-error', detail: expect.stringContaining('The model failed') },
  },
  {
    what: 'Ollama: thinking, then text; and a model that was only loaded',
    protocol: 'ollama',
    events: [
      { model: 'qwen3', message: { role: 'assistant', content: '', thinking: 'Hm' }, done: false },
      { model: 'qwen3', message: { role: 'assistant', content: 'Hi' }, done: false },
      {
        model: 'qwen3',
        message: { role: 'assistant', content: '' },
        done: true,
        done_reason: 'stop',
        load_duration: 2_000_000,
        prompt_eval_count: 26,
        eval_count: 9,
      },
    ],
    expected: {
      outcome: 'ok',
      ttft: 10,
      ttfvt: 20,
      promptTokens: 26,
      outputTokens: 9,
      serverTimings: expect.objectContaining({ loadMs: 2 }),
    },
  },
  {
    what: 'Ollama: a model that was only loaded',
    protocol: 'ollama',
    events: [
      { model: 'qwen3', message: { role: 'assistant', content: '' }, done: true, done_reason: 'load' },
    ],
    expected: { outcome: 'empty', finishReason: 'load' },
  },
]

describe('streams as their vendors document them', () => {
  it.each(documented.map((row) => [row.what, row] as const))(
    '%s',
    (_, { protocol: name, events, expected }) => {
      const protocol = protocols[name]
      const bytes = (event: string | object): string => {
        if (typeof event === 'string') return event
        return protocol.framing === 'ndjson'
          ? `${JSON.stringify(event)}\n`
          : `data: ${JSON.stringify(event)}\n\n`
      }
      const exchange = exchangeOf(events.map((event, i) => [10 * (i + 1), bytes(event)] as const))
      const sample = toSample(exchange, protocol, contextOf())
      expect(sample).toMatchObject(expected)
      if (sample.outcome === 'ok') expect(sample.detail).toBeUndefined()
    },
  )
})
