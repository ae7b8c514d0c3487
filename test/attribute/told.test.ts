/** What is said of spans that no curve fits: what they time themselves, and no more. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAttributor } from '../../src/attribute/attribute.js'
import type { Attribution } from '../../src/attribute/attribution.js'
import type { Span } from '../../src/span/span.js'
import { spanOf } from '../span/one-span.js'

function attribute(span: Span): Attribution {
  const attributor = createAttributor({ known: [] })
  const [found] = [...attributor.push(span), ...attributor.end()]
  if (found === undefined) throw new Error('nothing')
  return found
}

const engine = {
  'gen_ai.usage.prompt_tokens': 1200,
  'gen_ai.usage.completion_tokens': 80,
  'gen_ai.latency.time_in_queue': 1.2,
  'gen_ai.latency.time_in_model_prefill': 0.3,
  'gen_ai.latency.time_in_model_decode': 0.4,
}
const client = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.request.model': 'gpt-x',
  'gen_ai.usage.input_tokens': 1200,
  'gen_ai.usage.output_tokens': 80,
}

describe('a call of 2,000 ms without a curve', () => {
  it('with an engine’s times in seconds is taken apart by them: queue 1,200, prefill 300, decode 400, the rest network', () => {
    const found = attribute(
      spanOf(
        { ...engine, 'gen_ai.server.time_to_first_token': 1.55 },
        { kind: 'server', name: 'llm_request' },
      ),
    )
    expect(found.tier).toBe('A')
    expect(found.phases).toMatchObject({ queue: 1200, prefillFresh: 300 })
    expect(found.phases.network).toBeCloseTo(50, 6)
    expect(found.phases.decode).toBeCloseTo(400, 6)
    expect(found.phases.client).toBeCloseTo(50, 6)
    expect(found.phaseSource).toMatchObject({ queue: 'server', prefillFresh: 'server', decode: 'server' })
  })

  it('that queued for 1,200 ms by its server’s word is one of queueing, surely the largest cause', () => {
    const found = attribute(spanOf(engine, { kind: 'server', name: 'llm_request' }))
    expect([found.verdict, found.referenceMs, found.baseline]).toEqual(['queueing', null, null])
    expect(found.causes).toMatchObject([
      { cause: 'queueing', evidence: ['the server reports 1200 ms of queueing'] },
    ])
    expect(found.confidence).toBeGreaterThan(0.59)
    expect(found.doubts[0]).toMatch(/^no baseline fits model/)
  })

  it('that queued for 100 ms has no cause: below a tenth of it', () => {
    const found = attribute(
      spanOf({ ...engine, 'gen_ai.latency.time_in_queue': 0.1 }, { kind: 'server', name: 'llm_request' }),
    )
    expect([found.verdict, found.causes, found.confidence]).toEqual(['unknown', [], 0])
  })

  it('with a first-token time of 450 ms and cache counts is tier B: 450 ms of prefill, 1,550 of decode', () => {
    const found = attribute(
      spanOf({
        ...client,
        'gen_ai.response.time_to_first_chunk': 0.45,
        'gen_ai.usage.cache_read.input_tokens': 1024,
      }),
    )
    expect(found).toMatchObject({
      tier: 'B',
      verdict: 'unknown',
      phases: { network: 0, prefillFresh: 450, decode: 1550 },
      phaseSource: { prefillFresh: 'ttft', decode: 'ttft' },
    })
  })

  it('with tokens alone is tier D, its time that of the decode, by the duration', () => {
    expect(attribute(spanOf(client))).toMatchObject({
      tier: 'D',
      phases: { network: 0, decode: 2000 },
      phaseSource: { decode: 'duration' },
    })
  })

  it('that failed is not explained, but its phases are told', () => {
    const found = attribute(
      spanOf({ ...engine, 'error.type': 'timeout' }, { kind: 'server', name: 'llm_request' }),
    )
    expect(found).toMatchObject({ verdict: 'unknown', causes: [], tier: 'A', phases: { queue: 1200 } })
    expect(found.doubts).toEqual(['the call failed (timeout)'])
  })
})

it('whatever a span tells, its phases are none below 0 and add up to its duration', () => {
  const ms = fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }), { nil: undefined })
  const facts = fc.record({
    ttftMs: ms,
    ttfvtMs: ms,
    serverTtftMs: ms,
    queueMs: ms,
    prefillMs: ms,
    decodeMs: ms,
    retryMs: ms,
    reasoningTokens: fc.option(fc.nat(500), { nil: undefined }),
  })
  fc.assert(
    fc.property(facts, fc.double({ min: 0, max: 1e7, noNaN: true }), (told, durationMs) => {
      const { phases } = attribute({ ...spanOf(client), ...told, durationMs })
      const all = Object.values(phases)
      expect(Math.min(...all)).toBeGreaterThanOrEqual(0)
      expect(Math.abs(all.reduce((a, b) => a + b, 0) - durationMs)).toBeLessThanOrEqual(1e-6 * durationMs)
    }),
    { numRuns: 500 },
  )
})
