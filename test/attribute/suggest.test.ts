import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPopulation } from '../../src/attribute/population.js'
import { suggestScenario } from '../../src/attribute/suggest.js'
import { problemText } from '../../src/border/problem.js'
import { parseScenario } from '../../src/scenario/parse.js'
import type { Span } from '../../src/span/span.js'
import { attributed } from '../report/attribution-data.js'
import { context } from '../scenario/context.js'

function scenarioOf(spans: readonly Span[]) {
  const population = createPopulation()
  for (const span of spans) population.add(span)
  const suggestion = suggestScenario(population.result())
  if (suggestion === undefined) throw new Error('nothing suggested')
  const parsed = parseScenario(suggestion.text, 'production.yaml', {
    ...context,
    env: { GOOGLE_CLOUD_PROJECT: 'river' }, // as scenarios/vertex.yaml needs it too
  })
  if (!parsed.ok) throw new Error(parsed.problems.map(problemText).join('\n'))
  return { ...parsed, ...suggestion }
}

const spanOf = (i: number, fields: Partial<Span>): Span => attributed(i, 2000, 'none', { span: fields }).span

describe('a suggested scenario', () => {
  it.each([
    ['openai', undefined, 'openai'],
    ['azure.ai.openai', 'shop.openai.azure.com', 'azure'],
    ['anthropic', 'api.anthropic.com', 'anthropic'],
    ['gcp.gemini', undefined, 'gemini'],
    ['gcp.vertex_ai', undefined, 'vertex'],
    ['aws.bedrock', undefined, 'bedrock'],
    ['mistral_ai', undefined, 'mistral'],
    ['x_ai', undefined, 'xai'],
    ['groq', undefined, 'groq'],
    ['ollama', '127.0.0.1', 'ollama'],
    ['vllm', 'gpu-3.internal', 'vllm'],
    ['openai', 'gpu-3.internal', 'openai-compatible'],
    ['somebody-new', undefined, 'openai-compatible'],
    [undefined, undefined, 'openai-compatible'],
  ])('of provider %s at %s is valid without a warning, its target of preset %s', (provider, host, preset) => {
    const spans = Array.from({ length: 50 }, (_, i) =>
      spanOf(i, { provider, serverAddress: host, inputTokens: 500 + 20 * i, outputTokens: 40 + i }),
    )
    const { scenario, warnings } = scenarioOf(spans)
    expect(warnings.map(problemText)).toEqual([])
    expect(scenario.targets.map((target) => target.provider)).toEqual([preset])
  })

  it('reaches from 128 or less to the 99th percentile of the prompts, in four lengths or more', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 5, maxLength: 60 })
    fc.assert(
      fc.property(lengths, lengths, (prompts, outputs) => {
        const spans = prompts.map((inputTokens, i) =>
          spanOf(i, {
            inputTokens,
            outputTokens: outputs[i % outputs.length] ?? 1,
            cacheReadTokens: i % 2 === 0 ? Math.floor(inputTokens / 2) : 0,
          }),
        )
        const { scenario } = scenarioOf(spans)
        const settings = scenario.probes[0]?.settings as { promptTokens: number[] }
        expect(settings.promptTokens.length).toBeGreaterThanOrEqual(4)
        expect(settings.promptTokens).toEqual(settings.promptTokens.toSorted((a, b) => a - b))
        expect(settings.promptTokens[0]).toBeLessThanOrEqual(128)
        const p99 = prompts.toSorted((a, b) => a - b)[Math.ceil(0.99 * prompts.length) - 1] ?? 0
        // Two digits of a quantile known to within 1 %.
        expect(settings.promptTokens.at(-1)).toBeGreaterThanOrEqual(p99 * 0.94)
      }),
      { numRuns: 50 },
    )
  })

  it('asks for a prefix cache only where the spans hit one, up to the longest prefix, with the suffix that was usual', () => {
    const without = Array.from({ length: 20 }, (_, i) => spanOf(i, { inputTokens: 4000, outputTokens: 50 }))
    expect(scenarioOf(without).text).not.toContain('prefix-cache')
    const hits = without.map((span, i) => ({
      ...span,
      inputTokens: i === 7 ? 21_200 : 4000,
      cacheReadTokens: i === 7 ? 21_000 : 3800,
    }))
    const settings = scenarioOf(hits).scenario.probes.find(({ probe }) => probe.name === 'prefix-cache')
      ?.settings as { promptTokens: number[]; suffixTokens: number }
    expect(settings.suffixTokens).toBe(200)
    const prefixes = settings.promptTokens.map((tokens) => tokens - settings.suffixTokens)
    // Two digits, rounded up, of quantiles that are known to within 1 %.
    expect(prefixes).toHaveLength(2)
    expect(prefixes[0]).toBeGreaterThanOrEqual(3760)
    expect(prefixes[0]).toBeLessThanOrEqual(4100)
    expect(prefixes[1]).toBeGreaterThanOrEqual(20_790)
    expect(prefixes[1]).toBeLessThanOrEqual(22_200)
  })

  it('asks for as many at once as there were: three calls of 2 s begun each 2 s apart', () => {
    const spans = Array.from({ length: 60 }, (_, i) =>
      spanOf(i, {
        startedAtMs: Math.floor(i / 3) * 2000,
        durationMs: 2000,
        inputTokens: 500,
        outputTokens: 50,
      }),
    )
    const probe = scenarioOf(spans).scenario.probes.find(({ probe: { name } }) => name === 'concurrency')
    expect(probe?.settings).toMatchObject({ concurrency: [1, 2, 3] })
    const alone = spans.map((span, i) => ({ ...span, startedAtMs: i * 2000 }))
    expect(scenarioOf(alone).text).not.toContain('concurrency')
  })

  it('of eight models takes the five with the most calls, and says so', () => {
    const spans = Array.from({ length: 8 }, (_, m) =>
      Array.from({ length: 10 + m }, (__, i) =>
        spanOf(i, { modelRequested: `m${m}`, provider: 'openai', inputTokens: 500, outputTokens: 50 }),
      ),
    ).flat()
    const { scenario, notes, text } = scenarioOf(spans)
    expect(scenario.targets.map(({ model }) => model)).toEqual(['m7', 'm6', 'm5', 'm4', 'm3'])
    expect(text).not.toMatch(/[&*]a\d/)
    expect(notes).toEqual(['3 more models are left out: the 5 with the most calls are in it'])
  })

  it('of spans that count no tokens there is none', () => {
    const population = createPopulation()
    for (let i = 0; i < 50; i++) population.add(spanOf(i, {}))
    expect(suggestScenario(population.result())).toBeUndefined()
  })
})
