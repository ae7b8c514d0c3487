/** Prefill: time to first token over prompt length, cold cache, one request at a time. */
import type { PlannedProbe } from '../src/plan/probe.js'

interface Settings {
  promptTokens: readonly number[]
  outputTokens: number
  blocks: number
  connection: 'reused' | 'new'
}

export const promptLength: PlannedProbe<Settings> = {
  name: 'prompt-length',
  feeds: 'prefill',
  settings: (z) =>
    z.strictObject({
      promptTokens: z
        .array(z.int().min(1))
        .min(1)
        .describe(
          'Prompt lengths, tokens. Four or more over a ratio of 8 tell a straight law from a curved one.',
        ),
      outputTokens: z
        .int()
        .min(1)
        .describe('Output length of each request, tokens. 16 or more also gives a decode time.'),
      blocks: z
        .int()
        .min(1)
        .describe('Samples per length: every block asks each length once, in random order.'),
      connection: z
        .enum(['reused', 'new'])
        .describe(
          '`reused`: on a kept-alive connection. `new`: a fresh one for each request; set-up is reported beside, never inside, the latencies.',
        ),
    }),
  defaults: { promptTokens: [128, 512, 2048, 8192], outputTokens: 16, blocks: 12, connection: 'reused' },
  /** Randomised blocks (Fisher, The Design of Experiments, 1935, ch. IV): drift falls on all lengths alike. */
  plan({ promptTokens, outputTokens, blocks, connection }, random) {
    return Array.from({ length: blocks }, () =>
      random.shuffle(promptTokens).map((length) => ({
        promptTokens: length,
        prefixTokens: 0,
        outputTokens,
        cache: 'fresh' as const,
        connection,
      })),
    )
  },
}
