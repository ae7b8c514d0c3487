import { describe, expect, it } from 'vitest'
import { presets, resolveProvider } from '../../src/provider/presets.js'
import { protocols } from '../../src/run/tables.js'
import type { Provider } from '../../src/provider/provider.js'

const preset = (name: string): Provider => {
  const found = resolveProvider(name)
  if (!found) throw new Error(`no preset ${name}`)
  return found
}

/** First matching pattern wins. */
const tokenizerFor = ({ tokenizers }: Provider, model: string) =>
  tokenizers.find((entry) => entry.model.test(model))?.tokenizer

describe('presets', () => {
  it('names are unique and resolve to themselves', () => {
    expect(new Set(presets.map(({ name }) => name)).size).toBe(presets.length)
    for (const provider of presets) expect(resolveProvider(provider.name)).toBe(provider)
    expect(resolveProvider('nobody')).toBeUndefined()
    expect(resolveProvider('toString')).toBeUndefined()
  })

  it.each(presets)(
    '$name: a key goes over https only, the base URL ends without a slash, no pattern keeps state',
    (provider) => {
      const { baseUrl, apiKeyEnv } = provider
      if (apiKeyEnv !== null && baseUrl !== null) expect(baseUrl).toMatch(/^https:\/\/[^/]+(\/.*[^/])?$/)
      if (baseUrl !== null) expect(baseUrl).not.toMatch(/\/$/)
      const { tokenizers, quirksByModel = [], cacheByModel = [] } = provider
      for (const { model } of [...tokenizers, ...quirksByModel, ...cacheByModel])
        expect(model.flags).not.toMatch(/[gy]/)
      const open = [...(baseUrl ?? '').matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
      expect(Object.keys(provider.address ?? {}).sort()).toEqual([...new Set(open)].sort())
      expect(provider.cache.minimumTokens).toBeGreaterThanOrEqual(provider.cache.stepTokens)
      expect(tokenizerFor(provider, 'some-model-nobody-knows')).toBe(
        provider.name === 'simulated' ? 'o200k_base' : 'approximate',
      )
    },
  )

  it('ignore_eos goes to engines only, never to a hosted API', () => {
    const engines = presets.filter((provider) => provider.quirks.ignoreEos).map(({ name }) => name)
    expect(engines).toEqual(['vllm', 'sglang', 'llama-cpp', 'simulated'])
  })

  it.each([
    ['gpt-4o-mini', 0],
    ['gpt-4.1', 0],
    ['gpt-5', null],
    ['gpt-5-mini-2025-08-07', null],
    ['o1', null],
    ['o3-mini', null],
    ['o4-mini', null],
  ])('openai %s: temperature %s', (model, temperature) => {
    const { quirks, quirksByModel = [] } = preset('openai')
    const overrides = quirksByModel.filter((entry) => entry.model.test(model)).map((entry) => entry.quirks)
    expect(Object.assign({ ...quirks }, ...overrides)).toEqual({
      maxTokensField: 'max_completion_tokens',
      streamOptions: true,
      ignoreEos: false,
      temperature,
    })
  })

  it.each([
    ['openai', 'gpt-4o-2024-08-06', 'o200k_base'],
    ['openai', 'gpt-4.1-nano', 'o200k_base'],
    ['openai', 'gpt-5', 'o200k_base'],
    ['openai', 'o3', 'o200k_base'],
    ['openai', 'gpt-4', 'cl100k_base'],
    ['openai', 'gpt-4-turbo', 'cl100k_base'],
    ['openai', 'gpt-3.5-turbo-0125', 'cl100k_base'],
    ['openai', 'ft:gpt-4o-mini:acme::1', 'o200k_base'],
    ['openrouter', 'openai/gpt-4o', 'o200k_base'],
    ['openrouter', 'openai/gpt-4', 'cl100k_base'],
    ['openrouter', 'meta-llama/llama-3.3-70b', 'approximate'],
    ['groq', 'openai/gpt-oss-120b', 'o200k_base'],
    ['mistral', 'open-mistral-7b', 'approximate'],
    ['simulated', 'anything', 'o200k_base'],
  ])('%s %s counts with %s', (name, model, tokenizer) => {
    expect(tokenizerFor(preset(name), model)).toBe(tokenizer)
  })

  it('every provider of the issue has a preset, and its protocol is one of the ten', () => {
    const wanted =
      'openai anthropic gemini vertex bedrock azure groq mistral deepseek together fireworks cerebras xai openrouter vllm sglang tgi llama-cpp ollama'
    for (const name of wanted.split(' ')) expect(protocols[preset(name).protocol].name).toBeDefined()
    expect(Object.keys(protocols)).toHaveLength(10)
  })

  it.each([
    ['anthropic', 'claude-sonnet-4-5', 1024],
    ['anthropic', 'claude-sonnet-4-6', 2048],
    ['anthropic', 'claude-3-5-haiku-latest', 2048],
    ['anthropic', 'claude-haiku-4-5-20251001', 4096],
    ['anthropic', 'claude-opus-4-5', 4096],
    ['anthropic', 'claude-opus-4-8', 1024],
    ['anthropic', 'claude-opus-5', 512],
    ['bedrock', 'us.anthropic.claude-haiku-4-5-20251001-v1:0', 4096],
    ['gemini', 'gemini-2.5-flash', 2048],
    ['gemini', 'gemini-3-flash', 4096],
    ['deepseek', 'deepseek-chat', 64],
  ])('%s %s: the shortest prefix that can hit is %d tokens', (name, model, minimumTokens) => {
    const { cache, cacheByModel = [] } = preset(name)
    const fitting = cacheByModel.filter((entry) => entry.model.test(model)).map((entry) => entry.cache)
    expect(Object.assign({ ...cache }, ...fitting).minimumTokens).toBe(minimumTokens)
  })

  it('a price has its list, a date, and a cached price below the input price', () => {
    expect(preset('openai').prices['gpt-4o-mini']).toEqual({
      currency: 'USD',
      inputPerM: 0.15,
      cachedPerM: 0.075,
      outputPerM: 0.6,
      asOf: '2025-08-07',
      source: 'https://openai.com/api/pricing',
    })
    for (const price of presets.flatMap(({ prices }) => Object.values(prices))) {
      expect(price.asOf).toMatch(/^\d{4}-\d\d-\d\d$/)
      expect(price.source).toMatch(/^https:\/\/[\w./-]+$/)
      expect(price.cachedPerM ?? 0).toBeLessThan(price.inputPerM)
      expect(price.cacheWritePerM ?? price.inputPerM).toBeGreaterThanOrEqual(price.inputPerM)
    }
  })
})
