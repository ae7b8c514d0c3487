/** Decode: time per output token over output length and context, cold cache, one request at a time. */
import type { PlannedProbe } from '../src/plan/probe.js'

interface Settings {
  promptTokens: readonly number[]
  outputTokens: readonly number[]
  blocks: number
}

export const outputLength: PlannedProbe<Settings> = {
  name: 'output-length',
  feeds: 'decode',
  settings: (z) =>
    z.strictObject({
      promptTokens: z
        .array(z.int().min(1))
        .min(1)
        .describe(
          'Prompt lengths, tokens. Two far apart tell the cost of context from the cost of a step, a third between them a straight law from a curved one.',
        ),
      outputTokens: z
        .array(z.int().min(8))
        .min(1)
        .describe('Output lengths, tokens; below 8 there is no decode time.'),
      blocks: z
        .int()
        .min(1)
        .describe('Samples per cell: every block asks each pair of lengths once, in random order.'),
    }),
  defaults: { promptTokens: [128, 1024, 4096], outputTokens: [32, 256], blocks: 12 },
  plan({ promptTokens, outputTokens, blocks }, random) {
    const pairs = promptTokens.flatMap((prompt) => outputTokens.map((output) => ({ prompt, output })))
    return Array.from({ length: blocks }, () =>
      random.shuffle(pairs).map(({ prompt, output }) => ({
        promptTokens: prompt,
        prefixTokens: 0,
        outputTokens: output,
        cache: 'fresh' as const,
      })),
    )
  },
}
