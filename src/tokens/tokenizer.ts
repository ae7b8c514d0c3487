/** What a tokenizer offers: an exact one counts and encodes, an estimate only counts. */

export type ExactTokenizerName = 'o200k_base' | 'cl100k_base'
export type TokenizerName = ExactTokenizerName | 'approximate'

/** Counts and encodes as the model's own tokenizer does. The chat template around a message is not in it. */
export interface ExactTokenizer {
  name: ExactTokenizerName
  exact: true
  count(text: string): number
  encode(text: string): number[]
  decode(ids: readonly number[]): string
}

/** Counts by a rule (see approximate.ts); there are no ids to give. */
export interface ApproximateTokenizer {
  name: 'approximate'
  exact: false
  count(text: string): number
}

export type Tokenizer = ExactTokenizer | ApproximateTokenizer
