/** Load: latency under an open loop, where requests start when they are due and not when the last one ended. */
import type { CellSeen, MixedProbe, RequestLimits } from '../src/plan/probe.js'
import { highest } from './highest.js'

interface Settings {
  rate: readonly number[]
  arrivals: 'constant' | 'poisson' | 'gamma'
  burstiness: number
  maxInFlight: number
  seconds: number
  promptTokens: number
  outputTokens: number
  blocks: number
  upTo: number
  limits: { ttftMs?: number | undefined; tpotMs?: number | undefined; e2eMs?: number | undefined }
  goodput: number
  searchRequests: number
}

export const arrivalRate: MixedProbe<Settings> = {
  name: 'arrival-rate',
  feeds: null,
  settings: (z) =>
    z.strictObject({
      rate: z.array(z.number().positive()).min(1).describe('Requests started per second.'),
      arrivals: z
        .enum(['constant', 'poisson', 'gamma'])
        .describe(
          '`constant`: equal gaps. `poisson`: exponential gaps, as independent users make them. `gamma`: gaps by `burstiness`.',
        ),
      burstiness: z
        .number()
        .positive()
        .describe('Gamma arrivals: 1 is Poisson, below it bursts, above it ever more even.'),
      maxInFlight: z
        .int()
        .min(1)
        .describe('Upper bound of requests in flight; a start that it holds back counts as start delay.'),
      seconds: z.number().positive().describe('Length of one visit to a rate, seconds.'),
      promptTokens: z.int().min(1).describe('Prompt length of each request, tokens; all fresh.'),
      outputTokens: z.int().min(1).describe('Output length of each request, tokens.'),
      blocks: z.int().min(1).describe('Visits to each rate: every block makes one each, in random order.'),
      upTo: z
        .number()
        .min(0)
        .describe(
          'Then search on, to this rate at most, for the highest that keeps the goodput. 0: no search.',
        ),
      limits: z
        .strictObject({
          ttftMs: z.number().positive().optional().describe('Longest time to first token, milliseconds.'),
          tpotMs: z.number().positive().optional().describe('Longest time per output token, milliseconds.'),
          e2eMs: z.number().positive().optional().describe('Longest time of the whole answer, milliseconds.'),
        })
        .describe(
          'What a request must keep to count as good, milliseconds, counted from its intended start. Without any it must succeed.',
        ),
      goodput: z
        .number()
        .gt(0)
        .max(1)
        .describe('Share of the requests that must keep the limits; 0.95 is 95 %.'),
      searchRequests: z.int().min(1).describe('Requests at each rate that the search tries, at least.'),
    }),
  defaults: {
    rate: [1, 4],
    arrivals: 'poisson',
    burstiness: 1,
    maxInFlight: 64,
    seconds: 10,
    promptTokens: 512,
    outputTokens: 32,
    blocks: 4,
    upTo: 0,
    limits: {},
    goodput: 0.95,
    searchRequests: 60,
  },
  goesOn: ({ upTo }) => upTo > 0,
  plan(settings, random) {
    const { rate, arrivals, burstiness, maxInFlight, seconds, promptTokens, outputTokens, blocks } = settings
    const hasLimits = Object.keys(settings.limits).length > 0
    return Array.from({ length: blocks }, () =>
      random.shuffle(rate).map((perS) => ({
        promptTokens,
        prefixTokens: 0,
        outputTokens,
        cache: 'fresh' as const,
        rate: perS,
        arrivals,
        ...(arrivals === 'gamma' && { burstiness }),
        maxInFlight,
        requests: Math.max(1, Math.round(perS * seconds)),
        ...(hasLimits && { limits: limitsOf(settings) }),
      })),
    )
  },
  next(settings, seen) {
    const { rate, arrivals, burstiness, maxInFlight, seconds, promptTokens, outputTokens, upTo, goodput } =
      settings
    const cells = seen.cells.filter(({ ask }) => ask.search === true)
    const step = highest(
      cells.map((cell) => ({ load: cell.ask.rate ?? 0, does: (cell.goodput ?? 0) >= goodput })),
      {
        from: Math.max(...rate),
        least: Math.min(upTo, 0.01),
        most: upTo,
        within: 1.13,
        round: (perS) => Number(perS.toPrecision(2)),
      },
    )
    if (!('ask' in step)) return { done: verdict(step.does, step.fails, cells, settings) }
    return {
      ask: [
        {
          promptTokens,
          prefixTokens: 0,
          outputTokens,
          cache: 'fresh',
          rate: step.ask,
          arrivals,
          ...(arrivals === 'gamma' && { burstiness }),
          maxInFlight,
          requests: Math.max(settings.searchRequests, Math.round(step.ask * seconds)),
          search: true,
          limits: limitsOf(settings),
        },
      ],
    }
  },
}

function limitsOf({ limits: { ttftMs, tpotMs, e2eMs } }: Settings): RequestLimits {
  return {
    ...(ttftMs !== undefined && { ttft: ttftMs }),
    ...(tpotMs !== undefined && { tpot: tpotMs }),
    ...(e2eMs !== undefined && { e2e: e2eMs }),
  }
}

function verdict(
  does: number | null,
  fails: number | null,
  cells: readonly CellSeen[],
  { limits, goodput }: Settings,
): string {
  const shareAt = (perS: number): string => {
    const share = cells.find(({ ask }) => ask.rate === perS)?.goodput
    return share === undefined ? '' : ` (${(100 * share).toFixed(1)} %)`
  }
  const asked = Object.entries(limits).map(([name, ms]) => `${name.replace('Ms', '')} ≤ ${ms} ms`)
  const what = `${100 * goodput} % of the requests ${asked.length === 0 ? 'without failure' : `inside ${asked.join(', ')}`}`
  if (does === null) return `no rate keeps ${what}: not even ${fails}/s${shareAt(fails ?? 0)}`
  const found = `the highest rate that keeps ${what} is ${does}/s${shareAt(does)}`
  return fails === null ? `${found}, the highest asked` : `${found}; ${fails}/s does not${shareAt(fails)}`
}
