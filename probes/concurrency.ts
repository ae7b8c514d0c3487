/** Contention: time to first token and per output token against the number of requests in flight. */
import type { CellSeen, MixedProbe, RequestLimits } from '../src/plan/probe.js'
import { highest, type Tried } from './highest.js'

interface Settings {
  concurrency: readonly number[]
  promptTokens: number
  outputTokens: number
  requestsPerStream: number
  blocks: number
  upTo: number
  limits: { ttftMs?: number | undefined; tpotMs?: number | undefined; e2eMs?: number | undefined }
  goodput: number
  searchRequests: number
}

// With less than this share of the throughput that further streams should bring, they only wait for one another.
const LEAST_GAIN = 0.25

export const concurrency: MixedProbe<Settings> = {
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
      upTo: z
        .int()
        .min(0)
        .describe(
          'Then search on, to this concurrency at most: for the highest that keeps the goodput where there are limits, else for the knee, where more streams stop bringing throughput. 0: no search.',
        ),
      limits: z
        .strictObject({
          ttftMs: z.number().positive().optional().describe('Longest time to first token, milliseconds.'),
          tpotMs: z.number().positive().optional().describe('Longest time per output token, milliseconds.'),
          e2eMs: z.number().positive().optional().describe('Longest time of the whole answer, milliseconds.'),
        })
        .describe('What a request must keep to count as good, milliseconds.'),
      goodput: z
        .number()
        .gt(0)
        .max(1)
        .describe('Share of the requests that must keep the limits; 0.95 is 95 %.'),
      searchRequests: z
        .int()
        .min(1)
        .describe('Requests at each concurrency that the search tries, at least.'),
    }),
  defaults: {
    concurrency: [1, 2, 4, 8],
    promptTokens: 512,
    outputTokens: 64,
    requestsPerStream: 1,
    blocks: 12,
    upTo: 0,
    limits: {},
    goodput: 0.95,
    searchRequests: 60,
  },
  goesOn: ({ upTo }) => upTo > 0,
  plan(settings, random) {
    const { concurrency: streams, promptTokens, outputTokens, requestsPerStream, blocks } = settings
    const limits = limitsOf(settings)
    return Array.from({ length: blocks }, () =>
      random.shuffle(streams).map((k) => ({
        promptTokens,
        prefixTokens: 0,
        outputTokens,
        cache: 'fresh' as const,
        concurrency: k,
        requests: k * requestsPerStream,
        ...(limits !== null && { limits }),
      })),
    )
  },
  next(settings, seen) {
    const { promptTokens, outputTokens, upTo, goodput, searchRequests } = settings
    const limits = limitsOf(settings)
    const cells = seen.cells.filter(({ ask }) => ask.search === true).sort((a, b) => loadOf(a) - loadOf(b))
    const tried = limits === null ? byThroughput(cells) : byGoodput(cells, goodput)
    const step = highest(tried, {
      from: limits === null ? 1 : 8,
      least: 1,
      most: upTo,
      within: 1.13,
      round: Math.round,
    })
    if (!('ask' in step)) return { done: verdict(step.does, step.fails, cells, settings) }
    return {
      ask: [
        {
          promptTokens,
          prefixTokens: 0,
          outputTokens,
          cache: 'fresh',
          concurrency: step.ask,
          requests: Math.max(searchRequests, 2 * step.ask),
          search: true,
          limits: limits ?? {},
        },
      ],
    }
  },
}

const loadOf = ({ ask }: CellSeen): number => ask.concurrency ?? 1

function limitsOf({ limits: { ttftMs, tpotMs, e2eMs } }: Settings): RequestLimits | null {
  const limits = {
    ...(ttftMs !== undefined && { ttft: ttftMs }),
    ...(tpotMs !== undefined && { tpot: tpotMs }),
    ...(e2eMs !== undefined && { e2e: e2eMs }),
  }
  return Object.keys(limits).length === 0 ? null : limits
}

function byGoodput(cells: readonly CellSeen[], least: number): Tried[] {
  return cells.map((cell) => ({ load: loadOf(cell), does: (cell.goodput ?? 0) >= least }))
}

/** Throughput by Little's law, streams ÷ time of an answer (Little 1961, Oper. Res. 9). */
const throughput = (cell: CellSeen): number => (cell.e2e === undefined ? 0 : loadOf(cell) / cell.e2e)

function byThroughput(cells: readonly CellSeen[]): Tried[] {
  const tried: Tried[] = []
  let last: CellSeen | undefined
  for (const cell of cells) {
    const gain = last === undefined ? Infinity : throughput(cell) / throughput(last) - 1
    const due = last === undefined ? 0 : loadOf(cell) / loadOf(last) - 1
    const does = throughput(cell) > 0 && gain >= LEAST_GAIN * due
    tried.push({ load: loadOf(cell), does })
    if (does) last = cell
  }
  return tried
}

function verdict(
  does: number | null,
  fails: number | null,
  cells: readonly CellSeen[],
  { limits, goodput, upTo }: Settings,
): string {
  const shareAt = (load: number): string => {
    const share = cells.find((cell) => loadOf(cell) === load)?.goodput
    return share === undefined ? '' : ` (${(100 * share).toFixed(1)} %)`
  }
  const asked = Object.entries(limits).map(([name, ms]) => `${name.replace('Ms', '')} ≤ ${ms} ms`)
  if (asked.length === 0) {
    if (does === null) return 'no request succeeded, so there is no knee to find'
    return fails === null
      ? `no knee up to ${upTo} requests in flight: throughput still grows`
      : `the knee lies at ${does} requests in flight: ${fails} bring hardly more throughput`
  }
  const what = `${100 * goodput} % of the requests inside ${asked.join(', ')}`
  if (does === null) return `no concurrency keeps ${what}: not even ${fails}${shareAt(fails ?? 1)}`
  const found = `the highest concurrency that keeps ${what} is ${does}${shareAt(does)}`
  return fails === null ? `${found}, the highest asked` : `${found}; ${fails} does not${shareAt(fails)}`
}
