/** Prefix cache: the same prompt length fresh and with its prefix warm, one request at a time. */
import type { PlannedProbe } from '../src/plan/probe.js'

interface Settings {
  promptTokens: readonly number[]
  suffixTokens: number
  outputTokens: number
  blocks: number
}

export const prefixCache: PlannedProbe<Settings> = {
  name: 'prefix-cache',
  feeds: 'prefill',
  settings: (z) =>
    z.strictObject({
      promptTokens: z
        .array(z.int().min(2))
        .min(1)
        .describe('Prompt lengths, tokens; each is asked fresh and warm.'),
      suffixTokens: z
        .int()
        .min(1)
        .describe(
          'Tokens after the shared prefix, new in each request. Lengths at or below it are asked fresh only.',
        ),
      outputTokens: z.int().min(1).describe('Output length of each request, tokens.'),
      blocks: z
        .int()
        .min(1)
        .describe(
          'Samples per cell. A warm sample costs two requests: one that primes its prefix, and itself.',
        ),
    }),
  defaults: { promptTokens: [2048, 8192], suffixTokens: 64, outputTokens: 16, blocks: 12 },
  /** Fresh and warm stand in the same blocks, so that drift cannot be taken for the cache. */
  plan({ promptTokens, suffixTokens, outputTokens, blocks }, random) {
    const fresh = promptTokens.map((length) => ({
      promptTokens: length,
      prefixTokens: 0,
      outputTokens,
      cache: 'fresh' as const,
    }))
    const warm = promptTokens
      .filter((length) => length > suffixTokens)
      .map((length) => ({
        promptTokens: length,
        prefixTokens: length - suffixTokens,
        outputTokens,
        cache: 'warm' as const,
      }))
    return Array.from({ length: blocks }, () => random.shuffle([...fresh, ...warm]))
  },
}
