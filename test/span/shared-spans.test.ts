/** Recorded spans of others go through with no configuration. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createIntake } from '../../src/span/intake.js'
import { listSpanFiles, readSpans } from '../../src/span/read-spans.js'
import type { Span } from '../../src/span/span.js'
import { readBytes } from './read.js'

const DATA = join(import.meta.dirname, '../../../shared/data/spans')

describe.skipIf(!existsSync(DATA))('recorded spans', () => {
  it('a folder of them is read, and every object in it is counted', async () => {
    const listed = await listSpanFiles([DATA])
    if (!listed.ok) throw new Error(listed.message)
    const intake = createIntake()
    const spans: Span[] = []
    const files = listed.files.filter((file) => file.endsWith('.json'))
    for await (const batch of readSpans(files, intake)) spans.push(...batch)
    expect(files.length).toBeGreaterThan(10)
    expect(spans.length).toBe(intake.counts.spans)
    // capture-results.json is a report of the recording, not a span.
    expect(intake.counts.faults).toEqual({ 'an object of no known shape': 1 })
  })

  it('Vercel AI SDK v6: only calls of a model count, with the TTFT in ms and the outer spans left out', async () => {
    const { spans, counts } = await readBytes(
      readFileSync(join(DATA, 'openinference-vercel-v6/all-spans.json')),
    )
    const raw: unknown = JSON.parse(
      readFileSync(join(DATA, 'openinference-vercel-v6/all-spans.json'), 'utf8'),
    )
    if (!Array.isArray(raw)) throw new Error('a list')
    const calls = raw.filter((span: { name: string }) => /\.do(?:Stream|Generate)$/.test(span.name))
    expect(spans.length).toBe(calls.length)
    expect(counts.other).toBe(raw.length - calls.length)
    const stream = spans.find((span) => span.streaming === true)
    expect(stream).toMatchObject({
      dialect: 'vercel-ai-legacy',
      provider: 'openai',
      modelRequested: 'gpt-4o-mini',
      modelServed: 'gpt-4o-mini-2024-07-18',
      inputTokens: 15,
      outputTokens: 112,
      ttftScope: 'attempt',
      serviceTier: 'default',
    })
    expect(stream?.ttftMs).toBeCloseTo(426.8535, 3)
    expect(stream?.durationMs).toBeCloseTo(5386.307, 2)
    expect(stream?.from.ttftMs).toBe('ai.response.msToFirstChunk')
  })

  it.each([
    ['openinference_client_span_tool_calls.json', 'openinference', 'llm.token_count.prompt'],
    ['otel_genai_client_span_tool_calls.json', 'otel-genai', 'gen_ai.usage.input_tokens'],
    ['otel_genai_deprecated_client_span_tool_calls.json', 'otel-genai', 'gen_ai.usage.input_tokens'],
  ])('%s is a call of %s with 97 and 52 tokens', async (file, dialect, key) => {
    const { spans } = await readBytes(readFileSync(join(DATA, 'openinference-genai', file)))
    expect(spans).toHaveLength(1)
    expect(spans[0]).toMatchObject({ dialect, provider: 'openai', inputTokens: 97, outputTokens: 52 })
    expect(spans[0]?.from.inputTokens).toBe(key)
    expect(spans[0]?.doubts).toEqual(['no-duration'])
  })

  it('the execution of a tool is no call', async () => {
    const file = join(DATA, 'openinference-genai/otel_genai_tool_execution_span.json')
    const { spans, counts } = await readBytes(readFileSync(file))
    expect(spans).toEqual([])
    expect(counts.other).toBe(1)
  })

  it('no prompt and no answer is kept', async () => {
    const { spans } = await readBytes(readFileSync(join(DATA, 'openinference-vercel-v6/all-spans.json')))
    expect(JSON.stringify(spans)).not.toMatch(/TypeScript|poem/)
  })
})
