/** Route: where requests end up and what it takes to get there, over many new connections. */
import type { PlannedProbe } from '../src/plan/probe.js'

interface Settings {
  connections: number
  promptTokens: number
  outputTokens: number
  blocks: number
}

export const route: PlannedProbe<Settings> = {
  name: 'route',
  feeds: null,
  settings: (z) =>
    z.strictObject({
      connections: z
        .int()
        .min(1)
        .describe('New connections a block, one after another; each carries one request.'),
      promptTokens: z.int().min(1).describe('Prompt length of each request, tokens.'),
      outputTokens: z.int().min(1).describe('Output length of each request, tokens.'),
      blocks: z
        .int()
        .min(1)
        .describe('Visits: spread over the run, since a route may change while it lasts.'),
    }),
  defaults: { connections: 4, promptTokens: 64, outputTokens: 2, blocks: 12 },
  plan({ connections, promptTokens, outputTokens, blocks }) {
    const visit = {
      promptTokens,
      prefixTokens: 0,
      outputTokens,
      cache: 'fresh' as const,
      concurrency: 1,
      connection: 'new' as const,
      requests: connections,
    }
    return Array.from({ length: blocks }, () => [visit])
  },
}
