/** What the engine sees of a prompt: how many tokens it has, and the chained hash of each of its blocks. */

/** One turn of a conversation, or the whole prompt of a completion (`role` undefined: no template around it). */
export interface Turn {
  readonly role?: string | undefined
  readonly text: string
  /** The request marks the prompt for the cache up to this character of the text. */
  readonly markedTo?: number | undefined
}

export interface Counted {
  readonly promptTokens: number
  /** Tokens up to the last mark; 0 without one. */
  readonly markedTokens: number
  readonly hashes: Float64Array<ArrayBuffer>
}

export type Encode = (text: string) => readonly number[]

/**
 * The chat template: a start, a role and a separator before each turn, an end after it, and three tokens that open
 * the answer. One user message costs 7 tokens more than its text, as OpenAI's cookbook has it (3 + 1 a message, 3 a
 * reply). The numbers lie above o200k_base, where its special tokens are.
 */
const TEMPLATE = { start: 200_264, separator: 200_266, end: 200_265, firstRole: 200_300 }
const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function']

/** Tokens and block hashes of the turns; a block that is not full has no hash. */
export function countPrompt(turns: readonly Turn[], blockTokens: number, encode: Encode): Counted {
  const ids: number[] = []
  const append = (tokens: readonly number[]): void => {
    for (const token of tokens) ids.push(token)
  }
  let isChat = false
  let markedTokens = 0
  for (const { role, text, markedTo } of turns) {
    if (role === undefined) {
      append(encode(text))
      continue
    }
    isChat = true
    ids.push(TEMPLATE.start, roleToken(role), TEMPLATE.separator)
    if (markedTo === undefined) append(encode(text))
    else {
      append(encode(text.slice(0, markedTo)))
      markedTokens = ids.length
      append(encode(text.slice(markedTo)))
    }
    ids.push(TEMPLATE.end)
  }
  if (isChat) ids.push(TEMPLATE.start, roleToken('assistant'), TEMPLATE.separator)
  return { promptTokens: ids.length, markedTokens, hashes: chainBlocks(ids, blockTokens) }
}

function roleToken(role: string): number {
  return TEMPLATE.firstRole + Math.max(0, ROLES.indexOf(role))
}

/**
 * Hash of each whole block together with all before it: two prompts share a hash just when they share everything up
 * to there. Two lanes of FNV-1a over whole tokens with murmur3's finish, 53 bits together: among a million blocks a
 * false match has odds of about 1 in 18,000.
 */
export function chainBlocks(ids: readonly number[], blockTokens: number): Float64Array<ArrayBuffer> {
  const hashes = new Float64Array(Math.floor(ids.length / blockTokens))
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let block = 0; block < hashes.length; block++) {
    for (let i = block * blockTokens; i < (block + 1) * blockTokens; i++) {
      const id = ids[i]!
      a = Math.imul(a ^ id, 0x01000193)
      b = mix(b ^ Math.imul(id + 1, 0x85ebca6b))
    }
    a = mix(a)
    hashes[block] = (a >>> 0) * 2 ** 21 + ((b >>> 11) | 1)
  }
  return hashes
}

function mix(word: number): number {
  let h = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
