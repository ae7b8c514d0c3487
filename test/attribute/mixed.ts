/**
 * Traces as `plumbline simulate --spans` writes them, of worlds that the method was not made on. Drawn are
 * - the provider: engines and hosted laws, 1-3 replicas, with neighbours that are always there or none;
 * - the service, and its rate, in each dialect, with all that the dialect has or with the first token alone;
 * - the faults: one to four of all kinds at once, each for a share of the calls or for a spell;
 * - the baseline: the probes of `probing.ts`, which met the same provider before, when nobody else called.
 */
import { knownTargets } from '../../src/attribute/known.js'
import { createAttributor } from '../../src/attribute/attribute.js'
import { createRandom, type Random } from '../../src/random/random.js'
import { CAUSES, type Cause } from '../../src/simulate/causes.js'
import { SPAN_DIALECTS } from '../../src/simulate/emit-dialects.js'
import type { Incident } from '../../src/simulate/incidents.js'
import { resolveProfile, type Profile } from '../../src/simulate/profiles.js'
import { labelledSpans, type SpansSetup } from '../../src/simulate/spans.js'
import type { SpanTruth } from '../../src/simulate/spans-truth.js'
import { runWithTwins } from '../../src/simulate/twins.js'
import { WorkloadSchema, type Workload } from '../../src/simulate/workload.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { createIntake } from '../../src/span/intake.js'
import { snapshotOf } from '../compare/simulated-snapshot.js'
import { createTally, judge, type Tally } from './judge.js'
import { probeRequests, toSample } from './probing.js'

export interface MixedWorld {
  setup: SpansSetup
  /** The baseline. */
  snapshot: Snapshot
}

const EPOCH_MS = Date.UTC(2026, 10, 23, 9)
const MODEL = 'm'

export function drawMixed(seed: string, requests: number): MixedWorld {
  const random = createRandom(seed)
  const profile = drawProfile(random.fork('profile'))
  const snapshot = baselineOf(profile, seed)
  const workload = drawWorkload(random.fork('workload'))
  const rate = workload.ratePerS ?? (profile.kind === 'law' ? 2 : 0.3 * profile.constants.replicas)
  return {
    snapshot,
    setup: {
      profile,
      incidents: drawFaults(profile, (requests / rate) * 1000, random.fork('faults')),
      seed,
      requests,
      workload,
      dialects: random
        .fork('dialects')
        .shuffle(SPAN_DIALECTS)
        .slice(0, 1 + random.int(2)),
      carries: ['full', 'ttft'],
      model: MODEL,
      epochMs: EPOCH_MS,
    },
  }
}

const PROFILES = ['8b-h100', '8b-a100', '70b-h100x4', 'hosted-frontier', 'hosted-reasoning', 'exact'] as const

function drawProfile(random: Random): Profile {
  const logUniform = (low: number, high: number): number => low * (high / low) ** random.next()
  const name = random.shuffle(PROFILES)[0]!
  const rttMs = logUniform(1, 60)
  const near = { name: 'near', rttMs, rttP95Ms: rttMs * (1.2 + 0.5 * random.next()) }
  const farMs = logUniform(120, 300)
  const far = { name: 'far', rttMs: farMs, rttP95Ms: farMs * (1.2 + 0.5 * random.next()) }
  const tenant = {
    name: 'other',
    ratePerS: logUniform(0.02, 0.3),
    cv: logUniform(1, 3),
    family: 'gamma',
    promptTokens: 1200,
    outputTokens: 150,
  }
  const isBusy = random.next() < 0.3
  const resolved = resolveProfile(name, {
    replicas: 1 + random.int(3),
    ...(name !== 'exact' && { regions: [near, far] }),
    ...(isBusy && name.includes('00') && { tenants: [tenant] }),
  })
  if (!resolved.ok) throw new Error(resolved.problems.join('; '))
  return resolved.profile
}

/** What a probe meets when nobody else is there: the tenants of the home replicas are. */
function baselineOf(profile: Profile, seed: string): Snapshot {
  const probes = probeRequests(profile)
  const outcomes = runWithTwins({ profile, incidents: [], seed: `${seed}/probes` }, probes)
  const endMs = probes.at(-1)!.arrivalMs + 60_000
  const startMs = EPOCH_MS - endMs
  const samples = outcomes
    .map((outcome, i) => ({ outcome, i }))
    .filter(({ outcome }) => outcome.outcome === 'ok')
    .map(({ outcome, i }) => toSample(probes[i]!, { ...outcome, region: coloOf(outcome.region) }, i, startMs))
  return snapshotOf(seed, samples, {
    resamples: 99,
    change: { startedAt: new Date(startMs).toISOString(), endedAt: new Date(EPOCH_MS).toISOString() },
  })
}

/** As the provider's headers name it, to probes and production alike. */
const coloOf = (region: string): string => region.slice(0, 3).toUpperCase()

function drawWorkload(random: Random): Workload {
  const logUniform = (low: number, high: number): number => low * (high / low) ** random.next()
  return WorkloadSchema.parse({
    cv: logUniform(1, 2.5),
    systemTokens: Math.round(logUniform(300, 6000)),
    turnTokens: Math.round(logUniform(60, 800)),
    answerTokens: Math.round(logUniform(40, 400)),
    // A conversation goes on before a cache forgets it.
    idleMs: logUniform(10_000, 120_000),
  })
}

const MOST_FAULTS = 4

function drawFaults(profile: Profile, lastsMs: number, random: Random): Incident[] {
  return random
    .shuffle(CAUSES)
    .slice(0, 1 + random.int(MOST_FAULTS))
    .map((cause) => drawFault(cause, profile, lastsMs, random.fork(cause)))
}

function drawFault(cause: Cause, { constants }: Profile, lastsMs: number, random: Random): Incident {
  const logUniform = (low: number, high: number): number => low * (high / low) ** random.next()
  const scattered = { fromMs: 0, toMs: Infinity, share: logUniform(0.02, 0.2) }
  const fromMs = lastsMs * (0.2 + 0.4 * random.next())
  const spell = { fromMs, toMs: fromMs + lastsMs * (0.1 + 0.3 * random.next()), share: 1 }
  const replica = random.int(constants.replicas)
  const far = constants.regions[1]?.name
  switch (cause) {
    case 'queueing':
    case 'network':
    case 'client-stall':
      return { cause, value: logUniform(150, 4000), ...scattered }
    case 'prefill-surge':
    case 'long-output':
      return { cause, value: logUniform(2, 8), ...scattered, share: 0.04 }
    case 'reasoning':
      return { cause, value: Math.round(logUniform(100, 1000)), ...scattered, share: 0.04 }
    case 'retry':
    case 'cold-cache':
      return { cause, value: 1, ...scattered }
    case 'slow-replica':
      return { cause, value: logUniform(1.3, 4), ...spell, replica }
    case 'noisy-neighbour':
      return { cause, value: 0.2 + 0.6 * random.next(), ...spell, replica }
    case 'route-change':
      return {
        cause,
        value: logUniform(1.2, 2.5),
        ...spell,
        toMs: Infinity,
        ...(far !== undefined && { region: far }),
      }
    default:
      return cause satisfies never
  }
}

/** Of each service so many calls tell what is ordinary; they are judged apart. */
const EARLY = 100

/** By what the spans carried: `full` and `ttft`, and the first calls of services, `full early`. */
export function judgeMixed({ setup, snapshot }: MixedWorld): Record<string, Tally> {
  const truths = new Map<string, SpanTruth>()
  const intake = createIntake()
  for (const { line, truth } of labelledSpans(setup)) {
    intake.value(JSON.parse(line))
    if (truth.outcome === 'ok') truths.set(`${truth.traceId}/${truth.spanId}`, truth)
  }
  intake.end()
  const attributor = createAttributor({ known: knownTargets(snapshot) })
  const spans = intake.take()
  const tallies: Record<string, Tally> = {}
  const seen = new Map<string, number>()
  for (const found of [...spans.flatMap((span) => attributor.push(span)), ...attributor.end()]) {
    const truth = truths.get(`${found.traceId}/${found.spanId}`)
    if (truth === undefined) continue
    const outcome = { e2eMs: truth.durationMs, causesMs: truth.causesMs, phases: truth.enginePhases }
    const nth = (seen.get(truth.service) ?? 0) + 1
    seen.set(truth.service, nth)
    const name = nth > EARLY ? truth.carry : `${truth.carry} early`
    judge((tallies[name] ??= createTally()), outcome, found, 'all', 'idle')
  }
  return tallies
}
