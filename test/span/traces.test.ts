/** One call of a model is one span, whatever else its trace holds. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createIntake } from '../../src/span/intake.js'
import { otlpRequest } from '../../src/span/otlp-envelope.js'
import type { OtlpAttributes } from '../../src/span/otlp-envelope.js'
import { rawSpan, requestOf, START_MS } from './one-span.js'
import type { Shape } from './one-span.js'
import { readValue } from './read.js'

const id = (n: number): string => n.toString(16).padStart(16, '0')
const call = (model = 'gpt-x'): OtlpAttributes => ({
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': model,
  'gen_ai.usage.input_tokens': 100,
  'gen_ai.usage.output_tokens': 50,
})

/** Spans in both orders: children are exported before their parents, but come after them in some stores. */
function both(spans: (readonly [OtlpAttributes, Shape])[]) {
  const forth = readValue(requestOf(spans))
  const back = readValue(requestOf([...spans].reverse()))
  expect(back.counts).toEqual(forth.counts)
  expect(back.spans.map(({ spanId }) => spanId).sort()).toEqual(
    forth.spans.map(({ spanId }) => spanId).sort(),
  )
  return forth
}

describe('what repeats a call is not counted', () => {
  it('Vercel AI SDK, legacy: only the .do* spans', () => {
    const usage = { 'ai.model.id': 'gpt-x', 'ai.usage.inputTokens': 100, 'ai.usage.outputTokens': 50 }
    const { spans, counts } = both([
      [
        { 'ai.operationId': 'ai.streamText', ...usage },
        { scope: 'ai', name: 'ai.streamText', spanId: id(1) },
      ],
      [
        { 'ai.operationId': 'ai.streamText.doStream', ...usage },
        { scope: 'ai', name: 'ai.streamText.doStream', spanId: id(2), parentSpanId: id(1) },
      ],
    ])
    expect(spans.map(({ spanId }) => spanId)).toEqual([id(2)])
    expect(counts).toMatchObject({ seen: 2, spans: 1, other: 1 })
  })

  it('an agent’s span repeats the usage of its calls: two calls below it are two spans', () => {
    const agent = {
      ...call(),
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.aggregated_usage.input_tokens': 200,
    }
    const { spans } = both([
      [agent, { spanId: id(1), name: 'invoke_agent' }],
      [call(), { spanId: id(2), parentSpanId: id(1) }],
      [call(), { spanId: id(3), parentSpanId: id(1) }],
    ])
    expect(spans.map(({ spanId }) => spanId).sort()).toEqual([id(2), id(3)])
  })

  it('of two instrumentations of one call, one within the other, the inner one counts and inherits whose it is', () => {
    const { spans, counts } = both([
      [
        { ...call(), 'session.id': 'conv-1', 'user.id': 'ann' },
        { spanId: id(1), kind: 'internal' },
      ],
      [{ 'traceloop.span.kind': 'task' }, { spanId: id(2), parentSpanId: id(1) }],
      [call(), { spanId: id(3), parentSpanId: id(2) }],
    ])
    expect(spans).toMatchObject([
      { spanId: id(3), conversationId: 'conv-1', tenant: 'ann', from: { tenant: 'span above: user.id' } },
    ])
    expect(counts).toMatchObject({ spans: 1, repeated: 1, other: 1 })
  })

  it('a span that an exporter sends a second time is counted once', () => {
    const { spans, counts } = both([
      [call(), { spanId: id(1) }],
      [call(), { spanId: id(2) }],
      [call(), { spanId: id(1) }],
    ])
    expect(spans).toHaveLength(2)
    expect(counts).toMatchObject({ seen: 3, spans: 2, repeated: 1 })
  })

  it('records of one trace that have no ids of their own are calls of their own', () => {
    const record = {
      trace_id: 'order-7',
      model: 'gpt-x',
      input_tokens: 100,
      output_tokens: 50,
      duration_ms: 5,
    }
    const { counts } = readValue([1, 2, 3].map((n) => ({ ...record, timestamp: 1_790_000_000 + n })))
    expect(counts).toMatchObject({ seen: 3, spans: 3, repeated: 0 })
  })

  it.each(['test', 'bot'])(
    'a call that user_agent.synthetic.type says is a %s is counted apart, with the server’s view of it',
    (type) => {
      const { spans, counts } = both([
        [{ ...call(), 'user_agent.synthetic.type': type }, { spanId: id(1) }],
        [call(), { spanId: id(2), parentSpanId: id(1), kind: 'server', service: 'engine' }],
      ])
      expect(spans).toEqual([])
      expect(counts).toMatchObject({ seen: 2, spans: 0, synthetic: 1, folded: 1, other: 0 })
    },
  )

  it('embeddings and tools are no calls', () => {
    const { spans, counts } = both([
      [{ ...call(), 'gen_ai.operation.name': 'embeddings' }, { spanId: id(1) }],
      [{ 'gen_ai.operation.name': 'execute_tool' }, { spanId: id(2) }],
    ])
    expect(spans).toEqual([])
    expect(counts.other).toBe(2)
  })
})

describe('HTTP requests below a call are its attempts', () => {
  const http = (n: number, offsetMs: number, durationMs: number, status: number, more: OtlpAttributes = {}) =>
    [
      {
        'http.request.method': 'POST',
        'http.response.status_code': status,
        'server.address': 'api.openai.com',
        ...more,
      },
      {
        spanId: id(10 + n),
        parentSpanId: id(1),
        startMs: START_MS + offsetMs,
        endMs: START_MS + offsetMs + durationMs,
        name: 'POST',
        scope: '@opentelemetry/instrumentation-undici',
      },
    ] as const

  it('a 429 and a 503 before the answer: 3 attempts, 700 ms of retrying, the last one’s headers', () => {
    const { spans, counts } = both([
      [call(), { spanId: id(1) }],
      http(1, 0, 50, 429),
      http(2, 300, 100, 503),
      http(3, 700, 1300, 200, {
        'http.response.header.openai-processing-ms': ['900'],
        'http.response.header.x-ratelimit-remaining-tokens': ['1000'],
        'http.response.header.cf-ray': ['8f0c-AMS'],
      }),
    ])
    expect(spans).toMatchObject([
      {
        attempts: 3,
        retryMs: 700,
        serverMs: 900,
        remainingTokens: 1000,
        region: 'AMS',
        tries: [
          { offsetMs: 0, durationMs: 50, status: 429 },
          { offsetMs: 300, durationMs: 100, status: 503 },
          { offsetMs: 700, durationMs: 1300, status: 200 },
        ],
        from: { attempts: 'HTTP spans', serverMs: 'HTTP span: http.response.header.openai-processing-ms' },
      },
    ])
    // The last answer was a good one: its status is no error of the call.
    expect(spans[0]?.error).toBeUndefined()
    expect(counts).toMatchObject({ seen: 4, spans: 1, folded: 3 })
  })

  it('headers written with underscores, as Python’s instrumentations do, are the same headers', () => {
    const { spans } = both([
      [call(), { spanId: id(1) }],
      http(1, 5, 1990, 200, {
        'http.response.header.x_served_by': ['eu-7'],
        'http.response.header.openai_processing_ms': ['900'],
        'http.response.header.cf_ray': ['8f0c-AMS'],
      }),
    ])
    expect(spans).toMatchObject([
      {
        serverMs: 900,
        region: 'AMS',
        replica: 'eu-7',
        from: { replica: 'HTTP span: http.response.header.x_served_by' },
      },
    ])
  })

  it('one request is 1 attempt and no retrying', () => {
    const { spans } = both([[call(), { spanId: id(1) }], http(1, 5, 1990, 200)])
    expect(spans[0]).toMatchObject({ attempts: 1, tries: [{ offsetMs: 5 }] })
    expect(spans[0]?.retryMs).toBeUndefined()
  })

  it('a request to another host, or below no call, is no attempt', () => {
    const { spans } = both([
      [{ ...call(), 'server.address': 'api.openai.com' }, { spanId: id(1) }],
      http(1, 0, 5, 200, { 'server.address': 'login.example.com' }),
    ])
    expect(spans[0]?.attempts).toBeUndefined()
    expect(both([http(1, 0, 5, 200)]).counts).toMatchObject({ seen: 1, other: 1, spans: 0 })
  })
})

describe('a dialect that writes a span an attempt: Vercel AI SDK, legacy', () => {
  const root = [
    { 'ai.operationId': 'ai.streamText', 'ai.model.id': 'gpt-x' },
    { scope: 'ai', name: 'ai.streamText', spanId: id(1) },
  ] as const
  const attempt = (n: number, fromMs: number, toMs: number, isFailed: boolean, more: OtlpAttributes = {}) =>
    [
      {
        'ai.operationId': 'ai.streamText.doStream',
        'ai.model.id': 'gpt-x',
        ...(!isFailed && {
          'ai.usage.inputTokens': 100,
          'ai.usage.outputTokens': 50,
          'ai.response.msToFirstChunk': 250,
        }),
        ...more,
      },
      {
        scope: 'ai',
        name: 'ai.streamText.doStream',
        spanId: id(n),
        parentSpanId: id(1),
        startMs: START_MS + fromMs,
        endMs: START_MS + toMs,
        ...(isFailed && { status: { code: 'error' as const } }),
      },
    ] as const
  const http = (n: number, parent: number, fromMs: number, toMs: number, status: number) =>
    [
      { 'http.request.method': 'POST', 'http.response.status_code': status },
      {
        spanId: id(n),
        parentSpanId: id(parent),
        startMs: START_MS + fromMs,
        endMs: START_MS + toMs,
        name: 'POST',
      },
    ] as const

  it('two that fail before one that answers: 1 span of 3 attempts from the start of the first', () => {
    const { spans, counts } = both([
      [...root],
      attempt(2, 0, 50, true),
      http(12, 2, 1, 50, 429),
      attempt(3, 300, 400, true),
      attempt(4, 900, 2000, false),
      http(14, 4, 901, 2000, 200),
    ])
    expect(spans).toHaveLength(1)
    expect(spans[0]).toMatchObject({
      spanId: id(4),
      startedAtMs: START_MS,
      durationMs: 2000,
      ttftMs: 250,
      ttftScope: 'attempt',
      attempts: 3,
      retryMs: 900,
      tries: [
        { offsetMs: 1, durationMs: 49, status: 429 },
        { offsetMs: 300, durationMs: 100 },
        { offsetMs: 901, durationMs: 1099, status: 200 },
      ],
      from: { attempts: 'sibling spans', retryMs: 'sibling spans' },
    })
    expect(spans[0]?.error).toBeUndefined()
    expect(counts).toMatchObject({ seen: 6, spans: 1, other: 1, folded: 4 })
  })

  it('all fail: the last one stands for the call, with its error', () => {
    const { spans } = both([[...root], attempt(2, 0, 50, true), attempt(3, 300, 400, true)])
    expect(spans).toMatchObject([
      { spanId: id(3), attempts: 2, retryMs: 300, durationMs: 400, error: 'error' },
    ])
  })

  it('steps that succeed, one after another, are calls of their own; so are calls of other models and at once', () => {
    const steps = both([[...root], attempt(2, 0, 500, false), attempt(3, 600, 1200, false)])
    expect(steps.spans.map(({ attempts }) => attempts)).toEqual([undefined, undefined])
    const fallback = attempt(3, 600, 1200, false, { 'ai.model.id': 'other' })
    expect(both([[...root], attempt(2, 0, 500, true), fallback]).spans).toHaveLength(2)
    expect(both([[...root], attempt(2, 0, 500, true), attempt(3, 100, 900, false)]).spans).toHaveLength(2)
  })

  it('a step before the retried one is none of its attempts', () => {
    const { spans } = both([
      [...root],
      attempt(2, 0, 400, false),
      attempt(3, 500, 600, true),
      attempt(4, 900, 2000, false),
    ])
    expect(new Map(spans.map(({ spanId, attempts }) => [spanId, attempts]))).toEqual(
      new Map([
        [id(2), undefined],
        [id(4), 2],
      ]),
    )
  })
})

describe('servers’ views of a call', () => {
  const engine: OtlpAttributes = {
    'gen_ai.latency.time_in_queue': 0.1,
    'gen_ai.latency.time_in_model_prefill': 0.3,
    'gen_ai.latency.e2e': 1.9,
  }

  it('vLLM’s span below the client’s, through an HTTP request: one span with both', () => {
    const { spans, counts } = both([
      [call(), { spanId: id(1) }],
      [{ 'http.request.method': 'POST' }, { spanId: id(2), parentSpanId: id(1) }],
      [
        engine,
        {
          spanId: id(3),
          parentSpanId: id(2),
          service: 'vllm',
          kind: 'server',
          scope: 'vllm.llm_engine',
          resource: { 'service.instance.id': 'vllm-7' },
        },
      ],
    ])
    expect(spans).toMatchObject([
      {
        spanId: id(1),
        service: 'shop',
        queueMs: 100,
        prefillMs: 300,
        serverMs: 1900,
        replica: 'vllm-7',
        attempts: 1,
        from: { queueMs: 'server span: gen_ai.latency.time_in_queue' },
      },
    ])
    expect(counts).toMatchObject({ seen: 3, spans: 1, folded: 2 })
  })

  it('a server that counted another prompt gives its times, not what it cached of that prompt', () => {
    const { spans } = both([
      [call(), { spanId: id(1) }],
      [
        { ...engine, 'gen_ai.usage.prompt_tokens': 2000, 'gen_ai.usage.cache_read.input_tokens': 1024 },
        { spanId: id(2), parentSpanId: id(1), kind: 'server', scope: 'vllm.llm_engine', service: 'vllm' },
      ],
    ])
    expect(spans).toMatchObject([{ inputTokens: 100, queueMs: 100 }])
    expect(spans[0]?.cacheReadTokens).toBeUndefined()
  })

  it('without a client’s span the server’s is the call', () => {
    const { spans } = both([[engine, { kind: 'server', scope: 'vllm.llm_engine', service: 'vllm' }]])
    expect(spans).toMatchObject([{ service: 'vllm', serverMs: 1900, dialect: 'vllm' }])
  })

  it('the Anthropic platform’s export of the same request is joined by its id', () => {
    const scope = 'com.anthropic.claude-platform'
    const { spans } = both([
      [
        { ...call(), 'anthropic.request.id': 'req_1' },
        { spanId: id(1), scope: 'com.anthropic.sdk.typescript' },
      ],
      [
        { ...call(), 'anthropic.request.id': 'req_1' },
        { spanId: id(2), scope, kind: 'server', service: 'claude-platform', endMs: START_MS + 1800 },
      ],
    ])
    expect(spans).toMatchObject([{ spanId: id(1), serverMs: 1800 }])
  })

  it('a gateway’s call below the application’s is the same call, seen from within', () => {
    const { spans } = both([
      [call(), { spanId: id(1), service: 'shop' }],
      [call(), { spanId: id(2), parentSpanId: id(1), service: 'gateway', endMs: START_MS + 1700 }],
    ])
    expect(spans).toMatchObject([{ spanId: id(1), service: 'shop', serverMs: 1700 }])
  })
})

describe('memory', () => {
  it('a trace that is larger than the window is given out, and every span is counted once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 300 }), (window, count) => {
        const intake = createIntake({ window })
        let given = 0
        for (let i = 0; i < count; i++) {
          const traceId = (1 + (i % 7)).toString(16).padStart(32, '0')
          const span = { ...rawSpan(call(), { spanId: id(i + 1) }), traceId }
          intake.value(otlpRequest([{ resource: {}, scope: { name: '' }, spans: [span] }]))
          given += intake.take().length
        }
        intake.end()
        given += intake.take().length
        expect(given).toBe(count)
        expect(intake.counts).toMatchObject({ seen: count, spans: count })
      }),
      { numRuns: 40 },
    )
  })

  it('a trace that does not end gives out what is older than a minute, and keeps what came last', () => {
    const intake = createIntake()
    const add = (n: number, nowMs: number): void =>
      intake.value(requestOf([[call(), { spanId: id(n) }]]), nowMs)
    for (let n = 1; n <= 20; n++) {
      add(n, n * 4000)
      intake.release(n * 4000 - 10_000)
    }
    // At 80 s: the first came 76 s ago; those of the last 10 s still wait for what belongs to them.
    const given = intake.take().map(({ spanId }) => spanId)
    expect(given.length).toBeGreaterThanOrEqual(13)
    expect(given).not.toContain(id(18))
    intake.end()
    expect(intake.counts).toMatchObject({ seen: 20, spans: 20 })
    expect(intake.take().map(({ spanId }) => spanId)).toContain(id(20))
  })

  it('what was given out because nothing more came is held nowhere', async () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const intake = createIntake()
    intake.value(requestOf([[call(), { spanId: id(1) }]]), 0)
    intake.release(1)
    const span = new WeakRef(intake.take()[0] ?? {})
    await new Promise((resolve) => setTimeout(resolve)) // a turn in which the reference was made keeps it
    gc()
    expect(span.deref()).toBeUndefined()
    expect(intake.counts.spans).toBe(1)
  })

  it('9,000 servers, each below another, end nothing', () => {
    const chain = Array.from({ length: 9000 }, (_, i): readonly [OtlpAttributes, Shape] => [
      call(),
      { spanId: id(i + 1), ...(i > 0 && { parentSpanId: id(i) }), kind: 'server' },
    ])
    expect(readValue(requestOf(chain)).counts).toMatchObject({ seen: 9000, spans: 1, folded: 8999 })
  })

  it('parents that form a ring end nothing', () => {
    const { counts } = both([
      [call(), { spanId: id(1), parentSpanId: id(2) }],
      [{}, { spanId: id(2), parentSpanId: id(1) }],
      [{}, { spanId: id(3), parentSpanId: id(3) }],
    ])
    expect(counts).toMatchObject({ seen: 3, spans: 1, other: 2 })
  })
})
