/** Questions with one right answer, in prompts of an exact length: whether a server still answers what it is asked. */
import type { Question, RightAnswer } from '../plan/probe.js'
import type { Random } from '../random/random.js'
import { createRandom } from '../random/random.js'
import type { Tokenizer } from '../tokens/tokenizer.js'
import type { PromptResult } from './builder.js'
import { proseOf, SHORTEST_PROSE } from './prose.js'
import { words } from './words.js'

export interface QuestionAsk {
  question: Question
  /** Length of the whole prompt. */
  tokens: number
  /** Opens the prompt, so that no cache has seen it; also chooses what is asked. */
  nonce: string
}

export type QuestionResult =
  | { ok: true; prompt: Extract<PromptResult, { ok: true }>['prompt']; right: RightAnswer }
  | Extract<PromptResult, { ok: false }>

/**
 * Nonce, prose, for `recall` a fact at its depth, prose, the question. What is asked follows from the nonce alone, so
 * no two prompts ask the same and the answer can be known from nothing but the prompt.
 */
export function questionPrompt(
  { question, tokens, nonce }: QuestionAsk,
  tokenizer: Tokenizer,
): QuestionResult {
  const random = createRandom(`question/${nonce}`)
  const { fact, text, right } = wordingOf(question, random)
  const lead = `${nonce}.`
  const fixed = [lead, fact, text].reduce((sum, part) => sum + tokenizer.count(part), 0)
  const room = tokens - fixed
  // Prose on both sides of a fact, each none or at least a sentence.
  const least = fact === '' ? SHORTEST_PROSE : 2 * SHORTEST_PROSE
  if (room < least) {
    return {
      ok: false,
      error: { kind: 'too-short', part: 'prompt', askedTokens: tokens, minimumTokens: fixed + least },
    }
  }
  const wanted = question.kind === 'recall' ? Math.round(question.depth * room) : room
  const before = fact === '' ? room : Math.min(room - SHORTEST_PROSE, Math.max(SHORTEST_PROSE, wanted))
  const prompt =
    lead + proseOf(before, random) + fact + (fact === '' ? '' : proseOf(room - before, random)) + text
  const counted = tokenizer.count(prompt)
  // Every join is a full stop before a blank and a letter, so the counts of the parts add up; this proves it.
  if (counted !== tokens) throw new Error(`a question for ${tokens} tokens came out at ${counted}: ${prompt}`)
  return { ok: true, prompt: { text: prompt, tokens, prefixTokens: 0, prefixCharacters: 0 }, right }
}

interface Wording {
  /** Empty where nothing is to be found again. */
  fact: string
  text: string
  right: RightAnswer
}

function wordingOf(question: Question, random: Random): Wording {
  const noun = (): string => words.noun[random.int(words.noun.length)]!
  switch (question.kind) {
    case 'recall': {
      const place = `${words.adjective[random.int(words.adjective.length)]!} ${noun()}`
      const secret = `${noun()} ${noun()}`
      return {
        fact: ` The password of the ${place} is ${secret}.`,
        text: ` What is the password of the ${place}? Answer with its two words only.`,
        right: { kind: 'holds', text: secret },
      }
    }
    case 'arithmetic': {
      const [a, b] = [1000 + random.int(9000), 1000 + random.int(9000)]
      return {
        fact: '',
        text: ` What is ${a} plus ${b}? Answer with the number only.`,
        right: { kind: 'holds', text: String(a + b) },
      }
    }
    case 'echo': {
      const echoed = Array.from({ length: 6 }, noun).join(' ')
      return {
        fact: '',
        text: ` Repeat these words exactly, and write nothing else: ${echoed}`,
        right: { kind: 'exactly', text: echoed },
      }
    }
    case 'json': {
      const [name, count] = [noun(), random.int(1000)]
      return {
        fact: '',
        text: ` Answer with a JSON object and nothing else: the key "name" holds the string "${name}", the key "count" holds the number ${count}.`,
        right: { kind: 'json', text: JSON.stringify({ name, count }) },
      }
    }
  }
}
