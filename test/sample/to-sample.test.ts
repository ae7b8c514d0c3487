import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../src/protocol/openai-chat.js'
import { toSample } from '../../src/sample/to-sample.js'
import { quantile } from '../../src/stats/quantile.js'
import { contextOf, done, exchangeOf, finish, role, say, sse, START_NS, usage } from './exchange.js'

/** `count` words, one event and one chunk each, the first at `firstMs`, then every `stepMs`. */
function words(count: number, firstMs: number, stepMs: number): [number, string][] {
  return Array.from({ length: count }, (_, index) => [firstMs + index * stepMs, say(` w${index}`)])
}

const sampleOf = (...args: [...Parameters<typeof exchangeOf>, Parameters<typeof contextOf>[0]?]) =>
  toSample(exchangeOf(args[0], args[1]), openaiChat, contextOf(args[2]))

describe('times', () => {
  it('a role-only chunk ends ttfe and leaves ttft open', () => {
    const sample = sampleOf([[5, role], ...words(3, 214, 10), [250, finish], [260, done]])
    expect(sample).toMatchObject({ outcome: 'ok', ttfb: 1, ttfe: 5, ttft: 214, ttfvt: 214, e2e: 260 })
  })

  it('reasoning ends ttft, only visible text ends ttfvt', () => {
    const think = sse({ choices: [{ delta: { reasoning_content: 'hm' } }] })
    const answer: [number, string][] = [
      [50, say('yes')],
      [60, finish + done],
    ]
    expect(sampleOf([[20, think], ...answer])).toMatchObject({ ttft: 20, ttfvt: 50 })
    expect(
      sampleOf([
        [20, think],
        [60, finish + done],
      ]),
    ).toMatchObject({ outcome: 'ok', ttft: 20, ttfvt: null })
  })

  it.each([
    ['refusal', { refusal: 'I cannot' }],
    ['a tool name', { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '' } }] }],
    ['tool arguments', { tool_calls: [{ index: 0, function: { arguments: '{"' } }] }],
  ])('%s ends ttft and is not visible text', (_, delta) => {
    const sample = sampleOf([
      [5, role],
      [30, sse({ choices: [{ delta }] })],
      [40, finish + done],
    ])
    expect(sample).toMatchObject({ outcome: 'ok', ttfe: 5, ttft: 30, ttfvt: null })
  })

  it('an empty tool call, a null delta and a filter-only chunk are no output', () => {
    const filter = sse({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] })
    const empty = sse({
      choices: [{ delta: { content: null, tool_calls: [{ function: { arguments: '' } }] } }],
    })
    expect(
      sampleOf([
        [3, filter],
        [9, empty],
        [20, say('a')],
        [30, finish + done],
      ]),
    ).toMatchObject({
      ttfe: 3,
      ttft: 20,
    })
  })

  it('an event arrives with the chunk that brings its blank line', () => {
    const [head, tail] = [say('a').slice(0, -1), '\n']
    expect(
      sampleOf([
        [10, head],
        [17, tail],
        [30, finish + done],
      ]).ttft,
    ).toBe(17)
  })

  it('open-loop times are counted from the intended start too', () => {
    const sample = sampleOf(
      [
        [20, say('a')],
        [30, finish + done],
      ],
      {},
      { intendedNs: START_NS - 4e6 },
    )
    expect(sample).toMatchObject({ startDelay: 4, ttft: 20, ttftIntended: 24, e2e: 30, e2eIntended: 34 })
  })

  it('request start on the wall clock is the run start plus monotonic time', () => {
    expect(
      sampleOf([
        [20, say('a')],
        [30, done],
      ]),
    ).toMatchObject({
      startedAt: '2026-11-23T09:00:02.000Z',
      atMs: 2000,
    })
  })
})

describe('itl, coalesced, tpot', () => {
  it('tpot is the time behind the first token over the tokens behind it', () => {
    const sample = sampleOf([...words(16, 100, 10), [260, finish + usage(100, 16) + done]])
    expect(sample.tpot).toBeCloseTo(10, 9)
    expect(sample.decodeRate).toBeCloseTo(100, 9)
    expect(sample.itl).toMatchObject({ count: 15, mean: 10, p50: 10, max: 10 })
    expect(sample.coalesced).toBe(0)
  })

  it('two tokens an event keep the tpot that one token an event has', () => {
    const pairs = Array.from({ length: 8 }, (_, i): [number, string] => [110 + 20 * i, say(` a${i} b${i}`)])
    const sample = sampleOf([...pairs, [260, finish + usage(100, 16) + done]])
    expect(sample.tpot).toBeCloseTo(10, 9)
    expect(sample.itl?.mean).toBeCloseTo(20, 9)
  })

  it('two events a chunk are coalesced and keep that tpot too', () => {
    const pairs = Array.from({ length: 8 }, (_, i): [number, string] => [
      110 + 20 * i,
      say(` a${i}`) + say(` b${i}`),
    ])
    const sample = sampleOf([...pairs, [260, finish + usage(100, 16) + done]])
    expect(sample).toMatchObject({ coalesced: 8, itl: { count: 7 } })
    expect(sample.tpot).toBeCloseTo(10, 9)
  })

  it('a tokenizer that is not the model’s gives way to the share of characters', () => {
    const pairs = Array.from({ length: 8 }, (_, i): [number, string] => [110 + 20 * i, say('xxxx')])
    const tokenizer = { exact: false, count: () => 999 }
    expect(sampleOf([...pairs, [260, finish + usage(100, 16) + done]], {}, { tokenizer }).tpot).toBeCloseTo(
      10,
      9,
    )
  })

  it('the first event counts for at least 1 token', () => {
    const tokenizer = { exact: false, count: () => 999 }
    const chunks: [number, string][] = [
      [100, say('.')],
      ...words(15, 110, 10),
      [260, finish + usage(1, 16) + done],
    ]
    expect(sampleOf(chunks, {}, { tokenizer }).tpot).toBeCloseTo(10, 9)
  })

  it('hidden reasoning is no streamed token, streamed reasoning is', () => {
    const hidden = sse({
      choices: [],
      usage: {
        prompt_tokens: 9,
        completion_tokens: 116,
        completion_tokens_details: { reasoning_tokens: 100 },
      },
    })
    const sample = sampleOf([...words(16, 100, 10), [260, finish + hidden + done]])
    expect(sample.tpot).toBeCloseTo(10, 9)
    expect(sample).toMatchObject({ outputTokens: 116, reasoningTokens: 100 })
    const think = Array.from({ length: 100 }, (_, i): [number, string] => [
      100 + 10 * i,
      sse({ choices: [{ delta: { reasoning: ` r${i}` } }] }),
    ])
    expect(sampleOf([...think, ...words(16, 1100, 10), [1260, finish + hidden + done]]).tpot).toBeCloseTo(
      10,
      9,
    )
  })

  it('16 tokens in 16 events: a first word of 40 characters is one token without the model’s tokenizer too', () => {
    const tokenizer = { exact: false, count: () => 999 }
    const [, ...later] = words(16, 100, 10)
    const chunks: [number, string][] = [
      [100, say('x'.repeat(40))],
      ...later,
      [260, finish + usage(9, 16) + done],
    ]
    expect(sampleOf(chunks, {}, { tokenizer }).tpot).toBeCloseTo(10, 9)
  })

  it('tpot is null below 8 streamed tokens or 3 arrivals', () => {
    expect(sampleOf([...words(7, 100, 10), [260, finish + usage(9, 7) + done]]).tpot).toBeNull()
    expect(sampleOf([...words(8, 100, 10), [260, finish + usage(9, 8) + done]]).tpot).toBeCloseTo(10, 9)
    const two: [number, string][] = [
      [100, say(' a b c d e')],
      [200, say(' f g h i j')],
    ]
    expect(sampleOf([...two, [260, finish + usage(9, 10) + done]]).tpot).toBeNull()
    expect(
      sampleOf([
        [
          100,
          words(16, 0, 0)
            .map(([, text]) => text)
            .join('') +
            finish +
            done,
        ],
      ]),
    ).toMatchObject({
      outcome: 'ok',
      tpot: null,
      itl: null,
      coalesced: 15,
    })
  })

  it('quantiles of the gaps are those of stats', () => {
    const at = [100, 103, 110, 111, 150, 152, 159, 170, 171, 180]
    const gaps = at.slice(1).map((ms, index) => ms - (at[index] ?? 0))
    const sample = sampleOf([...at.map((ms): [number, string] => [ms, say(' w')]), [260, finish + done]])
    for (const [name, p] of [
      ['p50', 0.5],
      ['p90', 0.9],
      ['p99', 0.99],
    ] as const) {
      expect(sample.itl?.[name]).toBeCloseTo(quantile(gaps, p), 9)
    }
    expect(sample.itl).toMatchObject({ count: 9, max: 39 })
  })
})

describe('counts, cost, cache', () => {
  it('usage is the source where the server gives it, our tokenizer where it does not', () => {
    expect(
      sampleOf([
        [9, say(' a b')],
        [20, finish + usage(103, 5, 0) + done],
      ]),
    ).toMatchObject({
      promptTokens: 103,
      outputTokens: 5,
      cachedTokens: 0,
      tokenSource: 'usage',
    })
    const counted = sampleOf([
      [9, say(' a b')],
      [20, finish + done],
    ])
    expect(counted).toMatchObject({ promptTokens: 100, outputTokens: 2, tokenSource: 'counted' })
    expect(counted.cachedTokens).toBeUndefined()
    expect(counted.cacheState).toBe('unverified')
  })

  it('cost is the price of fresh, cached and output tokens, and absent without a price', () => {
    const price = { currency: 'USD', inputPerM: 2, cachedPerM: 0.5, outputPerM: 8 }
    const chunks: [number, string][] = [
      [9, say('a')],
      [20, finish + usage(2000, 100, 1000) + done],
    ]
    expect(sampleOf(chunks, {}, { price }).cost).toEqual({ currency: 'USD', amount: 0.0033 })
    expect(sampleOf(chunks).cost).toBeUndefined()
  })

  it.each(['-1', '1e308', '1.5', '"12"', 'null', '-0.1'])('a usage of %s output tokens is ignored', (lie) => {
    const usageOfLies = `data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":${lie}}}\n\n`
    const price = { currency: 'USD', inputPerM: 2, outputPerM: 8 }
    const sample = sampleOf(
      [
        [9, say(' a b')],
        [20, finish + usageOfLies + done],
      ],
      {},
      { price },
    )
    expect(sample).toMatchObject({ outcome: 'ok', promptTokens: 7, outputTokens: 2, tokenSource: 'counted' })
    expect(sample.cost?.amount).toBeCloseTo(30e-6, 12)
    if (lie === 'null') expect(sample.detail).toBeUndefined()
    else expect(sample.detail).toContain('usage.completion_tokens is no token count')
  })

  it('more cached tokens than prompt tokens are no count', () => {
    const sample = sampleOf([
      [9, say('a')],
      [20, finish + usage(10, 1, 11) + done],
    ])
    expect(sample.cachedTokens).toBeUndefined()
    expect(sample.cacheState).toBe('unverified')
  })

  it('a prefix counted by another tokenizer is held against the cache in the server’s tokens', () => {
    const asked = { ...contextOf().asked, promptTokens: 1000, prefixTokens: 800, cache: 'warm' } as const
    const cacheRules = { minimumTokens: 1, stepTokens: 1, reported: true }
    const tokenizer = { exact: false, count: () => 1 }
    const stateAt = (prompt: number, cached: number, templateTokens?: number) =>
      sampleOf(
        [
          [9, say('a')],
          [20, finish + usage(prompt, 1, cached) + done],
        ],
        {},
        { asked, cacheRules, tokenizer, templateTokens },
      ).cacheState
    expect(stateAt(900, 715)).toBe('confirmed')
    expect(stateAt(900, 600)).toBe('contradicted')
    expect(stateAt(1000, 715)).toBe('contradicted')
    // 5 % of 800 and a template of 23 tokens, all of it behind the text.
    expect(stateAt(1000, 737, 23)).toBe('confirmed')
    expect(stateAt(1000, 736, 23)).toBe('contradicted')
  })
})

describe('the network', () => {
  it('chunks cut anywhere change times and coalescing only', () => {
    const body =
      role +
      words(12, 0, 0)
        .map(([, text]) => text)
        .join('') +
      finish +
      usage(100, 12, 0) +
      done
    const bytes = new TextEncoder().encode(body)
    const timeless = (cuts: readonly number[]) => {
      const ends = [...new Set([...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort(
        (a, b) => a - b,
      )
      const chunks = ends.map((end, index) => [index + 1, bytes.slice(ends[index - 1] ?? 0, end)] as const)
      const { ttfe, ttft, ttfvt, ttftIntended, tpot, decodeRate, e2e, e2eIntended, itl, coalesced, ...rest } =
        sampleOf(chunks)
      const times = [ttfe, ttft, ttfvt, ttftIntended, e2e, e2eIntended]
      expect(times.every((time) => time !== null && time >= 1 && time <= ends.length)).toBe(true)
      expect((tpot === null) === (decodeRate === null)).toBe(true)
      expect(coalesced + 1 + (itl?.count ?? 0)).toBe(12)
      return rest
    }
    const whole = timeless([])
    expect(whole).toMatchObject({ outcome: 'ok', outputTokens: 12, finishReason: 'stop' })
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
        expect(timeless(cuts)).toEqual(whole)
      }),
    )
  })
})

describe('what the server says of itself', () => {
  it('route and timings of headers and stream are joined, the stream has the last word', () => {
    const last = sse({
      model: 'm-2',
      system_fingerprint: 'fp',
      choices: [],
      x_groq: {
        id: 'req_2',
        usage: { queue_time: 0.25, prompt_time: 0.01, completion_time: 0.5, total_time: 0.51 },
      },
    })
    const headers = { 'content-type': 'text/event-stream', 'x-request-id': 'req_1', 'cf-ray': '9a-FRA' }
    const sample = sampleOf(
      [
        [9, say('a')],
        [20, finish + last + done],
      ],
      { headers },
    )
    expect(sample.route).toEqual({ requestId: 'req_2', region: 'FRA', model: 'm-2', fingerprint: 'fp' })
    expect(sample.serverTimings).toMatchObject({ queueMs: 250, prefillMs: 10, decodeMs: 500, totalMs: 510 })
    expect(sample.serverTimings?.raw).toMatchObject({ queue_time: 0.25 })
  })

  it('a key that the server echoes is nowhere in the sample', () => {
    const key = 'sk-canary-000'
    const echo = sse({ model: key, choices: [{ delta: {}, finish_reason: key }], error: null })
    const headers = { 'content-type': 'text/event-stream', 'x-request-id': key, 'server-timing': key }
    const redact = (text: string) => text.replaceAll(key, '***')
    const good = sampleOf(
      [
        [9, say('a')],
        [20, echo + done],
      ],
      { headers },
      { redact },
    )
    const failed = sampleOf(
      [[9, `{"error":{"message":"bad key ${key}"}}`]],
      { status: 401, headers },
      { redact },
    )
    expect(good.route).toMatchObject({ requestId: '***', model: '***' })
    expect(failed.detail).toContain('bad key ***')
    expect(JSON.stringify([good, failed])).not.toContain(key)
  })
})
