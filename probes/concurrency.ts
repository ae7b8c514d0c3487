/** Contention: time to first token and per output token against the number of requests in flight. */
import type { PlannedProbe } from '../src/plan/probe.js'

interface Settings {
  concurrency: readonly number[]
  promptTokens: number
  outputTokens: number
  requestsPerStream: number
  blocks: number
}

export const concurrency: PlannedProbe<Settings> = {
  name: 'concurrency',
  feeds: 'contention',
  settings: (z) =>
    z.strictObject({
      concurrency: z
        .array(z.int().min(1))
        .min(1)
        .describe('Requests in flight at once, a closed loop. Include 1: the law is a difference from it.'),
      promptTokens: z.int().min(1).describe('Prompt length of each request, tokens; all fresh.'),
      outputTokens: z
        .int()
        .min(8)
        .describe('Output length of each request, tokens; below 8 there is no decode time.'),
      requestsPerStream: z
        .int()
        .min(1)
        .describe('Requests that each of the streams makes, one after another, in one visit to a cell.'),
      blocks: z
        .int()
        .min(1)
        .describe('Visits to each concurrency: every block makes one each, in random order.'),
    }),
  defaults: {
    concurrency: [1, 2, 4, 8],
    promptTokens: 512,
    outputTokens: 64,
    requestsPerStream: 1,
    blocks: 12,
  },
  plan({ concurrency: streams, promptTokens, outputTokens, requestsPerStream, blocks }, random) {
    return Array.from({ length: blocks }, () =>
      random.shuffle(streams).map((k) => ({
        promptTokens,
        prefixTokens: 0,
        outputTokens,
        cache: 'fresh' as const,
        concurrency: k,
        requests: k * requestsPerStream,
      })),
    )
  },
}
