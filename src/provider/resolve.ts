/** Questions to the table of presets. */
import type { Quirks } from '../protocol/protocol.js'
import type { TokenizerName } from '../tokens/tokenizer.js'
import { presets } from './presets.js'
import type { Price, Provider } from './provider.js'

/** The preset of that name, or undefined. */
export function resolveProvider(name: string): Provider | undefined {
  return presets.find((provider) => provider.name === name)
}

/** The provider's quirks as they hold for one model. */
export function quirksFor({ quirks, quirksByModel = [] }: Provider, model: string): Quirks {
  const fitting = quirksByModel.filter((entry) => entry.model.test(model))
  return Object.assign({ ...quirks }, ...fitting.map((entry) => entry.quirks))
}

export function tokenizerFor({ tokenizers }: Provider, model: string): TokenizerName {
  return tokenizers.find((entry) => entry.model.test(model))?.tokenizer ?? 'approximate'
}

/** Undefined where the price is not known. */
export function priceFor({ prices }: Provider, model: string): Price | undefined {
  return Object.hasOwn(prices, model) ? prices[model] : undefined
}
