/** A run as samples, from an exact law and a noise: no socket, no server. */
import type { Random } from '../../src/random/random.js'
import type { Sample } from '../../src/sample/sample.js'

export interface TrueLaw {
  /** ms. */
  base: number
  /** µs a token. */
  fresh: number
  hit: number
  /** µs a token². */
  curve?: number
  /** ms a token. */
  step: number
  /** µs a token of context and output token. */
  perContext: number
  ttftPerPeer?: number
  tpotPerPeer?: number
}

export interface CellDesign {
  probe: string
  promptTokens: number
  prefixTokens?: number
  outputTokens?: number
  concurrency?: number
}

export interface RunDesign {
  law: TrueLaw
  cells: readonly CellDesign[]
  blocks: number
  random: Random
  /** A factor on a time of `ms` by the law; called for ttft and tpot of each request, in order of time. */
  noise: (random: Random, metric: 'ttft' | 'tpot', ms: number) => number
  target?: string
  /** Whether the server reports cached tokens. @default true */
  reportsCache?: boolean
}

export const FRESH_CELLS: readonly CellDesign[] = [128, 294, 676, 1552, 3566, 8192].map((promptTokens) => ({
  probe: 'prompt-length',
  promptTokens,
}))
/** The nine cells of the coverage simulations: six fresh, three warm, one probe. */
export const NINE_CELLS: readonly CellDesign[] = [
  ...FRESH_CELLS,
  ...[1024, 2048, 8192].map((promptTokens) => ({
    probe: 'prompt-length',
    promptTokens,
    prefixTokens: promptTokens - 128,
  })),
]

export function simulatedRun({ law, cells, blocks, random, noise, ...options }: RunDesign): Sample[] {
  const samples: Sample[] = []
  for (let block = 0; block < blocks; block++) {
    for (const cell of random.shuffle(cells)) {
      for (let request = 0; request < (cell.concurrency ?? 1); request++) {
        const { promptTokens, prefixTokens = 0, outputTokens = 64, concurrency = 1 } = cell
        const fresh = promptTokens - prefixTokens
        const context = promptTokens + outputTokens / 2
        const peers = concurrency - 1
        const tokensUs = fresh * law.fresh + prefixTokens * law.hit + (law.curve ?? 0) * fresh ** 2
        const ttft = law.base + tokensUs / 1000 + (law.ttftPerPeer ?? 0) * peers
        const tpot = law.step + (law.perContext * context) / 1000 + (law.tpotPerPeer ?? 0) * peers
        samples.push(
          sample({
            target: options.target ?? 'a',
            probe: cell.probe,
            cell: [cell.probe, promptTokens, outputTokens, prefixTokens, concurrency].join('/'),
            block,
            atMs: samples.length * 1000,
            asked: {
              promptTokens,
              prefixTokens,
              outputTokens,
              cache: prefixTokens > 0 ? 'warm' : 'fresh',
              concurrency,
              rate: null,
              connection: 'reused',
            },
            ttft: ttft * noise(random, 'ttft', ttft),
            tpot: tpot * noise(random, 'tpot', tpot),
            promptTokens,
            outputTokens,
            ...(options.reportsCache === false ? {} : { cachedTokens: prefixTokens }),
            cacheState: options.reportsCache === false ? 'unverified' : 'confirmed',
          }),
        )
      }
    }
  }
  return samples
}

/** A successful sample with plain values, but for what is given. */
export function sample(given: Partial<Sample>): Sample {
  const ttft = given.ttft === undefined ? 100 : given.ttft
  const tpot = given.tpot === undefined ? 10 : given.tpot
  return {
    id: `${given.probe}-${given.atMs}`,
    target: 'a',
    probe: 'prompt-length',
    cell: 'prompt-length/1024/64/fresh/c1/reused',
    block: 0,
    attempt: 1,
    warmup: false,
    outcome: 'ok',
    status: 200,
    asked: {
      promptTokens: 1024,
      prefixTokens: 0,
      outputTokens: 64,
      cache: 'fresh',
      concurrency: 1,
      rate: null,
      connection: 'reused',
    },
    startedAt: '2026-11-23T09:00:00.000Z',
    atMs: 0,
    startDelay: 0,
    reused: true,
    dns: 0,
    connect: 0,
    tls: 0,
    ttfb: ttft,
    ttfe: ttft,
    ttfvt: ttft,
    ttftIntended: ttft,
    decodeRate: tpot === null ? null : 1000 / tpot,
    e2e: ttft === null ? null : ttft + 63 * (tpot ?? 0),
    e2eIntended: null,
    itl: null,
    coalesced: 0,
    tokenSource: 'usage',
    cacheState: 'confirmed',
    bytes: 1000,
    ...given,
    ttft,
    tpot,
  }
}

export const lognormal =
  (sd: number) =>
  (random: Random): number =>
    Math.exp(sd * random.normal())

/** Noise of log-sd `sd` in which each request resembles the last: AR(1), a chain a metric. */
export function autoregressive(rho: number, sd: number): RunDesign['noise'] {
  const last: Partial<Record<'ttft' | 'tpot', number>> = {}
  return (random, metric) => {
    const before = last[metric]
    const fresh = sd * random.normal()
    const value = before === undefined ? fresh : rho * before + Math.sqrt(1 - rho ** 2) * fresh
    last[metric] = value
    return Math.exp(value)
  }
}

/** 30 % of the requests 1.6 times slower, about the median of that noise. */
export function bimodal(sd: number): RunDesign['noise'] {
  const median = Math.exp(sd * 0.5659488) // Φ(z) = .5 ÷ .7, where the slow regime does not reach
  return (random) => (Math.exp(sd * random.normal()) * (random.next() < 0.3 ? 1.6 : 1)) / median
}
