/** Prompts of an exact token length, in a proven cache state: fresh, or warm behind a shared prefix. */
import { createRandom } from '../random/random.js'
import type { Tokenizer } from '../tokens/tokenizer.js'
import { proseOf, SHORTEST_PROSE } from './prose.js'

export interface BuiltPrompt {
  /** The whole user message. */
  text: string
  /** Its length by the tokenizer, as one string. */
  tokens: number
  /** Leading tokens shared with every prompt of the same prefix; 0 for a fresh prompt. */
  prefixTokens: number
  /** The same in characters of `text`. */
  prefixCharacters: number
}

/** The asked length has no room for nonce, a sentence and the closing instruction. */
export interface PromptTooShort {
  kind: 'too-short'
  part: 'prompt' | 'prefix'
  askedTokens: number
  minimumTokens: number
}

export type PromptResult = { ok: true; prompt: BuiltPrompt } | { ok: false; error: PromptTooShort }

export interface FreshAsk {
  tokens: number
  nonce: string
}

export interface PrimeAsk {
  prefixTokens: number
  prefixNonce: string
}

export interface WarmAsk extends PrimeAsk {
  /** Length of the whole prompt, prefix included. */
  tokens: number
  /** Of this request; opens the suffix, so that nothing behind the prefix was seen before. */
  nonce: string
}

/**
 * The text of a prompt follows from its nonces and lengths alone (they seed the prose), so prompts may be built in any
 * order, again after a crash, and no two of different nonces are alike.
 *
 * The nonces come from `nonceFor`: lower-case words or digits, parted by single blanks; anything else throws.
 * Shortest: 16 tokens for a fresh prompt with such a nonce, 12 for a prefix, prefix + 14 for a warm prompt.
 */
export interface PromptBuilder {
  /** Nonce, prose, and an instruction to write on at length. */
  freshPrompt(ask: FreshAsk): PromptResult
  /** The request that brings a prefix into the cache: the prefix and the instruction, as long as that makes it. */
  primePrompt(ask: PrimeAsk): PromptResult
  /** The prefix of exactly `prefixTokens` tokens, then nonce, prose and instruction; differs from the prime from there on. */
  warmPrompt(ask: WarmAsk): PromptResult
}

// The first that fits is taken. Both open with a capital, which no nonce does: a prime never runs on into a suffix.
const INSTRUCTIONS = [' Continue this text at length. Do not stop early.', ' Continue at length.'] as const

export function createPromptBuilder(tokenizer: Tokenizer): PromptBuilder {
  const instructions = INSTRUCTIONS.map((text) => ({ text, tokens: tokenizer.count(text) }))
  const [longInstruction, shortInstruction] = [instructions[0]!, instructions[1]!]

  /** `lead` (nonce and full stop), prose, instruction, `tokens` together; or the least that it would take. */
  function compose(lead: string, tokens: number, seed: string): { text: string } | { minimumTokens: number } {
    const room = tokens - tokenizer.count(lead)
    const instruction = instructions.find((each) => room >= each.tokens + SHORTEST_PROSE)
    if (!instruction) return { minimumTokens: tokens - room + shortInstruction.tokens + SHORTEST_PROSE }
    return { text: lead + proseOf(room - instruction.tokens, createRandom(seed)) + instruction.text }
  }

  function prefixOf({ prefixTokens, prefixNonce }: PrimeAsk): { text: string } | PromptTooShort {
    const lead = `${checked(prefixNonce)}.`
    const leadTokens = tokenizer.count(lead)
    const minimumTokens = leadTokens + SHORTEST_PROSE
    if (prefixTokens < minimumTokens)
      return { kind: 'too-short', part: 'prefix', askedTokens: prefixTokens, minimumTokens }
    return { text: lead + proseOf(prefixTokens - leadTokens, createRandom(`prefix/${prefixNonce}`)) }
  }

  // Every join is a full stop before a blank and a letter, where no tokenizer merges, so the counts of the parts add
  // up. One count of the whole (0.1 µs/token) proves it for each prompt: a wrong length would bend a curve unseen.
  function proven(text: string, tokens: number, prefix: { text: string; tokens: number }): PromptResult {
    const counted = tokenizer.count(text)
    if (counted !== tokens) throw new Error(`a prompt for ${tokens} tokens came out at ${counted}: ${text}`)
    const [prefixTokens, prefixCharacters] = [prefix.tokens, prefix.text.length]
    return { ok: true, prompt: { text, tokens, prefixTokens, prefixCharacters } }
  }

  return {
    freshPrompt({ tokens, nonce }) {
      const made = compose(`${checked(nonce)}.`, tokens, `fresh/${nonce}`)
      if ('minimumTokens' in made) return tooShort(tokens, made.minimumTokens)
      return proven(made.text, tokens, { text: '', tokens: 0 })
    },
    primePrompt(ask) {
      const prefix = prefixOf(ask)
      if ('kind' in prefix) return { ok: false, error: prefix }
      const tokens = ask.prefixTokens + longInstruction.tokens
      return proven(prefix.text + longInstruction.text, tokens, { ...prefix, tokens: ask.prefixTokens })
    },
    warmPrompt({ tokens, nonce, ...ask }) {
      const prefix = prefixOf(ask)
      if ('kind' in prefix) return { ok: false, error: prefix }
      const made = compose(` ${checked(nonce)}.`, tokens - ask.prefixTokens, `suffix/${nonce}`)
      if ('minimumTokens' in made) return tooShort(tokens, ask.prefixTokens + made.minimumTokens)
      return proven(prefix.text + made.text, tokens, { ...prefix, tokens: ask.prefixTokens })
    },
  }
}

/** What to tell the user: which length, and how to mend it. */
export function explainTooShort({ part, askedTokens, minimumTokens }: PromptTooShort): string {
  return `a ${part} of ${askedTokens} tokens is too short for its nonce and text: ask for ${minimumTokens} or more`
}

function tooShort(askedTokens: number, minimumTokens: number): PromptResult {
  return { ok: false, error: { kind: 'too-short', part: 'prompt', askedTokens, minimumTokens } }
}

function checked(nonce: string): string {
  if (!/^[a-z0-9]+( [a-z0-9]+)*$/.test(nonce)) throw new RangeError(`not a nonce: ${JSON.stringify(nonce)}`)
  return nonce
}
