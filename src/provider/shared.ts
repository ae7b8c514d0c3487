/** What several presets share: quirks, tokenizers, cache rules, and prices with their list and its day. */
import type { Quirks } from '../protocol/protocol.js'
import type { CacheRules, Price, Provider } from './provider.js'

// Hosted APIs reject ignore_eos, and most know max_tokens only.
export const hosted: Quirks = {
  maxTokensField: 'max_tokens',
  streamOptions: true,
  ignoreEos: false,
  temperature: 0,
}
export const engine: Quirks = { ...hosted, ignoreEos: true }

export const openaiTokenizers: Provider['tokenizers'] = [
  { model: /^(ft:)?(gpt-4o|chatgpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|gpt-oss|o\d)/, tokenizer: 'o200k_base' },
  { model: /^(ft:)?(gpt-4|gpt-3\.5)/, tokenizer: 'cl100k_base' },
  { model: /(?:)/, tokenizer: 'approximate' },
]
export const unknownTokenizer: Provider['tokenizers'] = [{ model: /(?:)/, tokenizer: 'approximate' }]
// Gateways and engines name models as owner/model. Llama, Qwen and the rest have vocabularies of their own.
export const ownedTokenizers: Provider['tokenizers'] = [
  { model: /^openai\/(gpt-4o|gpt-4\.1|gpt-5|gpt-oss|o\d)/, tokenizer: 'o200k_base' },
  { model: /^openai\/(gpt-4|gpt-3\.5)/, tokenizer: 'cl100k_base' },
  ...unknownTokenizer,
]

/** For servers that publish nothing: no hit below 1,024 tokens is expected, and none is believed unreported. */
export const unknownCache: CacheRules = { minimumTokens: 1024, stepTokens: 128, reported: false }

// Reasoning models answer 400 to any temperature but their own.
export const openaiReasoning: NonNullable<Provider['quirksByModel']> = [
  { model: /^(gpt-5|o\d)/, quirks: { temperature: null } },
]

/** Claude's shortest prefix by model, whoever serves it; the vendor's own tables, to be proven by a probe. */
export const claudeMinimums: NonNullable<Provider['cacheByModel']> = [
  { model: /claude-3-(?:5-)?haiku|claude-haiku-3|claude-sonnet-4-6/, cache: { minimumTokens: 2048 } },
  { model: /claude-haiku-4-5|claude-opus-4-[56]/, cache: { minimumTokens: 4096 } },
  { model: /claude-(?:opus|fable|mythos)-5/, cache: { minimumTokens: 512 } },
]

/** Where a price comes from: the vendor's list, and the day from which it has had that price. */
export type PriceList = Required<Pick<Price, 'asOf' | 'source'>>

/** US dollars per million tokens. */
export function usd(
  { asOf, source }: PriceList,
  inputPerM: number,
  outputPerM: number,
  cache: Pick<Price, 'cachedPerM' | 'cacheWritePerM' | 'cacheWritePerMByLifetime'> = {},
): Price {
  return { currency: 'USD', inputPerM, outputPerM, ...cache, asOf, source }
}

/** One price under each of the names that a model goes by. */
export function named(names: string, price: Price): Record<string, Price> {
  return Object.fromEntries(names.split(' ').map((name) => [name, price]))
}
