/** What is known of each provider before anybody asks it. */
import type { Quirks } from '../protocol/protocol.js'
import type { CacheRules, Price, Provider } from './provider.js'

// Hosted APIs reject ignore_eos, and most know max_tokens only.
const hosted: Quirks = { maxTokensField: 'max_tokens', streamOptions: true, ignoreEos: false, temperature: 0 }
const engine: Quirks = { ...hosted, ignoreEos: true }

const openaiTokenizers: Provider['tokenizers'] = [
  { model: /^(ft:)?(gpt-4o|chatgpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|gpt-oss|o\d)/, tokenizer: 'o200k_base' },
  { model: /^(ft:)?(gpt-4|gpt-3\.5)/, tokenizer: 'cl100k_base' },
  { model: /(?:)/, tokenizer: 'approximate' },
]
const unknownTokenizer: Provider['tokenizers'] = [{ model: /(?:)/, tokenizer: 'approximate' }]
// Gateways and engines name models as owner/model. Llama, Qwen and the rest have vocabularies of their own.
const ownedTokenizers: Provider['tokenizers'] = [
  { model: /^openai\/(gpt-4o|gpt-4\.1|gpt-5|gpt-oss|o\d)/, tokenizer: 'o200k_base' },
  { model: /^openai\/(gpt-4|gpt-3\.5)/, tokenizer: 'cl100k_base' },
  ...unknownTokenizer,
]

/** For servers that publish nothing: no hit below 1,024 tokens is expected, and none is believed unreported. */
const unknownCache: CacheRules = { minimumTokens: 1024, stepTokens: 128, reported: false }

// openai.com/api/pricing, standard tier.
const OPENAI_PRICES_AS_OF = '2025-08-01'
const usd = (inputPerM: number, cachedPerM: number, outputPerM: number): Price => ({
  currency: 'USD',
  inputPerM,
  cachedPerM,
  outputPerM,
  asOf: OPENAI_PRICES_AS_OF,
})
const openaiPrices = {
  'gpt-4o': usd(2.5, 1.25, 10),
  'gpt-4o-2024-08-06': usd(2.5, 1.25, 10),
  'gpt-4o-2024-11-20': usd(2.5, 1.25, 10),
  'gpt-4o-mini': usd(0.15, 0.075, 0.6),
  'gpt-4o-mini-2024-07-18': usd(0.15, 0.075, 0.6),
  'gpt-4.1': usd(2, 0.5, 8),
  'gpt-4.1-2025-04-14': usd(2, 0.5, 8),
  'gpt-4.1-mini': usd(0.4, 0.1, 1.6),
  'gpt-4.1-mini-2025-04-14': usd(0.4, 0.1, 1.6),
  'gpt-4.1-nano': usd(0.1, 0.025, 0.4),
  'gpt-4.1-nano-2025-04-14': usd(0.1, 0.025, 0.4),
}

export const presets: readonly Provider[] = [
  {
    name: 'openai',
    title: 'OpenAI',
    baseUrl: 'https://api.openai.com/v1',
    apiKeyEnv: 'OPENAI_API_KEY',
    protocol: 'openai-chat',
    quirks: { ...hosted, maxTokensField: 'max_completion_tokens' },
    // Reasoning models answer 400 to any temperature but their own.
    quirksByModel: [{ model: /^(gpt-5|o\d)/, quirks: { temperature: null } }],
    tokenizers: openaiTokenizers,
    cache: { minimumTokens: 1024, stepTokens: 128, reported: true },
    prices: openaiPrices,
  },
  {
    name: 'groq',
    title: 'Groq',
    baseUrl: 'https://api.groq.com/openai/v1',
    apiKeyEnv: 'GROQ_API_KEY',
    protocol: 'openai-chat',
    quirks: hosted,
    tokenizers: ownedTokenizers,
    // The minimum is 128 to 1,024 tokens, by model.
    cache: { minimumTokens: 1024, stepTokens: 128, reported: true },
    prices: {},
  },
  {
    name: 'mistral',
    title: 'Mistral',
    baseUrl: 'https://api.mistral.ai/v1',
    apiKeyEnv: 'MISTRAL_API_KEY',
    protocol: 'openai-chat',
    // It sends usage unasked and answers 422 to parameters that it does not know.
    quirks: { ...hosted, streamOptions: false },
    tokenizers: unknownTokenizer,
    cache: { ...unknownCache, reported: true },
    prices: {},
  },
  {
    name: 'deepseek',
    title: 'DeepSeek',
    baseUrl: 'https://api.deepseek.com',
    apiKeyEnv: 'DEEPSEEK_API_KEY',
    protocol: 'openai-chat',
    quirks: hosted,
    tokenizers: unknownTokenizer,
    cache: { minimumTokens: 64, stepTokens: 64, reported: true },
    prices: {},
  },
  {
    name: 'together',
    title: 'Together AI',
    baseUrl: 'https://api.together.xyz/v1',
    apiKeyEnv: 'TOGETHER_API_KEY',
    protocol: 'openai-chat',
    quirks: hosted,
    tokenizers: ownedTokenizers,
    cache: unknownCache,
    prices: {},
  },
  {
    name: 'fireworks',
    title: 'Fireworks AI',
    baseUrl: 'https://api.fireworks.ai/inference/v1',
    apiKeyEnv: 'FIREWORKS_API_KEY',
    protocol: 'openai-chat',
    quirks: hosted,
    tokenizers: unknownTokenizer,
    cache: unknownCache,
    prices: {},
  },
  {
    name: 'cerebras',
    title: 'Cerebras',
    baseUrl: 'https://api.cerebras.ai/v1',
    apiKeyEnv: 'CEREBRAS_API_KEY',
    protocol: 'openai-chat',
    quirks: { ...hosted, maxTokensField: 'max_completion_tokens' },
    tokenizers: [{ model: /^gpt-oss/, tokenizer: 'o200k_base' }, ...unknownTokenizer],
    cache: { minimumTokens: 128, stepTokens: 128, reported: true },
    prices: {},
  },
  {
    name: 'xai',
    title: 'xAI',
    baseUrl: 'https://api.x.ai/v1',
    apiKeyEnv: 'XAI_API_KEY',
    protocol: 'openai-chat',
    quirks: hosted,
    tokenizers: unknownTokenizer,
    cache: { minimumTokens: 128, stepTokens: 128, reported: true },
    prices: {},
  },
  {
    name: 'openrouter',
    title: 'OpenRouter',
    baseUrl: 'https://openrouter.ai/api/v1',
    apiKeyEnv: 'OPENROUTER_API_KEY',
    protocol: 'openai-chat',
    quirks: hosted,
    tokenizers: ownedTokenizers,
    cache: { ...unknownCache, reported: true },
    prices: {},
  },
  {
    name: 'vllm',
    title: 'vLLM',
    baseUrl: null,
    apiKeyEnv: null,
    protocol: 'openai-chat',
    quirks: engine,
    tokenizers: ownedTokenizers,
    // Reported only when the server runs with --enable-prompt-tokens-details.
    cache: { minimumTokens: 16, stepTokens: 16, reported: false },
    prices: {},
  },
  {
    name: 'sglang',
    title: 'SGLang',
    baseUrl: null,
    apiKeyEnv: null,
    protocol: 'openai-chat',
    quirks: engine,
    tokenizers: ownedTokenizers,
    // Reported only when the server runs with --enable-cache-report.
    cache: { minimumTokens: 1, stepTokens: 1, reported: false },
    prices: {},
  },
  {
    name: 'llama-cpp',
    title: 'llama.cpp',
    baseUrl: null,
    apiKeyEnv: null,
    protocol: 'openai-chat',
    quirks: engine,
    tokenizers: unknownTokenizer,
    // `timings.cache_n`: a slot keeps any common prefix, token by token.
    cache: { minimumTokens: 1, stepTokens: 1, reported: true },
    prices: {},
  },
  {
    name: 'ollama',
    title: 'Ollama',
    baseUrl: 'http://localhost:11434/v1',
    apiKeyEnv: null,
    protocol: 'openai-chat',
    quirks: hosted,
    tokenizers: unknownTokenizer,
    cache: { minimumTokens: 1, stepTokens: 1, reported: false },
    prices: {},
  },
  {
    name: 'openai-compatible',
    title: 'Any OpenAI-compatible server',
    baseUrl: null,
    apiKeyEnv: null,
    protocol: 'openai-chat',
    quirks: hosted,
    tokenizers: [...ownedTokenizers.slice(0, 2), ...openaiTokenizers],
    // As little as possible is dropped beforehand: what the cache can do shows in the server's own count.
    cache: { ...unknownCache, minimumTokens: 128 },
    prices: {},
  },
  {
    name: 'simulated',
    title: 'The simulated provider',
    baseUrl: null,
    apiKeyEnv: null,
    protocol: 'openai-chat',
    quirks: engine,
    tokenizers: [{ model: /(?:)/, tokenizer: 'o200k_base' }],
    cache: { minimumTokens: 16, stepTokens: 16, reported: true },
    prices: {},
  },
]

/** The preset of that name, or undefined. */
export function resolveProvider(name: string): Provider | undefined {
  return presets.find((preset) => preset.name === name)
}
