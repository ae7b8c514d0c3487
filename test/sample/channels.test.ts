/** What counts as output, told by whole samples: of reasoning alone, of summaries, of queue comments and of cache writes. */
import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../src/protocol/anthropic-messages.js'
import { openaiChat } from '../../src/protocol/openai-chat.js'
import { openaiResponses } from '../../src/protocol/openai-responses.js'
import type { Protocol } from '../../src/protocol/protocol.js'
import type { Price } from '../../src/provider/provider.js'
import { costOf } from '../../src/sample/cost.js'
import { toSample, type SampleContext } from '../../src/sample/to-sample.js'
import type { Exchange } from '../../src/wire/exchange.js'
import { contextOf, done, exchangeOf, finish, role, say, sse, usage } from './exchange.js'

type Chunks = Parameters<typeof exchangeOf>[0]
const sampleOf = (
  protocol: Protocol,
  chunks: Chunks,
  context: Partial<SampleContext> = {},
  changes: Partial<Exchange> = {},
) => toSample(exchangeOf(chunks, changes), protocol, contextOf(context))

const think = (text: string) => sse({ choices: [{ delta: { reasoning_content: text } }] })

describe('reasoning', () => {
  it('a stream with reasoning alone has ttft and no ttfvt', () => {
    const sample = sampleOf(openaiChat, [
      [10, role],
      [20, think('Hm')],
      [30, finish + usage(9, 1) + done],
    ])
    expect(sample).toMatchObject({ outcome: 'ok', ttfe: 10, ttft: 20, ttfvt: null })
  })

  const summary = (delta: string) => sse({ type: 'response.reasoning_summary_text.delta', delta })
  const text = (delta: string) => sse({ type: 'response.output_text.delta', delta })
  const completed = (output: number, reasoning: number | undefined) =>
    sse({
      type: 'response.completed',
      response: {
        status: 'completed',
        usage: {
          input_tokens: 9,
          output_tokens: output,
          ...(reasoning !== undefined && { output_tokens_details: { reasoning_tokens: reasoning } }),
        },
      },
    })
  const words = Array.from({ length: 10 }, (_, i) => [300 + 10 * i, text(' word')] as const)

  it('a summary ends ttft, and neither its arrivals nor its words enter tpot: 10 tokens in 90 ms are 10 ms each', () => {
    const sample = sampleOf(openaiResponses, [
      [5, sse({ type: 'response.created', response: { model: 'm' } })],
      [100, summary('Thinking')],
      [200, summary(' aloud')],
      ...words,
      [400, completed(458, 448)],
    ])
    expect(sample).toMatchObject({ ttfe: 5, ttft: 100, ttfvt: 300, e2e: 400, reasoningTokens: 448 })
    expect(sample.tpot).toBeCloseTo(10, 9)
  })

  it('beside a summary, tpot needs to know how much was reasoned', () => {
    const sample = sampleOf(openaiResponses, [
      [100, summary('Thinking')],
      ...words,
      [400, completed(458, undefined)],
    ])
    expect(sample).toMatchObject({ outcome: 'ok', tpot: null, ttft: 100 })
  })
})

describe('reasoning that its vendor hides', () => {
  const delta = (fields: object) => sse({ type: 'content_block_delta', delta: fields })
  const word = (text: string) => delta({ type: 'text_delta', text })
  const words = Array.from({ length: 10 }, (_, i) => [300 + 10 * i, word(' word')] as const)
  const end = (counts: object) =>
    sse({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: counts }) +
    sse({ type: 'message_stop' })

  it.each([
    [
      'redacted',
      sse({ type: 'content_block_start', content_block: { type: 'redacted_thinking', data: 'Eq' } }),
    ],
    ['omitted', delta({ type: 'signature_delta', signature: 'EqkE' })],
  ])('%s thinking is no output, and without its count there is no tpot', (_, thought) => {
    const chunks: Chunks = [[100, thought], ...words, [400, end({ output_tokens: 458 })]]
    expect(sampleOf(anthropicMessages, chunks)).toMatchObject({
      outcome: 'ok',
      ttfe: 100,
      ttft: 300,
      tpot: null,
    })
    const counted = { output_tokens: 458, output_tokens_details: { thinking_tokens: 448 } }
    const told: Chunks = [[100, thought], ...words, [400, end(counted)]]
    expect(sampleOf(anthropicMessages, told).tpot).toBeCloseTo(10, 9)
  })

  it('a signature says of the reasoning before it that it was a summary: its words count nowhere', () => {
    const signed = sse({
      choices: [{ delta: { reasoning_details: [{ type: 'reasoning.text', signature: 'Eq' }] } }],
    })
    const usageOf = (reasoning: number | undefined) =>
      sse({
        choices: [],
        usage: {
          prompt_tokens: 9,
          completion_tokens: 458,
          ...(reasoning !== undefined && { completion_tokens_details: { reasoning_tokens: reasoning } }),
        },
      })
    const chunks = (reasoning: number | undefined): Chunks => [
      [100, think('Thinking')],
      [200, think(' aloud') + signed],
      ...Array.from({ length: 10 }, (_, i) => [300 + 10 * i, say(' word')] as const),
      [400, finish + usageOf(reasoning) + done],
    ]
    expect(sampleOf(openaiChat, chunks(undefined))).toMatchObject({ outcome: 'ok', ttft: 100, tpot: null })
    expect(sampleOf(openaiChat, chunks(448)).tpot).toBeCloseTo(10, 9)
  })
})

describe('queue comments', () => {
  it('those before the first output are counted, later ones are not', () => {
    const sample = sampleOf(openaiChat, [
      [10, ': OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n'],
      [20, role + say('a')],
      [25, ': still here\n\n'],
      [30, finish + done],
    ])
    expect(sample).toMatchObject({ outcome: 'ok', ttfe: 20, ttft: 20, comments: 2 })
  })

  it('without one there is no such field', () => {
    const sample = sampleOf(openaiChat, [[10, role + say('a') + finish + done]])
    expect(sample).not.toHaveProperty('comments')
  })
})

describe('what the account has left', () => {
  it('stands in the sample, of a refusal too', () => {
    const headers = { 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '0' }
    const sample = sampleOf(openaiChat, [[3, '{"error":"slow down"}']], {}, { status: 429, headers })
    expect(sample).toMatchObject({ outcome: 'http-429', limits: { limitRequests: 60, remainingRequests: 0 } })
  })
})

describe('route', () => {
  it('what a provider calls by its own name is kept from headers and stream, redacted', () => {
    const start = {
      type: 'message_start',
      message: { model: 'c', usage: { input_tokens: 3, inference_geo: 'us' } },
    }
    const text = { type: 'content_block_delta', delta: { type: 'text_delta', text: 'a' } }
    const sample = sampleOf(
      anthropicMessages,
      [[10, sse(start) + sse(text) + sse({ type: 'message_stop' })]],
      { redact: (said) => said.replaceAll('secret', '[redacted]') },
      { headers: { 'content-type': 'text/event-stream', via: 'secret proxy', 'request-id': 'r' } },
    )
    expect(sample.route).toEqual({
      requestId: 'r',
      model: 'c',
      raw: { via: '[redacted] proxy', inference_geo: 'us' },
    })
  })
})

describe('cost of cache writes', () => {
  const price: Price = {
    currency: 'USD',
    inputPerM: 4,
    cachedPerM: 0.4,
    cacheWritePerM: 5,
    cacheWritePerMByLifetime: { '1h': 8 },
    outputPerM: 20,
  }
  const used = { promptTokens: 1_000_000, cachedTokens: 500_000, outputTokens: 0 }

  it.each<[string, object, Price, number]>([
    ['none', {}, price, 0.5 * 4 + 0.5 * 0.4],
    ['of the usual lifetime', { cacheWriteTokens: 250_000 }, price, 0.25 * 4 + 0.5 * 0.4 + 0.25 * 5],
    [
      'of two lifetimes, one of them with its own price, and a rest of which nothing is told',
      { cacheWriteTokens: 250_000, cacheWritesByLifetime: { '5m': 100_000, '1h': 100_000 } },
      price,
      0.25 * 4 + 0.5 * 0.4 + 0.1 * 5 + 0.1 * 8 + 0.05 * 5,
    ],
    [
      'without a price of their own they are input',
      { cacheWriteTokens: 250_000 },
      { currency: 'USD', inputPerM: 4, outputPerM: 20 },
      4,
    ],
    [
      'never more than the prompt',
      { cacheWriteTokens: 900_000, cacheWritesByLifetime: { '1h': 900_000 } },
      price,
      0.5 * 0.4 + 0.5 * 8,
    ],
  ])('%s', (_, writes, priced, amount) => {
    expect(costOf({ ...used, ...writes }, priced)?.amount).toBeCloseTo(amount, 9)
  })
})
