/** The rules by which every dialect's numbers come to mean the same. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gapsOf } from '../../src/span/gaps.js'
import { providerOf, providerOfHost, regionOfHost } from '../../src/span/providers.js'
import { readTime } from '../../src/span/scalar.js'
import type { OtlpAttributes } from '../../src/span/otlp-envelope.js'
import { readOne, spanOf, START_MS } from './one-span.js'

const call: OtlpAttributes = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-x',
}
const counted: OtlpAttributes = {
  ...call,
  'gen_ai.usage.input_tokens': 1200,
  'gen_ai.usage.output_tokens': 80,
}

describe('rule 1: units belong to keys, and numbers may be text', () => {
  it('seconds and milliseconds; the first key of the table wins over a later one', () => {
    expect(spanOf({ ...call, 'gen_ai.response.time_to_first_chunk': '0.25' }).ttftMs).toBe(250)
    expect(spanOf({ ...call, ttft_ms: '250' }).ttftMs).toBe(250)
    const both = spanOf({ ...call, ttft_ms: 999, 'gen_ai.response.time_to_first_chunk': 0.25 })
    expect(both).toMatchObject({ ttftMs: 250, from: { ttftMs: 'gen_ai.response.time_to_first_chunk' } })
  })

  it('the span’s own times win over a duration in an attribute', () => {
    const span = spanOf({ ...call, 'gen_ai.client.operation.duration': 7 })
    expect(span).toMatchObject({ durationMs: 2000, from: { durationMs: 'end - start' } })
  })

  it('a number that is none is a doubt and is left out', () => {
    const span = spanOf({ ...counted, 'gen_ai.usage.input_tokens': 'many' })
    expect(span).toMatchObject({ outputTokens: 80, doubts: ['bad-value'] })
    expect(span.inputTokens).toBeUndefined()
    expect(span.from).not.toHaveProperty('inputTokens')
  })

  it.each([
    '2026-09-21T13:33:20.250Z',
    '2026-09-21 13:33:20.250000000', // ClickHouse
    '"2026-09-21T15:33:20.250+02:00"',
    '2026-09-21 15:33:20.250+02', // PostgreSQL
    '2026-09-21T15:33:20.250+0200',
    '"\\"2026-09-21T13:33:20.250Z\\""', // JSON twice
    1_789_997_600.25,
    1_789_997_600_250,
    1_789_997_600_250_000,
    '1789997600250000000',
  ])('a moment written as %j is the same moment', (text) => {
    expect(readTime(text)).toBe(Date.UTC(2026, 8, 21, 13, 33, 20, 250))
  })

  it('a moment behind the year 9999 is none', () => {
    expect(readTime('1e30')).toBeNaN()
    expect(readTime(1e30)).toBeNaN()
  })
})

it.each(['null', 'None', 'undefined', '{}', '[]', 'false', '0', 'OK'])(
  'an error that a store wrote as %j is none',
  (word) => expect(spanOf({ ...counted, 'error.type': word }).error).toBeUndefined(),
)

it('0 attempts are 1: a call that has ended was tried', () => {
  expect(spanOf({ ...call, 'gen_ai.request.attempt': 0 }).attempts).toBe(1)
})

it('of a text in a list within a text, what stands in the first one’s place; of a long one nothing', () => {
  const tier = (text: string) => spanOf({ ...call, service_tier: text }).serviceTier
  expect(tier('["priority","standard"]')).toBe('priority')
  // A piece of a long text would keep all of it in memory.
  expect(tier(`["a word of twenty letters",${JSON.stringify('prompt '.repeat(1000))}]`)).toBeUndefined()
})

describe('rule 2: input includes the cache', () => {
  it('more cached than input: the input left them out, which is said', () => {
    const span = spanOf({
      ...counted,
      'gen_ai.usage.input_tokens': 176,
      'gen_ai.usage.cache_read.input_tokens': 1024,
    })
    expect(span).toMatchObject({
      inputTokens: 1200,
      doubts: ['input-without-cache'],
      from: { inputTokens: 'input + cache' },
    })
  })

  it('the total shows that cached tokens stand beside the input', () => {
    const span = spanOf({
      ...call,
      'gen_ai.usage.input_tokens': 2000,
      'gen_ai.usage.cache_read.input_tokens': 1024,
      'gen_ai.usage.output_tokens': 80,
      'gen_ai.usage.total_tokens': 3104,
    })
    expect(span).toMatchObject({ inputTokens: 3024, doubts: [] })
  })

  it('an inclusive count stays as it is, whatever the cache', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (input, share) => {
          const cached = Math.floor(input * share)
          const span = spanOf({
            ...counted,
            'gen_ai.usage.input_tokens': input,
            'gen_ai.usage.cache_read.input_tokens': cached,
          })
          expect(span).toMatchObject({ inputTokens: input, cacheReadTokens: cached })
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('rule 5: a TTFT that cannot be is dropped and said', () => {
  it.each([-0.1, 2.1])('%d s of a span of 2 s', (ttft) => {
    const span = spanOf({ ...call, 'gen_ai.response.time_to_first_chunk': ttft })
    expect(span.ttftMs).toBeUndefined()
    expect(span.doubts).toContain('ttft-out-of-range')
    expect(span.from).not.toHaveProperty('ttftMs')
  })

  it('a clock of whole milliseconds may be one ahead', () => {
    expect(spanOf({ ...call, 'gen_ai.response.time_to_first_chunk': 2.001 })).toMatchObject({ ttftMs: 2000 })
  })
})

it('rule 6: a long answer whose first output comes with its last was buffered', () => {
  const late = { ...counted, 'gen_ai.response.time_to_first_chunk': 1.95, 'gen_ai.request.stream': true }
  expect(spanOf(late)).toMatchObject({ ttftMs: 1950, doubts: ['buffered'] })
  // After a wait of 38 s behind others the same 80 tokens come at a pace of their own, 25 ms each.
  const queued = { ...late, 'gen_ai.response.time_to_first_chunk': 38 }
  expect(spanOf(queued, { endMs: START_MS + 40_000 })).toMatchObject({ ttftMs: 38_000, doubts: [] })
  expect(spanOf({ ...late, 'gen_ai.usage.output_tokens': 3 }).doubts).toEqual([])
  expect(spanOf({ ...late, 'gen_ai.response.time_to_first_chunk': 0.2 }).doubts).toEqual([])
})

describe('rule 7: output includes reasoning', () => {
  it('thoughts of the Gemini API stand beside the candidates: the total shows it', () => {
    const usage = {
      ...call,
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 50,
      'gen_ai.usage.reasoning.output_tokens': 30,
    }
    expect(spanOf({ ...usage, 'gen_ai.usage.total_tokens': 180 })).toMatchObject({ outputTokens: 80 })
    expect(spanOf({ ...usage, 'gen_ai.usage.total_tokens': 150 })).toMatchObject({ outputTokens: 50 })
    expect(spanOf(usage)).toMatchObject({ outputTokens: 50 })
  })

  it('more reasoning than output: the output left it out, which is said', () => {
    const span = spanOf({
      ...call,
      'gen_ai.usage.output_tokens': 10,
      'gen_ai.usage.reasoning.output_tokens': 70,
    })
    expect(span).toMatchObject({ outputTokens: 80, doubts: ['output-without-reasoning'] })
  })
})

describe('rule 8: a stream that counted nothing', () => {
  const zero = { ...call, 'gen_ai.usage.input_tokens': 0, 'gen_ai.usage.output_tokens': 0 }

  it('0 tokens are no fact', () => {
    const span = spanOf({ ...zero, 'gen_ai.request.stream': true })
    expect([span.inputTokens, span.outputTokens]).toEqual([undefined, undefined])
    expect(span.doubts).toEqual(['usage-missing'])
    expect(span.from).not.toHaveProperty('outputTokens')
  })

  it('missing counts of a stream are said; of a call that failed 0 is a fact', () => {
    expect(spanOf({ ...call, 'gen_ai.request.stream': true }).doubts).toEqual(['usage-missing'])
    expect(spanOf({ ...zero, 'error.type': 'timeout' })).toMatchObject({
      outputTokens: 0,
      error: 'timeout',
      doubts: [],
    })
  })
})

describe('errors', () => {
  it('a type is kept; a message, which may quote the prompt, is not', () => {
    expect(spanOf({ ...call, 'error.type': 'RateLimitError' }).error).toBe('RateLimitError')
    expect(spanOf({ ...call, error: 'could not answer "my secret prompt"' }).error).toBe('error')
    expect(spanOf({ ...call, 'http.response.status_code': 429 })).toMatchObject({
      error: '429',
      httpStatus: 429,
    })
    expect(spanOf(call, { status: { code: 'error', message: 'my secret prompt' } }).error).toBe('error')
    expect(spanOf(call, { status: { code: 'ok' } }).error).toBeUndefined()
  })
})

it('content is dropped on reading: of a canary in every attribute that may hold content nothing stays', () => {
  const canary = 'canary-7f3a'
  const keys = [
    'gen_ai.input.messages',
    'gen_ai.output.messages',
    'gen_ai.system_instructions',
    'gen_ai.prompt',
    'gen_ai.completion',
    'llm.input_messages.0.message.content',
    'input.value',
    'output.value',
    'ai.prompt.messages',
    'ai.response.text',
    'langfuse.observation.input',
    'mlflow.spanInputs',
    'input',
    'output',
    'prompt',
  ]
  const { spans } = readOne({ ...call, ...Object.fromEntries(keys.map((key) => [key, canary])) })
  expect(spans).toHaveLength(1)
  expect(JSON.stringify(spans)).not.toContain(canary)
})

it.each([
  ['openai.responses', 'openai'],
  ['OpenAI', 'openai'],
  ['azure', 'azure.ai.openai'],
  ['google', 'gcp.gemini'],
  ['vertex_ai', 'gcp.vertex_ai'],
  ['amazon-bedrock', 'aws.bedrock'],
  ['aws.anthropic', 'aws.bedrock'],
  ['xai', 'x_ai'],
  ['mistral', 'mistral_ai'],
  ['https://api.groq.com/openai/v1', 'groq'],
  ['https://my-company.openai.azure.com/', 'azure.ai.openai'],
  ['http://10.0.0.7:8000/v1', undefined],
  ['self-made', 'self-made'],
])('%s is the provider %s', (text, provider) => expect(providerOf(text)).toBe(provider))

it('hosts: a look-alike is no provider, a region is read where it stands', () => {
  expect(providerOfHost('api.openai.com')).toBe('openai')
  expect(providerOfHost('api.openai.com.example.org')).toBeUndefined()
  expect(providerOfHost('notopenai.com')).toBeUndefined()
  expect(regionOfHost('bedrock-runtime.eu-central-1.amazonaws.com')).toBe('eu-central-1')
  expect(regionOfHost('us-central1-aiplatform.googleapis.com')).toBe('us-central1')
  expect(regionOfHost('api.openai.com')).toBeUndefined()
})

it('gaps: count, mean and nearest-rank quantiles of the differences', () => {
  expect(gapsOf([0])).toBeUndefined()
  expect(gapsOf([0, 10, 30, 60, 100])).toEqual({
    count: 4,
    meanMs: 25,
    p50Ms: 20,
    p90Ms: 40,
    p99Ms: 40,
    maxMs: 40,
  })
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 50 }), (steps) => {
      let at = START_MS
      const gaps = gapsOf([at, ...steps.map((step) => (at += step))])
      expect(gaps?.count).toBe(steps.length)
      expect(gaps?.maxMs).toBe(Math.max(...steps))
      expect(gaps?.meanMs).toBeCloseTo(steps.reduce((a, b) => a + b) / steps.length, 6)
    }),
  )
})
