/** Which causes are found, how surely and whose milliseconds, in worlds drawn afresh: by what the spans carry. */
import { createAttributor } from '../../src/attribute/attribute.js'
import { tiers, type Tier } from '../../src/span/causes.js'
import {
  calibration,
  classScores,
  createTally,
  errorAt,
  judge,
  labelScores,
  mean,
  merge,
  type Tally,
} from '../attribute/judge.js'
import { toSpan } from '../attribute/to-span.js'
import { drawWorld, WORLD_CAUSES, type World } from '../attribute/world.js'
import type { Check } from './check.js'

/** One fault takes its cause in turn, two are drawn. */
export interface Job {
  faults: 1 | 2
  world: number
}

export interface Result {
  faults: 1 | 2
  tallies: Record<Tier, Tally>
}

/** Of production, judged; those of the time before stand for what is ordinary. */
const SPANS = 800
/** Never used in tuning: that was done on `tune/…`. */
const SEEDS = 'judge/b'

export const jobsOf = (repeats: number): Job[] =>
  WORLD_CAUSES.flatMap((_, i) =>
    Array.from({ length: repeats }, (__, repeat): Job[] => {
      const world = repeat * WORLD_CAUSES.length + i
      return [
        { faults: 1, world },
        { faults: 2, world },
      ]
    }).flat(),
  )

export function draw({ faults, world }: Job, seeds = SEEDS, spans = SPANS): World {
  const among = faults === 1 ? [WORLD_CAUSES[world % WORLD_CAUSES.length]!] : WORLD_CAUSES
  return drawWorld(`${seeds}/${faults}/${world}`, { spans, faults, among })
}

export function judgeWorld(world: World): Record<Tier, Tally> {
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
      judge(tallies[tier], outcome, found[i]!, tier === 'D' || tier === 'E' ? 'lengths' : 'all')
    })
  }
  return tallies
}

interface Section {
  name: string
  faults: 1 | 2
  tiers: readonly Tier[]
  /** Least macro-F1: of verdicts, or with two faults of each cause that was named. */
  least?: number
  /** Most expected calibration error. */
  mostEce?: number
  /** Most misplaced time at the median, as a share of the span. */
  mostMisplaced?: number
}

const SECTIONS: readonly Section[] = [
  { name: 'full evidence', faults: 1, tiers: ['A', 'B'], mostEce: 0.05, mostMisplaced: 0.1 },
  { name: 'server timings (A)', faults: 1, tiers: ['A'], least: 0.95 },
  { name: 'first-token time, cache counts, one header (B)', faults: 1, tiers: ['B'], least: 0.95 },
  { name: 'first-token time only (C)', faults: 1, tiers: ['C'], mostEce: 0.05, mostMisplaced: 0.1 },
  { name: 'duration and tokens (D)', faults: 1, tiers: ['D'], least: 0.8 },
  { name: 'duration only (D, E)', faults: 1, tiers: ['D', 'E'], mostEce: 0.05, mostMisplaced: 0.1 },
  { name: 'two at once, full evidence', faults: 2, tiers: ['A', 'B'], least: 0.85, mostEce: 0.05 },
  { name: 'two at once (A)', faults: 2, tiers: ['A'], least: 0.85 },
  { name: 'two at once (B)', faults: 2, tiers: ['B'], least: 0.85 },
]

export const check: Check<Job, Result> = {
  jobs: jobsOf,
  work: (job) => ({ faults: job.faults, tallies: judgeWorld(draw(job)) }),
  report(results) {
    const lines: string[] = []
    const broken: string[] = []
    for (const section of SECTIONS) {
      const own = results.filter(({ faults }) => faults === section.faults)
      if (own.length === 0) continue
      const tally = merge(own.flatMap(({ tallies }) => section.tiers.map((tier) => tallies[tier])))
      const { text, problems } = reportSection(section, tally, own.length)
      lines.push(...text, '')
      broken.push(...problems.map((problem) => `${section.name}: ${problem}`))
    }
    return { lines, broken }
  },
}

function reportSection(
  { name, faults, least, mostEce, mostMisplaced }: Section,
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
  const scores = faults === 1 ? classScores(tally) : labelScores(tally)
  const { ece, brier } = calibration(tally)
  const abstained = Object.entries(tally.confusion).reduce(
    (sum, [key, count]) => sum + (key.endsWith('→ unknown') ? count : 0),
    0,
  )
  return {
    text: [
      `${name}: ${tally.spans} spans of ${worlds} worlds`,
      `  ${hold('macro-F1', mean(scores), least, true)}   ${hold('ECE', ece, mostEce, false)}   Brier ${brier.toFixed(3)}   unknown ${((100 * abstained) / tally.spans).toFixed(1)} %`,
      `  ${scores.map((score) => `${score.name} ${score.f1.toFixed(2)} (${score.count})`).join(', ')}`,
      `  misses: ${confusions(tally, 14)}`,
      `  ${hold('misplaced time, median', errorAt(tally, 'misplaced', 0.5), mostMisplaced, false)}, p90 ${errorAt(tally, 'misplaced', 0.9).toFixed(3)}; slow spans ${errorAt(tally, 'misplaced, slow spans', 0.5).toFixed(3)}, p90 ${errorAt(tally, 'misplaced, slow spans', 0.9).toFixed(3)}`,
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
