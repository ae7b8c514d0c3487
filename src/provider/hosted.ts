/** Presets of the hosted services that share OpenAI's chat protocol. */
import type { Provider } from './provider.js'
import { hosted, named, ownedTokenizers, unknownCache, unknownTokenizer, usd } from './shared.js'

const GROQ = { asOf: '2025-08-01', source: 'https://groq.com/pricing' }
const DEEPSEEK = { asOf: '2025-09-29', source: 'https://api-docs.deepseek.com/quick_start/pricing' }
const XAI = { asOf: '2025-08-01', source: 'https://docs.x.ai/docs/models' }

export const hostedServices: readonly Provider[] = [
  {
    name: 'groq',
    title: 'Groq',
    baseUrl: 'https://api.groq.com/openai/v1',
    apiKeyEnv: 'GROQ_API_KEY',
    protocol: 'openai-chat',
    quirks: hosted,
    tokenizers: ownedTokenizers,
    // The minimum is 128 to 1,024 tokens, by model.
    cache: { minimumTokens: 1024, stepTokens: 128, reported: true, lifetimeS: 7200 },
    prices: {
      'llama-3.1-8b-instant': usd(GROQ, 0.05, 0.08),
      'llama-3.3-70b-versatile': usd(GROQ, 0.59, 0.79),
    },
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
    // One price for both since V3.2.
    prices: named('deepseek-chat deepseek-reasoner', usd(DEEPSEEK, 0.28, 0.42, { cachedPerM: 0.028 })),
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
    cache: { minimumTokens: 128, stepTokens: 128, reported: true, lifetimeS: 300 },
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
    prices: named('grok-4 grok-4-0709', usd(XAI, 3, 15, { cachedPerM: 0.75 })),
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
]
