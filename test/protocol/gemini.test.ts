import { describe, expect, it } from 'vitest'
import { gemini } from '../../src/protocol/gemini.js'
import { readStream } from '../../src/sample/stream.js'
import { toSample } from '../../src/sample/to-sample.js'
import type { WireFailure } from '../../src/wire/exchange.js'
import { contextOf, exchangeOf, sse } from '../sample/exchange.js'
import { ask, conversation, decode, options, output, sent } from './say.js'

const says = (event: unknown) => decode(gemini, event)
const parts = (...list: object[]) => says({ candidates: [{ content: { role: 'model', parts: list } }] })

describe('gemini: the request', () => {
  it('has the model in its path, roles of its own and system apart', () => {
    expect(sent(gemini, conversation, { model: 'gemini-3-flash' })).toEqual({
      path: '/models/gemini-3-flash:streamGenerateContent?alt=sse',
      headers: {},
      body: {
        systemInstruction: { parts: [{ text: 'Be brief.' }] },
        contents: [
          { role: 'user', parts: [{ text: 'Hi' }] },
          { role: 'model', parts: [{ text: 'Hello' }] },
          { role: 'user', parts: [{ text: 'Bye' }] },
        ],
        generationConfig: { maxOutputTokens: 32 },
      },
    })
    expect(gemini.keyHeader).toBe('x-goog-api-key')
  })

  it.each([
    ['tunedModels/x y', '/tunedModels/x%20y:streamGenerateContent?alt=sse'],
    ['endpoints/123', '/endpoints/123:streamGenerateContent?alt=sse'],
  ])('%s is a resource of its own', (model, path) => {
    expect(sent(gemini, ask, { model }).path).toBe(path)
  })

  it('a target’s generationConfig is laid over ours, so that thinking can be set without losing the length', () => {
    const quirks = { ...options.quirks, temperature: 0 }
    const body = { generationConfig: { thinkingConfig: { thinkingBudget: 0 } }, labels: { a: 'b' } }
    expect(sent(gemini, ask, { quirks, body }).body).toMatchObject({
      generationConfig: { maxOutputTokens: 32, temperature: 0, thinkingConfig: { thinkingBudget: 0 } },
      labels: { a: 'b' },
    })
  })
})

describe('gemini: what is output', () => {
  it.each<[string, unknown[], unknown[]]>([
    ['text', parts({ text: 'a' }), [output('text', 'a')]],
    ['an empty text', parts({ text: '' }), []],
    ['a thought', parts({ text: 'h', thought: true }), [output('summary', 'h')]],
    ['a signature alone', parts({ text: '', thoughtSignature: 'CiQB' }), []],
    ['a call', parts({ functionCall: { name: 'f', args: { a: 1 } } }), [output('tool', 'f{"a":1}')]],
    ['a call without arguments', parts({ functionCall: { name: 'f', args: {} } }), [output('tool', 'f')]],
    [
      'a piece of an argument',
      parts({
        functionCall: { partialArgs: [{ jsonPath: '$.city', stringValue: 'Par' }, { numberValue: 3 }] },
      }),
      [output('tool', 'Par3')],
    ],
    ['a piece with nothing in it', parts({ functionCall: { partialArgs: [{ stringValue: '' }] } }), []],
    ['the end of a call', parts({ functionCall: {} }), []],
    ['code', parts({ executableCode: { language: 'PYTHON', code: 'x' } }), [output('tool', 'x')]],
    ['what the code printed', parts({ codeExecutionResult: { output: '1' } }), []],
    [
      'a thought and a text',
      parts({ text: 'h', thought: true }, { text: 'a' }),
      [output('summary', 'h'), output('text', 'a')],
    ],
    ['no parts', says({ candidates: [{ content: { role: 'model' } }] }), []],
    ['usage alone', says({ usageMetadata: { totalTokenCount: 3 } }), []],
    [
      'a candidate that is none',
      says({ candidates: [7] }),
      [{ kind: 'malformed', detail: 'an entry of candidates is not an object' }],
    ],
  ])('%s', (_, events, expected) => {
    expect(events).toEqual(expected)
  })
})

describe('gemini: usage repeats and grows', () => {
  it('the last word of each field counts, thoughts are part of the output, cached tokens part of the prompt', () => {
    const usage = (fields: object) => sse({ candidates: [], usageMetadata: fields })
    const stream = readStream(
      exchangeOf([
        [1, usage({ promptTokenCount: 15, totalTokenCount: 15 })],
        [2, usage({ promptTokenCount: 5000, cachedContentTokenCount: 4096, thoughtsTokenCount: 90 })],
        [
          3,
          usage({
            promptTokenCount: 5000,
            thoughtsTokenCount: 120,
            candidatesTokenCount: 8,
            trafficType: 'ON_DEMAND',
          }),
        ],
      ]),
      gemini,
    )
    expect(stream.usage).toEqual({
      promptTokens: 5000,
      cachedTokens: 4096,
      outputTokens: 128,
      reasoningTokens: 120,
    })
    expect(stream.route).toEqual({ serviceTier: 'ON_DEMAND' })
  })

  it('before the first count of output there is none', () => {
    expect(says({ usageMetadata: { promptTokenCount: 15 } })).toEqual([
      { kind: 'usage', usage: { promptTokens: 15 } },
    ])
  })

  it.each([
    ['fresh', 0, 'confirmed'],
    ['warm', 4096, 'contradicted'],
  ] as const)(
    'a usage without a cached count says 0: %s is judged by it',
    (cache, prefixTokens, cacheState) => {
      const body = sse({
        candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' }],
        usageMetadata: { promptTokenCount: 5000, candidatesTokenCount: 1 },
      })
      const { asked } = contextOf()
      const context = contextOf({ asked: { ...asked, cache, prefixTokens, promptTokens: 5000 } })
      const sample = toSample(exchangeOf([[10, body]]), gemini, context)
      expect(sample.cacheState).toBe(cacheState)
      expect(sample).not.toHaveProperty('cachedTokens')
    },
  )

  it('every event names model version and response', () => {
    expect(says({ modelVersion: 'gemini-3-flash-001', responseId: 'w1pe' })).toEqual([
      { kind: 'route', route: { model: 'gemini-3-flash-001', requestId: 'w1pe' } },
    ])
  })
})

describe('gemini: the end', () => {
  const text = sse({ candidates: [{ content: { parts: [{ text: 'a' }] } }] })
  const last = sse({ candidates: [{ content: { parts: [{ text: 'b' }] }, finishReason: 'MAX_TOKENS' }] })
  const sampleOf = (chunks: readonly (readonly [number, string])[], failure?: WireFailure) =>
    toSample(exchangeOf(chunks, { failure }), gemini, contextOf())

  it('a finish reason and the end of the body make an ok without a mark', () => {
    const sample = sampleOf([
      [10, text],
      [30, last],
    ])
    expect(sample).toMatchObject({ outcome: 'ok', finishReason: 'MAX_TOKENS', ttft: 10, e2e: 30 })
    expect(sample).not.toHaveProperty('detail')
  })

  it('a body without a finish reason is cut off', () => {
    expect(sampleOf([[10, text]]).outcome).toBe('truncated')
  })

  it('a last event without its blank line counts once it says why it ended', () => {
    expect(
      sampleOf([
        [10, text],
        [30, last.trimEnd()],
      ]),
    ).toMatchObject({ outcome: 'ok', e2e: 30 })
  })

  it('a connection that breaks behind the finish reason leaves a mark', () => {
    const failure = { kind: 'reset', phase: 'body', detail: 'reset by peer' } as const
    const sample = sampleOf([[10, text + last]], failure)
    expect(sample).toMatchObject({
      outcome: 'ok',
      detail: expect.stringMatching(/^the end of the body is missing/),
    })
  })

  it('a blocked prompt ends empty, and says why', () => {
    const sample = sampleOf([[10, sse({ promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } })]])
    expect(sample.outcome).toBe('empty')
    expect(sample.detail).toContain('PROHIBITED_CONTENT')
  })

  it('an error in mid-stream is one', () => {
    expect(says({ error: { code: 503, message: 'overloaded', status: 'UNAVAILABLE' } })).toEqual([
      { kind: 'error', message: 'overloaded', type: 'UNAVAILABLE' },
    ])
  })
})
