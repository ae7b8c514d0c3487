/** Canary: questions with one right answer, so that a 200 with a wrong one is seen. */
import type { PlannedProbe, Question } from '../src/plan/probe.js'

interface Settings {
  promptTokens: number
  depths: readonly number[]
  kinds: readonly Question['kind'][]
  outputTokens: number
  blocks: number
}

// The other questions are short; this is room for their nonce.
const SHORT_TOKENS = 160

export const canary: PlannedProbe<Settings> = {
  name: 'canary',
  feeds: null,
  settings: (z) =>
    z.strictObject({
      promptTokens: z
        .int()
        .min(SHORT_TOKENS)
        .describe('Length of the prompt in which a fact is to be found again, tokens.'),
      depths: z
        .array(z.number().min(0).max(1))
        .min(1)
        .describe('Where in that prompt the fact stands, as a share of its length; one question each.'),
      kinds: z
        .array(z.enum(['recall', 'arithmetic', 'echo', 'json']))
        .min(1)
        .describe(
          '`recall`: find a fact again. `arithmetic`: add two numbers. `echo`: repeat words. `json`: answer in strict JSON.',
        ),
      outputTokens: z
        .int()
        .min(16)
        .describe('Room for each answer, tokens. A model that reasons needs some hundreds.'),
      blocks: z.int().min(1).describe('Questions of each kind: every block asks each once, in random order.'),
    }),
  defaults: {
    promptTokens: 2048,
    depths: [0.1, 0.5, 0.9],
    kinds: ['recall', 'arithmetic', 'echo', 'json'],
    outputTokens: 64,
    blocks: 5,
  },
  plan({ promptTokens, depths, kinds, outputTokens, blocks }, random) {
    const questions = kinds.flatMap((kind): Question[] =>
      kind === 'recall' ? depths.map((depth) => ({ kind, depth })) : [{ kind }],
    )
    return Array.from({ length: blocks }, () =>
      random.shuffle(questions).map((question) => ({
        promptTokens: question.kind === 'recall' ? promptTokens : SHORT_TOKENS,
        prefixTokens: 0,
        outputTokens,
        cache: 'fresh' as const,
        concurrency: 1,
        question,
      })),
    )
  },
}
