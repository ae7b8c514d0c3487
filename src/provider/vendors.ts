/** Presets of the vendors that speak a protocol of their own, and of the clouds that serve their models. */
import type { Provider } from './provider.js'
import {
  claudeMinimums,
  hosted,
  named,
  openaiReasoning,
  openaiTokenizers,
  unknownTokenizer,
  usd,
} from './shared.js'

/** The standard tier. */
const OPENAI = { asOf: '2025-08-07', source: 'https://openai.com/api/pricing' }
const openai = (input: number, cached: number, output: number) =>
  usd(OPENAI, input, output, { cachedPerM: cached })
const openaiPrices: Provider['prices'] = {
  ...named('gpt-4o gpt-4o-2024-08-06 gpt-4o-2024-11-20', openai(2.5, 1.25, 10)),
  ...named('gpt-4o-mini gpt-4o-mini-2024-07-18', openai(0.15, 0.075, 0.6)),
  ...named('gpt-4.1 gpt-4.1-2025-04-14', openai(2, 0.5, 8)),
  ...named('gpt-4.1-mini gpt-4.1-mini-2025-04-14', openai(0.4, 0.1, 1.6)),
  ...named('gpt-4.1-nano gpt-4.1-nano-2025-04-14', openai(0.1, 0.025, 0.4)),
  ...named('gpt-5 gpt-5-2025-08-07', openai(1.25, 0.125, 10)),
  ...named('gpt-5-mini gpt-5-mini-2025-08-07', openai(0.25, 0.025, 2)),
  ...named('gpt-5-nano gpt-5-nano-2025-08-07', openai(0.05, 0.005, 0.4)),
  ...named('o3 o3-2025-04-16', openai(2, 0.5, 8)),
  ...named('o4-mini o4-mini-2025-04-16', openai(1.1, 0.275, 4.4)),
}

/** A read costs a tenth of the input, a write 1.25 of it for 5 minutes and 2 for an hour. */
const ANTHROPIC = { asOf: '2025-11-24', source: 'https://docs.claude.com/en/docs/about-claude/pricing' }
const claude = (input: number, output: number) =>
  usd(ANTHROPIC, input, output, {
    cachedPerM: input / 10,
    cacheWritePerM: input * 1.25,
    cacheWritePerMByLifetime: { '5m': input * 1.25, '1h': input * 2 },
  })
const anthropicPrices: Provider['prices'] = {
  ...named('claude-opus-4-5 claude-opus-4-5-20251101', claude(5, 25)),
  ...named('claude-opus-4-1 claude-opus-4-1-20250805 claude-opus-4-0 claude-opus-4-20250514', claude(15, 75)),
  ...named('claude-sonnet-4-5 claude-sonnet-4-5-20250929', claude(3, 15)),
  ...named('claude-sonnet-4-0 claude-sonnet-4-20250514', claude(3, 15)),
  ...named('claude-haiku-4-5 claude-haiku-4-5-20251001', claude(1, 5)),
  ...named('claude-3-5-haiku-latest claude-3-5-haiku-20241022', claude(0.8, 4)),
}

/** Implicit caching: best effort, no lifetime promised. */
const geminiCache = { minimumTokens: 2048, stepTokens: 128, reported: true }
const geminiMinimums: Provider['cacheByModel'] = [{ model: /gemini-3/, cache: { minimumTokens: 4096 } }]

export const vendors: readonly Provider[] = [
  {
    name: 'openai',
    title: 'OpenAI',
    baseUrl: 'https://api.openai.com/v1',
    apiKeyEnv: 'OPENAI_API_KEY',
    protocol: 'openai-chat',
    quirks: { ...hosted, maxTokensField: 'max_completion_tokens' },
    quirksByModel: openaiReasoning,
    tokenizers: openaiTokenizers,
    // 5 to 10 minutes unused, at most an hour.
    cache: { minimumTokens: 1024, stepTokens: 128, reported: true, lifetimeS: 300 },
    // Since 5.6 a breakpoint is kept for half an hour at least, and hits whole or not at all.
    cacheByModel: [{ model: /^gpt-5\.[6-9]/, cache: { lifetimeS: 1800 } }],
    prices: openaiPrices,
  },
  {
    name: 'azure',
    title: 'Azure OpenAI',
    baseUrl: null,
    apiKeyEnv: 'AZURE_OPENAI_API_KEY',
    protocol: 'azure-openai',
    quirks: { ...hosted, maxTokensField: 'max_completion_tokens' },
    // A deployment has any name: where it is not the model's, the warm-up finds out.
    quirksByModel: openaiReasoning,
    tokenizers: openaiTokenizers,
    cache: { minimumTokens: 1024, stepTokens: 128, reported: true, lifetimeS: 300 },
    prices: {},
  },
  {
    name: 'anthropic',
    title: 'Anthropic',
    baseUrl: 'https://api.anthropic.com/v1',
    apiKeyEnv: 'ANTHROPIC_API_KEY',
    protocol: 'anthropic-messages',
    quirks: hosted,
    tokenizers: unknownTokenizer,
    // A hit ends at the breakpoint: there are no steps. Refreshed by every hit.
    cache: { minimumTokens: 1024, stepTokens: 1, reported: true, lifetimeS: 300 },
    cacheByModel: claudeMinimums,
    prices: anthropicPrices,
  },
  {
    name: 'gemini',
    title: 'Google, Generative Language',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    apiKeyEnv: 'GEMINI_API_KEY',
    protocol: 'gemini',
    quirks: hosted,
    tokenizers: unknownTokenizer,
    cache: geminiCache,
    cacheByModel: geminiMinimums,
    prices: {},
  },
  {
    name: 'vertex',
    title: 'Google, Vertex AI',
    baseUrl:
      'https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}/publishers/google',
    address: {
      region: ['GOOGLE_CLOUD_LOCATION', 'GOOGLE_CLOUD_REGION'],
      project: ['GOOGLE_CLOUD_PROJECT'],
    },
    cloud: 'google',
    apiKeyEnv: 'GOOGLE_ACCESS_TOKEN',
    keyHeader: 'authorization',
    protocol: 'gemini',
    quirks: hosted,
    tokenizers: unknownTokenizer,
    cache: geminiCache,
    cacheByModel: geminiMinimums,
    prices: {},
  },
  {
    name: 'bedrock',
    title: 'Amazon Bedrock',
    baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
    address: { region: ['AWS_REGION', 'AWS_DEFAULT_REGION'] },
    cloud: 'aws',
    apiKeyEnv: 'AWS_BEARER_TOKEN_BEDROCK',
    protocol: 'bedrock-converse',
    quirks: hosted,
    tokenizers: unknownTokenizer,
    // As the model has it, at a cache point; an inference profile over regions may land where nothing is warm.
    cache: { minimumTokens: 1024, stepTokens: 1, reported: true, lifetimeS: 300 },
    cacheByModel: claudeMinimums,
    prices: {},
  },
]
