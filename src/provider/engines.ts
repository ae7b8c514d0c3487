/** Presets of servers that people run themselves: nothing but the user knows where. */
import type { Provider } from './provider.js'
import {
  engine,
  hosted,
  openaiTokenizers,
  ownedTokenizers,
  unknownCache,
  unknownTokenizer,
} from './shared.js'

export const engines: readonly Provider[] = [
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
    name: 'tgi',
    title: 'Text Generation Inference',
    baseUrl: null,
    apiKeyEnv: null,
    protocol: 'openai-chat',
    quirks: hosted,
    tokenizers: ownedTokenizers,
    // It keeps prefixes since version 3 and tells nobody.
    cache: { minimumTokens: 16, stepTokens: 16, reported: false },
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
    baseUrl: 'http://localhost:11434',
    apiKeyEnv: null,
    // Its OpenAI-compatible address reports neither times nor cached tokens.
    protocol: 'ollama',
    protocolByPath: [{ path: /\/v1$/, protocol: 'openai-chat' }],
    quirks: hosted,
    tokenizers: unknownTokenizer,
    // Versions since 2026 report `prompt_eval_cached_count`.
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
