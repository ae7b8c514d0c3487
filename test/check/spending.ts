/** What it takes to know a prefill curve as closely as asked: cells chosen by worth, against the whole grid, in virtual time. */
import { prefixCache } from '../../probes/prefix-cache.js'
import { fitCurves } from '../../src/curve/fit-curves.js'
import type { Condition } from '../../src/plan/cell.js'
import type { Precision } from '../../src/plan/precision.js'
import { isLook } from '../../src/plan/spend.js'
import type { VisitBlock } from '../../src/plan/visit.js'
import { createRandom, type Random } from '../../src/random/random.js'
import { createSeen } from '../../src/run/seen.js'
import { sourcesOf } from '../../src/run/sources.js'
import type { Sample } from '../../src/sample/sample.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { drawHosted } from '../../src/simulate/hosted-draws.js'
import { resolveProfile } from '../../src/simulate/profiles.js'
import { sample } from '../curve/simulated-run.js'

export type Way = 'chosen' | 'whole grid'

export interface Spent {
  /** Primes included. */
  requests: number
  blocks: number
  /** Half-width of each parameter's interval ÷ the parameter. */
  halfWidths: Readonly<Record<string, number>>
  /** Whether each interval holds the truth. */
  covered: Readonly<Record<string, boolean>>
  reason: string
}

// Enough for the whole grid too: a run that gives up would make it look cheaper than it is.
const MOST_BLOCKS = 800
const TARGET = 't'
/** Six fresh lengths; the longer three also warm, all but their last 128 tokens: below, the cache has its minimum. */
const SETTINGS = {
  ...prefixCache.defaults,
  promptTokens: [128, 294, 676, 1552, 3566, 8192],
  suffixTokens: 128,
  outputTokens: 2,
}

const hosted = (() => {
  const resolved = resolveProfile('hosted-frontier')
  if (!resolved.ok || resolved.profile.kind !== 'law') throw new Error('hosted-frontier is no law')
  return resolved.profile.constants
})()

/** What stands beside the tokens of one request: its median belongs to the base, as the law has it. */
function besideMs(random: Random): { ms: number; misses: boolean } {
  const { gatewayMs, queueMs, missesCache, stallAt, stallMs } = drawHosted(hosted, 2, random)
  return { ms: hosted.baseMs + gatewayMs + queueMs + (stallAt === 0 ? stallMs : 0), misses: missesCache }
}

/** A hosted law with so much bend that a straight one is off by two fifths in `fresh`, µs a token². */
export const BENT_US = 0.0024

const TRUTH = (() => {
  const random = createRandom('truth of the hosted base')
  const base = Array.from({ length: 100_001 }, () => besideMs(random).ms).sort((a, b) => a - b)[50_000]!
  return { base, fresh: hosted.freshUs, hit: hosted.hitUs }
})()

function answer(condition: Condition, given: Partial<Sample>, curveUs: number, random: Random): Sample {
  const { promptTokens, prefixTokens, outputTokens, cache } = condition
  const { ms, misses } = besideMs(random)
  const step = hosted.cacheStepTokens
  const cachedTokens = cache === 'warm' && !misses ? Math.floor(prefixTokens / step) * step : 0
  const fresh = promptTokens - cachedTokens
  const ttft = ms + (fresh * hosted.freshUs + cachedTokens * hosted.hitUs + fresh ** 2 * curveUs) / 1000
  return sample({
    ...given,
    target: TARGET,
    asked: {
      promptTokens,
      prefixTokens,
      outputTokens,
      cache,
      concurrency: 1,
      rate: null,
      connection: 'reused',
    },
    ttft,
    tpot: null,
    promptTokens,
    cachedTokens,
    outputTokens,
    cacheState: cache === 'warm' && misses ? 'contradicted' : 'confirmed',
  })
}

/** One run until the curve is known as closely as asked. */
export function spendOnce(
  way: Way,
  precision: Readonly<Record<string, number>>,
  seed: string,
  curveUs = 0,
): Spent {
  const random = createRandom(seed)
  const server = random.fork('server')
  const samples: Sample[] = []
  const keeper = createSeen(() => samples, random.fork('seen'))
  const source = sourceOf(way === 'chosen' ? precision : null, random, keeper)
  let requests = 0
  let blocks = 0
  let reason = 'all blocks run'
  for (let block = source.next(); ; block = source.next()) {
    if ('done' in block) {
      reason = block.done
      break
    }
    requests += make(block, samples, curveUs, server)
    keeper.note(block)
    blocks++
    if (
      way === 'whole grid' &&
      isLook(blocks) &&
      isNarrow(keeper.fit('prefix-cache', TARGET, 'prefill', [0, blocks]), precision)
    )
      break
  }
  const [curve] = fitCurves(samples, { random: random.fork('end'), resamples: 399, laws: ['prefill'] }).curves
  const parameters = Object.entries(curve?.parameters ?? {})
  return {
    requests,
    blocks,
    reason,
    halfWidths: Object.fromEntries(
      parameters.map(([name, { value, low, high }]) => [name, (high - low) / 2 / value]),
    ),
    covered: Object.fromEntries(
      Object.entries(TRUTH).map(([name, truth]) => {
        const parameter = curve?.parameters[name]
        return [name, parameter !== undefined && parameter.low <= truth && truth <= parameter.high]
      }),
    ),
  }
}

function sourceOf(precision: Precision | null, random: Random, keeper: ReturnType<typeof createSeen>) {
  const settings = { ...SETTINGS, blocks: precision === null ? MOST_BLOCKS : 1 }
  const scenario = {
    targets: [
      { name: TARGET, cache: { minimumTokens: hosted.cacheMinTokens, stepTokens: hosted.cacheStepTokens } },
    ],
    probes: [{ probe: prefixCache, settings, targets: [TARGET], file: null, precision }],
    prompts: null,
    load: { kind: 'closed', concurrency: 1 },
    // The rest of a scenario says nothing of what is asked.
  } as unknown as Scenario
  const { sources } = sourcesOf(scenario, { random, seen: keeper.of, fit: keeper.fit, ownRequests: [] })
  return sources[0]!
}

/** Makes the requests of a block; answers with how many it took. */
function make({ block, visits }: VisitBlock, samples: Sample[], curveUs: number, server: Random): number {
  let requests = 0
  for (const visit of visits) {
    for (const { condition, cell, probe } of visit.chains.flat()) {
      requests += condition.cache === 'warm' ? 2 : 1
      const id = `s-${samples.length}`
      samples.push(
        answer(condition, { id, probe, cell, block, atMs: samples.length * 1000 }, curveUs, server.fork(id)),
      )
    }
  }
  return requests
}

function isNarrow(
  fitted: Readonly<Record<string, { value: number; low: number; high: number }>>,
  precision: Readonly<Record<string, number>>,
): boolean {
  return Object.entries(precision).every(([name, target]) => {
    const parameter = fitted[name]
    return (
      parameter !== undefined && ((parameter.high - parameter.low) / 2 / parameter.value) * 1.06 <= target
    )
  })
}

const shareOf = (spent: readonly Spent[], is: (one: Spent) => boolean): number =>
  spent.filter(is).length / spent.length

/** Requests of the chosen ÷ those of the grid, each as if it had come to just what is asked: a width falls with their root. */
function atWidth(
  chosen: readonly Spent[],
  whole: readonly Spent[],
  precision: Readonly<Record<string, number>>,
): number {
  const needed = (spent: readonly Spent[]): number =>
    spent.reduce((sum, { requests, halfWidths }) => {
      const ratios = Object.entries(precision).map(([name, target]) => (halfWidths[name] ?? 0) / target)
      return sum + requests * Math.max(...ratios) ** 2
    }, 0) / spent.length
  return needed(chosen) / needed(whole)
}

interface Job {
  setting: string
  precision: Readonly<Record<string, number>>
  /** Of a bent law there is nothing to save: it is to be seen. */
  way: Way | 'chosen, bent'
  first: number
  count: number
}

interface Result {
  job: Job
  spent: Spent[]
}

/** `5 %` for all holds hit only as far as it moves predictions by 5 %, which is 40 % of it here. */
const SETTINGS_ASKED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'base 5 %, fresh 5 %, hit 40 %': { base: 0.05, fresh: 0.05, hit: 0.4 },
  'base 5 %, fresh 5 %, hit 20 %': { base: 0.05, fresh: 0.05, hit: 0.2 },
  'base 5 %, fresh 5 %': { base: 0.05, fresh: 0.05 },
}
const CHUNK = 10
/** The contract: at most half of the requests, and intervals that still hold. */
const MOST_SHARE = 0.5
const LEAST_COVERED = 0.93
/** Of the runs against a bent law, those that may end as if it were straight, and say nothing. */
const MOST_STRAIGHT = 0.05

export const check = {
  jobs: (repeats: number): Job[] =>
    Object.entries(SETTINGS_ASKED).flatMap(([setting, precision]) =>
      (['chosen', 'whole grid', 'chosen, bent'] as const).flatMap((way) =>
        Array.from({ length: Math.ceil(repeats / CHUNK) }, (_, i) => ({
          setting,
          precision,
          way,
          first: i * CHUNK,
          count: Math.min(CHUNK, repeats - i * CHUNK),
        })),
      ),
    ),
  work: (job: Job): Result => ({
    job,
    spent: Array.from({ length: job.count }, (_, i) => {
      const seed = `spending/${job.setting}/${job.first + i}`
      return job.way === 'chosen, bent'
        ? spendOnce('chosen', job.precision, seed, BENT_US)
        : spendOnce(job.way, job.precision, seed)
    }),
  }),
  report(results: readonly Result[], repeats: number): { lines: string[]; broken: string[] } {
    const lines = [
      'asked of the prefill curve        requests, chosen   whole grid   share   at equal width   gave up, %   covered base/fresh/hit, %',
    ]
    const broken: string[] = []
    for (const [setting, precision] of Object.entries(SETTINGS_ASKED)) {
      const of = (way: Job['way']): Spent[] =>
        results.filter(({ job }) => job.setting === setting && job.way === way).flatMap(({ spent }) => spent)
      const mean = (spent: readonly Spent[]): number =>
        spent.reduce((sum, { requests }) => sum + requests, 0) / spent.length
      const [chosen, whole, bent] = [of('chosen'), of('whole grid'), of('chosen, bent')]
      if (chosen.length === 0 || whole.length === 0 || bent.length === 0) continue
      const share = mean(chosen) / mean(whole)
      const gaveUp = shareOf(chosen, ({ reason }) => reason.startsWith('stopped'))
      const shares = ['base', 'fresh', 'hit'].map(
        (name) => chosen.filter(({ covered }) => covered[name]).length / chosen.length,
      )
      const figures = shares.map((each) => (100 * each).toFixed(1)).join(' / ')
      lines.push(
        `${setting.padEnd(34)}${mean(chosen).toFixed(0).padStart(16)}${mean(whole).toFixed(0).padStart(13)}${share.toFixed(2).padStart(8)}${atWidth(chosen, whole, precision).toFixed(2).padStart(17)}${(100 * gaveUp).toFixed(0).padStart(13)}   ${figures}`,
      )
      if (share > MOST_SHARE)
        broken.push(`${setting}: ${(100 * share).toFixed(0)} % of the whole grid's requests`)
      // Two standard errors for chance: 200 repeats know a share of .95 within .03.
      const slack = 2 * Math.sqrt((LEAST_COVERED * (1 - LEAST_COVERED)) / repeats)
      for (const [i, name] of ['base', 'fresh', 'hit'].entries())
        if (shares[i]! < LEAST_COVERED - slack)
          broken.push(`${setting}: ${name} covered in ${(100 * shares[i]!).toFixed(1)} %`)
      const quadratic = shareOf(bent, ({ halfWidths }) => 'curve' in halfWidths)
      const straight = shareOf(bent, ({ reason }) => reason.includes('as asked of a straight law'))
      const fresh = shareOf(bent, ({ covered }) => covered['fresh'] === true)
      lines.push(
        `    a bent law: ${mean(bent).toFixed(0)} requests; quadratic in ${(100 * quadratic).toFixed(1)} %, taken for straight in ${(100 * straight).toFixed(1)} %, fresh covered in ${(100 * fresh).toFixed(1)} %`,
      )
      if (straight > MOST_STRAIGHT)
        broken.push(`${setting}: a bend taken for straight in ${(100 * straight).toFixed(1)} %`)
    }
    return { lines, broken }
  },
}
