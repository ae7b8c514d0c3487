/** Load: latency under an open loop, where requests start when they are due and not when the last one ended. */
import type { PlannedProbe } from '../src/plan/probe.js'

interface Settings {
  rate: readonly number[]
  arrivals: 'constant' | 'poisson'
  maxInFlight: number
  seconds: number
  promptTokens: number
  outputTokens: number
  blocks: number
}

export const arrivalRate: PlannedProbe<Settings> = {
  name: 'arrival-rate',
  feeds: null,
  settings: (z) =>
    z.strictObject({
      rate: z.array(z.number().positive()).min(1).describe('Requests started per second.'),
      arrivals: z
        .enum(['constant', 'poisson'])
        .describe('`constant`: equal gaps. `poisson`: exponential gaps, as independent users make them.'),
      maxInFlight: z
        .int()
        .min(1)
        .describe('Upper bound of requests in flight; a start that it holds back counts as start delay.'),
      seconds: z.number().positive().describe('Length of one visit to a rate, seconds.'),
      promptTokens: z.int().min(1).describe('Prompt length of each request, tokens; all fresh.'),
      outputTokens: z.int().min(1).describe('Output length of each request, tokens.'),
      blocks: z.int().min(1).describe('Visits to each rate: every block makes one each, in random order.'),
    }),
  defaults: {
    rate: [1, 4],
    arrivals: 'poisson',
    maxInFlight: 64,
    seconds: 10,
    promptTokens: 512,
    outputTokens: 32,
    blocks: 4,
  },
  plan({ rate, arrivals, maxInFlight, seconds, promptTokens, outputTokens, blocks }, random) {
    return Array.from({ length: blocks }, () =>
      random.shuffle(rate).map((perS) => ({
        promptTokens,
        prefixTokens: 0,
        outputTokens,
        cache: 'fresh' as const,
        rate: perS,
        arrivals,
        maxInFlight,
        requests: Math.max(1, Math.round(perS * seconds)),
      })),
    )
  },
}
