/** Ollama, llama.cpp's own /completion and Azure: what they are asked, and what they say. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { azureOpenai } from '../../src/protocol/azure-openai.js'
import { llamaCpp } from '../../src/protocol/llama-cpp.js'
import { ollama, ollamaGenerate } from '../../src/protocol/ollama.js'
import type { Protocol } from '../../src/protocol/protocol.js'
import { readStream } from '../../src/sample/stream.js'
import { toSample } from '../../src/sample/to-sample.js'
import { contextOf, exchangeOf } from '../sample/exchange.js'

const DATA = join(import.meta.dirname, '../../../shared/data/sse/ollama')
const quirks = {
  maxTokensField: 'max_tokens',
  streamOptions: true,
  ignoreEos: false,
  temperature: 0,
} as const
const ask = { messages: [{ role: 'user', content: 'hello' }], outputTokens: 7 } as const
const options = { model: 'm', quirks, body: {} }

const sampleOf = (protocol: Protocol, chunks: readonly string[], type: string) =>
  toSample(
    exchangeOf(
      chunks.map((bytes, i) => [10 * (i + 1), bytes] as const),
      { headers: { 'content-type': type } },
    ),
    protocol,
    contextOf(),
  )
const lines = (...objects: readonly object[]) => objects.map((each) => `${JSON.stringify(each)}\n`)
const NDJSON = 'application/x-ndjson'

describe('ollama', () => {
  const end = {
    model: 'llama3.2:1b',
    done: true,
    done_reason: 'length',
    total_duration: 3_000_000_000,
    load_duration: 1_500_000_000,
    prompt_eval_count: 900,
    prompt_eval_cached_count: 850,
    prompt_eval_duration: 200_000_000,
    eval_count: 12,
    eval_duration: 400_000_000,
  }

  it('num_predict fixes the length, and options of the target win key by key', () => {
    const body = { options: { num_ctx: 8192, temperature: 1 }, keep_alive: '10m' }
    const { path, body: sent } = ollama.encode(ask, { ...options, body })
    expect(path).toBe('/api/chat')
    expect(JSON.parse(sent)).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'hello' }],
      stream: true,
      options: { num_predict: 7, temperature: 1, num_ctx: 8192 },
      keep_alive: '10m',
    })
    expect(JSON.parse(ollamaGenerate.encode(ask, options).body)).toMatchObject({ prompt: 'hello' })
  })

  it('the address may end in /api', () => {
    expect(ollama.encode(ask, { ...options, basePath: '/api' }).path).toBe('/chat')
    expect(ollamaGenerate.encode(ask, { ...options, basePath: '/proxy' }).path).toBe('/api/generate')
  })

  it('nanoseconds become milliseconds, load apart; the prompt count includes the 850 cached', () => {
    const message = (content: string) => ({
      model: 'm',
      message: { role: 'assistant', content },
      done: false,
    })
    const sample = sampleOf(
      ollama,
      lines(message('One'), message(' two'), { ...end, message: { content: '' } }),
      NDJSON,
    )
    expect(sample).toMatchObject({
      outcome: 'ok',
      ttft: 10,
      e2e: 30,
      promptTokens: 900,
      cachedTokens: 850,
      outputTokens: 12,
      finishReason: 'length',
      serverTimings: {
        loadMs: 1500,
        prefillMs: 200,
        decodeMs: 400,
        totalMs: 3000,
        raw: { load_duration: 1.5e9 },
      },
      route: { model: 'llama3.2:1b' },
    })
  })

  it('thinking is reasoning, a tool call is output with its arguments', () => {
    const sample = sampleOf(
      ollama,
      lines(
        { message: { thinking: 'hm' }, done: false },
        { message: { tool_calls: [{ function: { name: 'f', arguments: { a: 1 } } }] }, done: false },
        end,
      ),
      NDJSON,
    )
    expect(sample).toMatchObject({ outcome: 'ok', ttft: 10, ttfvt: null })
  })

  it('generate speaks in `response`', () => {
    const sample = sampleOf(
      ollamaGenerate,
      lines({ response: 'a', done: false }, { ...end, response: '' }),
      NDJSON,
    )
    expect(sample).toMatchObject({ outcome: 'ok', ttft: 10, ttfvt: 10 })
  })

  it('without its last line a stream is truncated; an error line is a stream-error', () => {
    const begun = lines({ response: 'a', done: false })
    expect(sampleOf(ollamaGenerate, begun, NDJSON).outcome).toBe('truncated')
    expect(sampleOf(ollamaGenerate, [...begun, ...lines({ error: 'out of memory' })], NDJSON)).toMatchObject({
      outcome: 'stream-error',
      detail: expect.stringContaining('out of memory'),
    })
  })

  it('a prompt that was cached whole is reported without a count: absent, never 0', () => {
    const { prompt_eval_count: _, prompt_eval_cached_count: __, ...rest } = end
    const read = readStream(exchangeOf([[1, lines(rest).join('')]]), ollama)
    expect(read.usage).toEqual({ outputTokens: 12 })
  })
})

describe.skipIf(!existsSync(DATA))('recorded Ollama streams', () => {
  it.each([
    ['test_ollama_async_streaming_chat_legacy.0', ollama],
    ['test_ollama_streaming_chat_legacy.0', ollama],
    ['test_ollama_streaming_generation_legacy.0', ollamaGenerate],
  ])('%s says what its bytes contain, whole and cut at every byte', (name, protocol) => {
    const raw = readFileSync(join(DATA, `${name}.ndjson`), 'utf8')
    const parsed = raw.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    const last = parsed.at(-1)
    const expected = {
      events: parsed.length,
      outputs: parsed.filter((line) => (line.message?.content ?? line.response) !== '').length,
      finish: last.done_reason,
      promptTokens: last.prompt_eval_count,
      outputTokens: last.eval_count,
      prefillMs: last.prompt_eval_duration / 1e6,
    }
    const bytes = new TextEncoder().encode(raw)
    for (const size of [bytes.length, 1, 7]) {
      const pieces = Array.from(
        { length: Math.ceil(bytes.length / size) },
        (_, i) => [i, bytes.subarray(i * size, (i + 1) * size)] as const,
      )
      const read = readStream(exchangeOf(pieces), protocol)
      expect({
        events: read.moments.length,
        outputs: read.moments.filter(({ events }) => events.some(({ kind }) => kind === 'output')).length,
        finish: read.finishReason,
        promptTokens: read.usage.promptTokens,
        outputTokens: read.usage.outputTokens,
        prefillMs: read.timings?.prefillMs,
      }).toEqual(expected)
      expect(read.endNs).toBeDefined()
    }
  })
})

describe('llama.cpp /completion', () => {
  const SSE = 'text/event-stream'
  const event = (fields: object) => `data: ${JSON.stringify(fields)}\n\n`
  const end = {
    content: '',
    stop: true,
    id_slot: 3,
    model: 'gpt',
    tokens_evaluated: 80,
    tokens_predicted: 16,
    stop_type: 'limit',
    timings: {
      cache_n: 64,
      prompt_n: 16,
      prompt_ms: 21.5,
      predicted_n: 16,
      predicted_ms: 160,
      prompt_per_second: 744,
    },
  }

  it('n_predict and ignore_eos fix the length, cache_prompt is always asked for', () => {
    const { path, body } = llamaCpp.encode(ask, { ...options, quirks: { ...quirks, ignoreEos: true } })
    expect(path).toBe('/completion')
    expect(JSON.parse(body)).toEqual({
      prompt: 'hello',
      n_predict: 7,
      stream: true,
      cache_prompt: true,
      temperature: 0,
      ignore_eos: true,
    })
  })

  it('the last event tells usage, cached tokens, times and slot', () => {
    const chunks = [event({ content: 'a', stop: false }), event({ content: ' b', stop: false }), event(end)]
    expect(sampleOf(llamaCpp, chunks, SSE)).toMatchObject({
      outcome: 'ok',
      ttft: 10,
      e2e: 30,
      promptTokens: 80,
      cachedTokens: 64,
      outputTokens: 16,
      finishReason: 'limit',
      serverTimings: { prefillMs: 21.5, decodeMs: 160 },
      route: { model: 'gpt', raw: { id_slot: '3' } },
    })
  })

  it.each([
    [{ stop_type: undefined, stopped_eos: true }, 'eos'],
    [{ stop_type: undefined, stopped_limit: true }, 'limit'],
    [{ stop_type: undefined, stopped_word: true }, 'word'],
  ])('builds before stop_type: %j is %s', (fields, reason) => {
    const sample = sampleOf(llamaCpp, [event({ content: 'a' }), event({ ...end, ...fields })], SSE)
    expect(sample.finishReason).toBe(reason)
  })

  it('without the event that stops, a stream is truncated', () => {
    expect(sampleOf(llamaCpp, [event({ content: 'a', stop: false })], SSE).outcome).toBe('truncated')
  })
})

describe('azure-openai', () => {
  it.each([
    ['', undefined, '/openai/v1/chat/completions'],
    ['/openai', undefined, '/v1/chat/completions'],
    ['/openai/v1', undefined, '/chat/completions'],
    ['', '2024-10-21', '/openai/deployments/gpt%204o/chat/completions?api-version=2024-10-21'],
    ['/openai', '2024-10-21', '/deployments/gpt%204o/chat/completions?api-version=2024-10-21'],
    ['/openai/deployments/x', '2024-10-21', '/chat/completions?api-version=2024-10-21'],
  ])('base path %j and version %s ask %s', (basePath, apiVersion, path) => {
    const encoded = azureOpenai.encode(ask, { ...options, model: 'gpt 4o', basePath, apiVersion })
    expect(encoded.path).toBe(path)
    expect(JSON.parse(encoded.body)).toMatchObject({ model: 'gpt 4o', stream: true })
  })

  it('its headers tell region, build and cluster, and its filter-only first chunk is no output', () => {
    const event = (fields: object) => `data: ${JSON.stringify(fields)}\n\n`
    const chunks = [
      event({ choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] }),
      event({ choices: [{ delta: { role: 'assistant', content: '' } }] }),
      event({ choices: [{ delta: { content: 'a' } }] }),
      event({ choices: [{ delta: {}, finish_reason: 'length', content_filter_results: {} }] }),
      'data: [DONE]\n\n',
    ]
    const exchange = exchangeOf(
      chunks.map((bytes, i) => [10 * (i + 1), bytes] as const),
      {
        headers: {
          'content-type': 'text/event-stream',
          'x-ms-region': 'East US 2',
          'apim-request-id': 'r-1',
          'azureml-model-session': 'd20-1',
        },
      },
    )
    expect(toSample(exchange, azureOpenai, contextOf())).toMatchObject({
      outcome: 'ok',
      ttfe: 10,
      ttft: 30,
      route: { region: 'East US 2', requestId: 'r-1', raw: { 'azureml-model-session': 'd20-1' } },
    })
    expect(azureOpenai.keyHeader).toBe('api-key')
  })
})
