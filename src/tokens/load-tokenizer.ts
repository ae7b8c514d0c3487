/** Tokenizers by name: exact ones where the vocabulary is public, a documented estimate for all other models. */
import { approximateTokenizer } from './approximate.js'
import { wrapEncoding } from './encoding.js'
import type { ExactTokenizer, ExactTokenizerName, Tokenizer, TokenizerName } from './tokenizer.js'

// Literal specifiers, so that a run loads the one vocabulary it needs: each takes some 250 ms and 50 MB.
const loaders = {
  o200k_base: async () => wrapEncoding('o200k_base', await import('gpt-tokenizer/encoding/o200k_base')),
  cl100k_base: async () => wrapEncoding('cl100k_base', await import('gpt-tokenizer/encoding/cl100k_base')),
  approximate: () => Promise.resolve(approximateTokenizer),
} satisfies Record<TokenizerName, () => Promise<Tokenizer>>

export const isTokenizerName = (name: unknown): name is TokenizerName =>
  typeof name === 'string' && Object.hasOwn(loaders, name)
export const tokenizerNames = Object.keys(loaders).filter(isTokenizerName)

/** Loads a tokenizer; the second call for the same name is free. */
export function loadTokenizer(name: ExactTokenizerName): Promise<ExactTokenizer>
export function loadTokenizer(name: TokenizerName): Promise<Tokenizer>
export function loadTokenizer(name: TokenizerName): Promise<Tokenizer> {
  return loaders[name]()
}
