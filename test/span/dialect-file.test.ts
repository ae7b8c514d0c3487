import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { problemText } from '../../src/border/problem.js'
import { parseDialect, shippedDialects } from '../../src/span/dialect-file.js'
import type { OwnDialect } from '../../src/span/rules.js'
import { readOne, spanOf } from './one-span.js'
import { readValue } from './read.js'

const parse = (text: string): OwnDialect => {
  const parsed = parseDialect(text, 'own.yaml')
  if (!parsed.ok) throw new Error(parsed.problems.map(problemText).join('\n'))
  return parsed.dialect
}

const own = `
name: acme
scopes: [acme.llm]
keys: acme.kind
calls: { acme.kind: [model] }
json: acme.usage
cacheTokens: beside
ttft: attempt
fields:
  modelRequested: acme.model
  ttftMs: { key: acme.first, unit: us }
  inputTokens: [acme.in, acme.usage.in]
  cacheReadTokens: acme.usage.cached
  outputTokens: acme.usage.out
`

describe('a dialect of one’s own', () => {
  const dialect = parse(own)

  it('maps keys with units, JSON members and counts that stand beside each other', () => {
    const attributes = {
      'acme.kind': 'model',
      'acme.model': 'm1',
      'acme.first': 250_000,
      'acme.usage': '{"in": 176, "cached": 1024, "out": 80}',
    }
    expect(spanOf(attributes, {}, { own: [dialect] })).toMatchObject({
      dialect: 'acme',
      modelRequested: 'm1',
      ttftMs: 250,
      ttftScope: 'attempt',
      inputTokens: 1200,
      cacheReadTokens: 1024,
      outputTokens: 80,
      from: { ttftMs: 'acme.first', cacheReadTokens: 'acme.usage.cached' },
    })
    expect(readOne(attributes).spans).toEqual([])
  })

  it('its keys win over the built-in ones; another value of its kind is no call', () => {
    const attributes = { 'acme.kind': 'tool', 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm2' }
    expect(readOne(attributes, {}, { own: [dialect] }).spans).toEqual([])
    const both = { ...attributes, 'acme.kind': 'model', 'acme.model': 'm1' }
    expect(spanOf(both, {}, { own: [dialect] })).toMatchObject({ modelRequested: 'm1' })
    expect(
      spanOf({ 'gen_ai.operation.name': 'chat' }, { scope: 'acme.llm.v2' }, { own: [dialect] }).dialect,
    ).toBe('acme')
  })

  it.each([
    ['name: Acme\nfields: {}', 'own.yaml:1:7: name must be a name of small letters, digits and hyphens'],
    [
      'name: a\nfields:\n  inputToken: x',
      "own.yaml:3:15: fields.inputToken is no field of a span (did you mean 'inputTokens'?)",
    ],
    [
      'name: a\nfields: { ttftMs: { key: x, unit: min } }',
      'own.yaml:2:35: fields.ttftMs.unit must be one of s, ms, us, ns, time, count, text, flag, after, colo, timing',
    ],
    ['name: a\nfeilds: {}', "own.yaml:2:9: feilds is no key of a dialect (did you mean 'fields'?)"],
    ['name: a\ncacheTokens: outside\nfields: {}', 'own.yaml:2:14: cacheTokens must be within or beside'],
    [
      'name: a\nfields: { ttftMs: [x, 5] }',
      'own.yaml:2:23: fields.ttftMs[1] must be a key, or a mapping with key and unit',
    ],
    [
      '- 1',
      'own.yaml:1:1: a dialect is a mapping with the keys name and fields: see scenarios/dialects/langsmith.yaml',
    ],
  ])('%j is refused with its place', (text, problem) => {
    const parsed = parseDialect(text, 'own.yaml')
    expect(parsed.ok ? [] : parsed.problems.map(problemText)).toContain(problem)
  })
})

describe('dialects that ship', () => {
  it('LangSmith and Datadog are files like a user’s own, found without asking', async () => {
    expect((await shippedDialects()).map(({ name }) => name)).toEqual(['datadog', 'langsmith'])
    const folder = join(import.meta.dirname, '../../scenarios/dialects')
    expect(parse(readFileSync(join(folder, 'langsmith.yaml'), 'utf8')).name).toBe('langsmith')
  })

  it('LangSmith: details in JSON, kinds of its own', async () => {
    const options = { own: await shippedDialects() }
    const run = {
      'langsmith.span.kind': 'llm',
      'gen_ai.system': 'openai',
      'gen_ai.request.model': 'gpt-x',
      'langsmith.request.streaming': 'true',
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.usage.output_tokens': 80,
      'gen_ai.usage.input_token_details': '{"cache_read": 1024}',
      'gen_ai.usage.output_token_details': '{"reasoning": 30}',
      'langsmith.trace.session_id': 'conv-1',
    }
    expect(spanOf(run, { scope: 'langsmith' }, options)).toMatchObject({
      dialect: 'langsmith',
      streaming: true,
      cacheReadTokens: 1024,
      reasoningTokens: 30,
      conversationId: 'conv-1',
    })
    expect(readOne({ ...run, 'langsmith.span.kind': 'chain' }, {}, options).spans).toEqual([])
  })

  it('Datadog: tags in meta, counts in metrics, nanoseconds', async () => {
    const options = { own: await shippedDialects() }
    const { spans } = readValue(
      {
        trace_id: '123',
        span_id: '456',
        service: 'shop',
        name: 'openai.request',
        start: 1_790_000_000_000_000_000,
        duration: 2_000_000_000,
        meta: {
          '_ml_obs.meta.span.kind': 'llm',
          '_ml_obs.meta.model_name': 'gpt-x',
          '_ml_obs.meta.model_provider': 'openai',
        },
        metrics: {
          '_ml_obs.metrics.input_tokens': 1200,
          '_ml_obs.metrics.output_tokens': 80,
          '_ml_obs.metrics.cache_read_input_tokens': 1024,
          'openai.ratelimit.remaining.requests': 4,
        },
      },
      options,
    )
    expect(spans).toMatchObject([
      {
        dialect: 'datadog',
        traceId: '123',
        service: 'shop',
        modelRequested: 'gpt-x',
        startedAtMs: 1_790_000_000_000,
        durationMs: 2000,
        inputTokens: 1200,
        cacheReadTokens: 1024,
        remainingRequests: 4,
      },
    ])
  })
})
