/** Which causes are found, how surely and whose milliseconds, in worlds drawn afresh: by what the spans carry. */
import { createAttributor } from '../../src/attribute/attribute.js'
import { causes as causeNames, tiers, type Tier } from '../../src/span/causes.js'
import {
  calibration,
  classScores,
  createTally,
  errorAt,
  judge,
  labelScores,
  mean,
  merge,
  type Scope,
  type Tally,
} from '../attribute/judge.js'
import { toSpan } from '../attribute/to-span.js'
import { drawMixed, judgeMixed } from '../attribute/mixed.js'
import { judgeWritten } from '../attribute/written.js'
import { drawWorld, WORLD_CAUSES, type World } from '../attribute/world.js'
import type { Check } from './check.js'

/**
 * `one`, `two`: so many faults, each tier from memory. `idle`: one fault, the baseline of an engine that did nothing else.
 * `written`: one fault, the spans written in each dialect and read again. `mixed`: several of all kinds, in traces as
 * `plumbline simulate --spans` writes them.
 */
const KINDS = ['one', 'two', 'idle', 'written', 'mixed'] as const
type Kind = (typeof KINDS)[number]

/** One fault takes its cause in turn, two are drawn. */
export interface Job {
  kind: Kind
  world: number
}

export interface Result {
  kind: Kind
  /** By tier, or by dialect and what it carried. */
  tallies: Record<string, Tally>
}

/** Of production, judged; those of the time before stand for what is ordinary. */
const SPANS = 800
/** Of each dialect. */
const WRITTEN_SPANS = 300
const MIXED_SPANS = 800
/** Never used in tuning: that was done on `tune/…`. Whoever doubts them names others. */
const SEEDS = process.env['PLUMBLINE_CHECK_SEEDS'] ?? 'judge/d'

export const jobsOf = (repeats: number): Job[] =>
  Array.from({ length: repeats * WORLD_CAUSES.length }, (_, world) =>
    // Forty services in each world that is written: one round of them is enough.
    KINDS.filter((kind) => kind !== 'written' || world < WORLD_CAUSES.length).map((kind): Job => ({
      kind,
      world,
    })),
  ).flat()

export function draw(
  { kind, world }: { kind: Exclude<Kind, 'mixed'>; world: number },
  seeds = SEEDS,
  spans = SPANS,
): World {
  const among = kind === 'two' ? WORLD_CAUSES : [WORLD_CAUSES[world % WORLD_CAUSES.length]!]
  const faults = kind === 'two' ? 2 : 1
  // One and two faults have the seeds that they always had.
  const name = kind === 'one' || kind === 'two' ? faults : kind
  return drawWorld(`${seeds}/${name}/${world}`, {
    spans: kind === 'written' ? Math.min(spans, WRITTEN_SPANS) : spans,
    faults,
    among,
    idle: kind === 'idle',
    keepTokens: kind === 'written',
  })
}

export function judgeWorld(world: World, baseline: 'busy' | 'idle' = 'busy'): Record<Tier, Tally> {
  const tallies = { A: createTally(), B: createTally(), C: createTally(), D: createTally(), E: createTally() }
  const { constants } = world.profile
  const hidden = constants.reasoningTokens > 0 && !constants.streamsReasoning
  for (const tier of tiers) {
    const attributor = createAttributor({ known: world.known })
    const spans = world.outcomes.map((outcome, i) =>
      toSpan(outcome, world.conversations[i]!, world.epochMs, tier, hidden),
    )
    const found = [...spans.flatMap((span) => attributor.push(span)), ...attributor.end()]
    world.outcomes.forEach((outcome, i) => {
      if (i < world.history || outcome.outcome !== 'ok') return
      judge(tallies[tier], outcome, found[i]!, scopeOf(tier), baseline)
    })
  }
  return tallies
}

const scopeOf = (tier: Tier): Scope => (tier === 'D' || tier === 'E' ? 'lengths' : 'all')

interface Section {
  name: string
  kind: Kind
  tiers: readonly Tier[]
  /** Least macro-F1: of verdicts, or with two faults of each cause that was named. */
  least?: number
  /** Most expected calibration error. */
  mostEce?: number
  /** Most misplaced time at the median, as a share of the span. */
  mostMisplaced?: number
}

const SECTIONS: readonly Section[] = [
  {
    name: 'full evidence (A, B)',
    kind: 'one',
    tiers: ['A', 'B'],
    least: 0.95,
    mostEce: 0.05,
    mostMisplaced: 0.1,
  },
  { name: 'server timings (A)', kind: 'one', tiers: ['A'] },
  { name: 'first-token time, cache counts, one header (B)', kind: 'one', tiers: ['B'] },
  { name: 'first-token time only (C)', kind: 'one', tiers: ['C'], mostEce: 0.05, mostMisplaced: 0.1 },
  { name: 'duration and tokens (D)', kind: 'one', tiers: ['D'], least: 0.8 },
  { name: 'duration only (D, E)', kind: 'one', tiers: ['D', 'E'], mostEce: 0.05, mostMisplaced: 0.1 },
  { name: 'two at once, full evidence (A, B)', kind: 'two', tiers: ['A', 'B'], least: 0.85, mostEce: 0.05 },
  { name: 'two at once (A)', kind: 'two', tiers: ['A'] },
  { name: 'two at once (B)', kind: 'two', tiers: ['B'] },
  {
    name: 'baseline of an idle engine, full evidence (A, B)',
    kind: 'idle',
    tiers: ['A', 'B'],
    mostEce: 0.05,
  },
  { name: 'baseline of an idle engine (C)', kind: 'idle', tiers: ['C'], mostEce: 0.05 },
  { name: 'baseline of an idle engine (D, E)', kind: 'idle', tiers: ['D', 'E'], mostEce: 0.05 },
]

export const check: Check<Job, Result> = {
  jobs: jobsOf,
  work: ({ kind, world }) => {
    if (kind === 'mixed') {
      return { kind, tallies: judgeMixed(drawMixed(`${SEEDS}/mixed/${world}`, MIXED_SPANS)) }
    }
    const drawn = draw({ kind, world })
    return {
      kind,
      tallies:
        kind === 'written'
          ? judgeWritten(drawn, scopeOf)
          : judgeWorld(drawn, kind === 'idle' ? 'idle' : 'busy'),
    }
  },
  report(results) {
    const lines: string[] = []
    const broken: string[] = []
    for (const section of SECTIONS) {
      const own = results.filter(({ kind }) => kind === section.kind)
      if (own.length === 0) continue
      const tally = merge(own.flatMap(({ tallies }) => section.tiers.flatMap((tier) => tallies[tier] ?? [])))
      const { text, problems } = reportSection(section, tally, own.length)
      lines.push(...text, '')
      broken.push(...problems.map((problem) => `${section.name}: ${problem}`))
    }
    const mixed = results.filter(({ kind }) => kind === 'mixed')
    for (const carry of ['full', 'ttft'] as const) {
      const { text, problems } = reportMixed(mixed, carry)
      lines.push(...text, '')
      broken.push(...problems)
    }
    lines.push(...reportWritten(results.filter(({ kind }) => kind === 'written')))
    return { lines, broken }
  },
}

/** Least share of the verdicts that name a cause and are right, of each cause that was named so often, and over all. */
const LEAST_RIGHT = 0.8
const LEAST_NAMED = 20

/** Of each cause: how many verdicts that name it are right, and how many of the calls that it slowed most are told so. */
function reportMixed(
  results: readonly Result[],
  carry: 'full' | 'ttft',
): { text: string[]; problems: string[] } {
  if (results.length === 0) return { text: [], problems: [] }
  const of = (name: string): Tally => merge(results.flatMap(({ tallies }) => tallies[name] ?? []))
  const tally = of(carry)
  const problems: string[] = []
  const name = `mixes, ${carry === 'full' ? 'all that the dialect has' : 'first-token time only'}`
  const { ece, brier } = calibration(tally)
  if (ece > 0.05) problems.push(`${name}: ECE ${ece.toFixed(3)}, most 0.05`)
  const rows = causeNames.flatMap((cause) => {
    const { all, right } = accusedOf(tally, [cause])
    const own = Object.entries(tally.confusion).filter(([key]) => key.startsWith(`${cause} → `))
    const befallen = own.reduce((sum, [, count]) => sum + count, 0)
    const found = tally.confusion[`${cause} → ${cause}`] ?? 0
    return all + befallen === 0 ? [] : [`${cause} ${right} of ${all} (found ${found} of ${befallen})`]
  })
  for (const cause of causeNames) {
    const { all, right } = accusedOf(tally, [cause])
    // What the first-token time alone cannot tell apart is not to be named; over all causes it holds there too.
    if (carry === 'full' && all >= LEAST_NAMED && right < LEAST_RIGHT * all)
      problems.push(`${name}: ${cause} right ${right} of ${all}, least ${LEAST_RIGHT}`)
  }
  const every = accusedOf(tally, causeNames)
  if (every.right < LEAST_RIGHT * every.all)
    problems.push(`${name}: named causes right ${every.right} of ${every.all}, least ${LEAST_RIGHT}`)
  const early = accusedOf(of(`${carry} early`), causeNames)
  return {
    text: [
      `${name}: ${tally.spans} spans of ${results.length} worlds`,
      `  named and right: ${every.right} of ${every.all}   ECE ${ece.toFixed(3)}   Brier ${brier.toFixed(3)}   unknown ${((100 * unknowns(tally)) / tally.spans).toFixed(1)} %`,
      `  ${rows.join(', ')}`,
      `  misses: ${confusions(tally, 14)}`,
      `  misplaced time, median ${errorAt(tally, 'misplaced', 0.5).toFixed(3)}; slow spans ${errorAt(tally, 'misplaced, slow spans', 0.5).toFixed(3)}`,
      `  of the first hundred calls of each service: ${early.right} of ${early.all} named causes right`,
    ],
    problems,
  }
}

function accusedOf({ accused }: Tally, causes: readonly string[]): { all: number; right: number } {
  const sum = { all: 0, right: 0 }
  for (const cause of causes) {
    sum.all += accused[cause]?.all ?? 0
    sum.right += accused[cause]?.right ?? 0
  }
  return sum
}

/** One line a dialect and what its spans carried. */
function reportWritten(results: readonly Result[]): string[] {
  if (results.length === 0) return []
  const names = [...new Set(results.flatMap(({ tallies }) => Object.keys(tallies)))]
  const of = (name: string): Tally => merge(results.flatMap(({ tallies }) => tallies[name] ?? []))
  const rows = names
    .filter((name) => !name.includes(' '))
    .map((name) => {
      const tally = of(name)
      const { ece, brier } = calibration(tally)
      const share = (count: number): string => `${((100 * count) / tally.spans).toFixed(1)} %`
      const ofTiers = names
        .filter((each) => each.startsWith(`${name} `))
        .map(
          (each) => `${each.slice(name.length + 1)} ${((100 * of(each).spans) / tally.spans).toFixed(0)} %`,
        )
      return [
        name,
        ofTiers.sort().join(', '),
        mean(classScores(tally)).toFixed(3),
        ece.toFixed(3),
        brier.toFixed(3),
        share(unknowns(tally)),
        errorAt(tally, 'misplaced', 0.5).toFixed(3),
        String(tally.spans),
      ]
    })
  const head = [
    'written and read again',
    'tiers',
    'macro-F1',
    'ECE',
    'Brier',
    'unknown',
    'misplaced',
    'spans',
  ]
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  return [head, ...rows].map((row) =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  )
}

const unknowns = ({ confusion }: Tally): number =>
  Object.entries(confusion).reduce((sum, [key, count]) => sum + (key.endsWith('→ unknown') ? count : 0), 0)

/** Median of misplaced milliseconds by phase, as shares of the span. */
const PHASES = ['network', 'queue', 'prefill', 'reasoning', 'decode', 'retry', 'client']

function reportSection(
  { name, kind, least, mostEce, mostMisplaced }: Section,
  tally: Tally,
  worlds: number,
): { text: string[]; problems: string[] } {
  const problems: string[] = []
  const hold = (what: string, value: number, limit: number | undefined, isLeast: boolean): string => {
    if (limit === undefined) return `${what} ${value.toFixed(3)}`
    const holds = isLeast ? value >= limit : value <= limit
    if (!holds) problems.push(`${what} ${value.toFixed(3)}, ${isLeast ? 'least' : 'most'} ${limit}`)
    return `${what} ${value.toFixed(3)}${holds ? '' : '!'}`
  }
  const scores = kind === 'two' ? labelScores(tally) : classScores(tally)
  const { ece, brier } = calibration(tally)
  const { all, right } = accusedOf(tally, ['noisy-neighbour', 'slow-replica'])
  return {
    text: [
      `${name}: ${tally.spans} spans of ${worlds} worlds`,
      `  ${hold('macro-F1', mean(scores), least, true)}   ${hold('ECE', ece, mostEce, false)}   Brier ${brier.toFixed(3)}   unknown ${((100 * unknowns(tally)) / tally.spans).toFixed(1)} %`,
      `  ${scores.map((score) => `${score.name} ${score.f1.toFixed(2)} (${score.count})`).join(', ')}`,
      `  misses: ${confusions(tally, 14)}`,
      `  ${hold('misplaced time, median', errorAt(tally, 'misplaced', 0.5), mostMisplaced, false)}, p90 ${errorAt(tally, 'misplaced', 0.9).toFixed(3)}; slow spans ${errorAt(tally, 'misplaced, slow spans', 0.5).toFixed(3)}, p90 ${errorAt(tally, 'misplaced, slow spans', 0.9).toFixed(3)}`,
      `  by phase, p90: ${PHASES.map((phase) => `${phase} ${errorAt(tally, phase, 0.9).toFixed(3)}`).join(', ')}`,
      `  noisy-neighbour and slow-replica: ${right} of ${all} right`,
    ],
    problems,
  }
}

function confusions({ confusion }: Tally, most: number): string {
  return Object.entries(confusion)
    .filter(([key]) => {
      const [truth, verdict] = key.split(' → ')
      return truth !== verdict
    })
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([key, count]) => `${key}: ${count}`)
    .join('; ')
}
