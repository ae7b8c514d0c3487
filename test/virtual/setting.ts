/** What a seed draws for its month: the scenario, the caps, and how much goes wrong. */
import type { AdaptiveProbe } from '../../src/plan/probe.js'
import type { Random } from '../../src/random/random.js'
import type { Caps } from '../../src/schedule/ledger.js'
import type { Mishaps } from './provider.js'

export const PRICE = { inputPerM: 3, outputPerM: 15 }
export const DAYS = 30

export interface Setting {
  startUtcMs: number
  timezone: string
  minute: number
  hour: number
  yaml: string
  /** In place of the scenario's probes: one that decides as it sees. */
  steady: boolean
  budget: { requests: number; tokens: number; cost: number }
  attempts: number
  maxRetryAfterS: number
  caps: Caps
  mishaps: Mishaps
  disk: DiskTrouble
  /** Share of the processes' lives that end in each way. */
  ends: { kill: number; powerCut: number; stop: number; clock: number }
}

export interface DiskTrouble {
  /** A call fails once: no space, an I/O error, too many files. */
  fails: number
  /** A write takes only a part. */
  short: number
  /** A day on which the disk is full from some hour on. */
  fullDay: number | null
}

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'] as const
/** In 2027 the clocks of these zones are changed in these months, or nothing happens at all. */
const STARTS = ['2027-03-05', '2027-03-20', '2027-06-10', '2027-09-20', '2027-10-15', '2027-10-25'] as const

const PROBES = [
  '{ probe: prompt-length, promptTokens: [48, 96], outputTokens: 6, blocks: 8 }',
  '{ probe: concurrency, concurrency: [1, 4], promptTokens: 48, outputTokens: 8, blocks: 3 }',
  '{ probe: prefix-cache, promptTokens: [112], suffixTokens: 48, outputTokens: 4, blocks: 5 }',
  '{ probe: arrival-rate, rate: [2], seconds: 6, maxInFlight: 4, promptTokens: 48, outputTokens: 12, blocks: 1 }',
  '{ probe: prompt-length, promptTokens: [40, 120], outputTokens: 4, blocks: 12, precision: 0.3 }',
] as const

/** The name under which the adaptive probe of the world is drawn. */
const STEADY = PROBES.length

export function drawSetting(random: Random): Setting {
  const pick = <T>(of: readonly T[]): T => of[random.int(of.length)]!
  const maybe = (share: number, value: () => number): number => (random.next() < share ? value() : 0)
  const probe = random.int(PROBES.length + 1)
  const isPrecise = probe === STEADY - 1
  const budget = {
    // Looks at the curve begin after 12 blocks: 24 requests.
    requests: isPrecise ? 32 : 20,
    tokens: random.int(3) === 0 ? 1500 : 20_000,
    cost: random.int(3) === 0 ? 0.008 : 0.05,
  }
  const attempts = 1 + random.int(4)
  const maxRetryAfterS = pick([0, 5, 60, 120])
  const hour = random.int(3) === 0 ? random.int(24) : 1 + random.int(3)
  const minute = random.int(60)
  const timezone = pick(ZONES)
  const jitterS = maybe(0.5, () => random.int(600))
  const day = Date.parse(`${pick(STARTS)}T00:00:00Z`)
  return {
    startUtcMs: day + random.int(86_400_000),
    timezone,
    minute,
    hour,
    steady: probe === STEADY,
    budget,
    attempts,
    maxRetryAfterS,
    caps: {
      perDay: random.int(2) === 0 ? null : budget.cost * (1 + random.int(3)),
      perMonth: random.int(2) === 0 ? null : budget.cost * (2 + random.int(30)),
    },
    mishaps: {
      broken: maybe(0.6, () => 0.2 * random.next()),
      hangs: maybe(0.4, () => 0.05 * random.next()),
      limited: maybe(0.6, () => 0.25 * random.next()),
      failing: maybe(0.5, () => 0.2 * random.next()),
      unauthorized: maybe(0.2, () => 0.02 * random.next()),
      lies: maybe(0.6, () => 0.5 * random.next()),
    },
    disk: {
      fails: maybe(0.5, () => 0.01 * random.next()),
      short: maybe(0.5, () => 0.1 * random.next()),
      fullDay: random.int(3) === 0 ? random.int(DAYS) : null,
    },
    ends: {
      kill: maybe(0.7, () => 0.5 * random.next()),
      powerCut: maybe(0.6, () => 0.3 * random.next()),
      stop: 0.2 * random.next(),
      clock: maybe(0.3, () => 0.3 * random.next()),
    },
    yaml: `name: month
targets:
  - name: t
    baseUrl: http://provider.simulated/v1
    model: m
    tokenizer: o200k_base
    cache: { minimumTokens: 0 }
    price: { inputPerM: ${PRICE.inputPerM}, outputPerM: ${PRICE.outputPerM} }
probes:
  - ${PROBES[probe] ?? PROBES[0]}
warmup: { requests: ${random.int(3)} }
retries: { attempts: ${attempts}, maxRetryAfterS: ${maxRetryAfterS} }
errorLimit: ${pick([0.05, 0.3, 1])}
budget: { requests: ${budget.requests}, tokens: ${budget.tokens}, cost: ${budget.cost} }
deadlines: { firstByteS: ${pick([2, 20])} }
schedule: { cron: "${minute} ${hour} * * *", timezone: ${timezone}, jitterS: ${jitterS} }
`,
  }
}

export const MOST_STEADY_BLOCKS = 14

/** Asks one cell again and again until it is known what to expect: at most 14 times, at least 4. */
export const steady: AdaptiveProbe<Record<string, never>> = {
  name: 'steady',
  feeds: null,
  settings: (z) => z.strictObject({}),
  defaults: {},
  next(_settings, { cells, blocks }) {
    const [cell] = cells
    const spread = cell?.ttft === undefined ? 1 : cell.ttft.p90 / cell.ttft.p50 - 1
    if (blocks >= 4 && spread < 0.6) return { done: `steady after ${blocks} blocks` }
    if (blocks >= MOST_STEADY_BLOCKS) return { done: 'never steady' }
    return { ask: [{ promptTokens: 56, prefixTokens: 0, outputTokens: 6, cache: 'fresh' }] }
  },
}
