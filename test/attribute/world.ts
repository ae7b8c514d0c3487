/**
 * Worlds to attribute in: a provider drawn at random, a service that uses it, a baseline by probing it, and what went
 * wrong. Drawn are
 * - the provider: engines (8B and 70B, three kinds of machine) and hosted laws (with and without reasoning, streamed or
 *   hidden), 2-5 replicas, the round trip, gateway, base, prefill, decode, their growth with context, the usual queue;
 * - the service: its system prompt, turns, answers, thoughts, rate (an engine at 5-25 % of a request a second and
 *   replica, so that its own calls meet now and then), 24 tenants that keep to replicas;
 * - the baseline: twenty blocks of six fresh and three warm prompts while the service is at work; `idle`, while it is not,
 *   of an engine that the service then crowds (10-100 % of a request a second and replica);
 * - the fault: sizes log-uniform from .1 to 3 times the healthy span. Waits, retries, misses and stalls befall 5-15 % of
 *   calls, surges of lengths 4 %; a replica is slow or crowded for a spell; a change of route stays.
 */
import { knownTargets, type Known } from '../../src/attribute/known.js'
import { createRandom, type Random } from '../../src/random/random.js'
import { CAUSES, type Cause } from '../../src/simulate/causes.js'
import type { Incident } from '../../src/simulate/incidents.js'
import { resolveProfile, type Profile } from '../../src/simulate/profiles.js'
import { runWithTwins } from '../../src/simulate/twins.js'
import type { LabelledOutcome } from '../../src/simulate/virtual-request.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { snapshotOf } from '../compare/simulated-snapshot.js'
import { probeRequests, toSample } from './probing.js'
import { drawService, healthyMs, production, type Surge } from './service.js'

/** The causes that a world may hold. */
export const WORLD_CAUSES: readonly Cause[] = CAUSES

export interface World {
  snapshot: Snapshot
  known: Known[]
  profile: Profile
  causes: Cause[]
  /** Of production; in order of arrival. */
  outcomes: LabelledOutcome[]
  /** So many of them were made before anything went wrong: they are what is ordinary, and are not judged. */
  history: number
  /** Conversation of each call. */
  conversations: readonly number[]
  epochMs: number
}

export interface WorldOptions {
  /** To be judged. */
  spans: number
  /** Causes at once. */
  faults: number
  /** Of these. @default all */
  among?: readonly Cause[]
  /** The baseline is that of an engine that does nothing else. @default false */
  idle?: boolean
  /** The arrival of each token is kept. @default false */
  keepTokens?: boolean
}

const HISTORY = 400
const AFTER_PROBES_MS = 60_000

/** The same seed gives the same world. */
export function drawWorld(
  seed: string,
  { spans, faults, among = WORLD_CAUSES, idle = false, keepTokens = false }: WorldOptions,
): World {
  const random = createRandom(seed)
  const profile = drawProfile(random.fork('profile'), idle ? ENGINES : [...HOSTED, ...ENGINES])
  const service = drawService(profile, random.fork('service'))
  if (idle) service.ratePerS = 0.1 * 10 ** random.fork('load').next() * profile.constants.replicas
  const probes = probeRequests(profile)
  // The service is at work while the probes run, so that what its own calls cost each other stands in the baseline.
  const startMs = Math.max(probes.at(-1)!.arrivalMs + AFTER_PROBES_MS, (HISTORY / service.ratePerS) * 1000)
  const scene = {
    profile,
    healthyMs: healthyMs(profile, service),
    startMs,
    endMs: startMs + (spans / service.ratePerS) * 1000,
  }
  const causes = random.fork('causes').shuffle(among).slice(0, faults)
  const faultsDrawn = causes.map((cause) => drawFault(cause, scene, random.fork(`incident/${cause}`)))
  const surges = faultsDrawn.filter((fault) => 'size' in fault)
  const incidents = faultsDrawn.filter((fault) => 'value' in fault)
  const calls = production(profile, service, { count: spans, startMs, surges }, random.fork('calls'))
  const all = [
    ...probes.map((request, i) => ({ request, probe: i, conversation: -1 })),
    ...calls.requests.map((request, i) => ({ request, probe: -1, conversation: calls.conversations[i]! })),
  ].sort((a, b) => a.request.arrivalMs - b.request.arrivalMs)
  const run = (of: typeof all, what: readonly Incident[]) => {
    const requests = of.map(({ request }) => (keepTokens ? { ...request, keepTokens } : request))
    const outcomes = runWithTwins({ profile, incidents: what, seed }, requests)
    return of.map((each, i) => ({ ...each, outcome: outcomes[i]! }))
  }
  const isProbe = ({ probe }: (typeof all)[number]): boolean => probe >= 0
  const pairs = idle
    ? [
        ...run(all.filter(isProbe), []),
        ...run(
          all.filter((each) => !isProbe(each)),
          incidents,
        ),
      ]
    : run(all, incidents)
  const served = pairs.filter(({ probe }) => probe < 0)
  const epochMs = Date.UTC(2026, 10, 23, 9)
  const samples = pairs
    .filter(({ probe }) => probe >= 0)
    .map(({ request, outcome, probe }) => toSample(request, outcome, probe, epochMs))
  const snapshot = snapshotOf(seed, samples, {
    resamples: 99,
    change: {
      startedAt: new Date(epochMs).toISOString(),
      endedAt: new Date(epochMs + startMs).toISOString(),
    },
  })
  return {
    snapshot,
    known: knownTargets(snapshot),
    profile,
    causes,
    outcomes: served.map(({ outcome }) => outcome),
    conversations: served.map(({ conversation }) => conversation),
    history: served.filter(({ request }) => request.arrivalMs < startMs).length,
    epochMs,
  }
}

const HOSTED = ['hosted-frontier', 'hosted-reasoning']
const ENGINES = ['8b-h100', '70b-h100x4', '8b-a100']

function drawProfile(random: Random, names: readonly string[]): Profile {
  const logUniform = (low: number, high: number): number => low * (high / low) ** random.next()
  const replicas = 2 + random.int(4)
  const name = random.shuffle(names)[0]!
  const regions = [
    { name: 'near', rttMs: logUniform(3, 60), rttP95Ms: 0 },
    { name: 'far', rttMs: logUniform(120, 300), rttP95Ms: 0 },
  ].map((region) => ({ ...region, rttP95Ms: region.rttMs * (1.2 + 0.5 * random.next()) }))
  const around = { replicas, regions, stallShare: 0, overflowPerMinute: 0 }
  const hosted = name.startsWith('hosted')
  const own = hosted
    ? {
        baseMs: logUniform(150, 600),
        freshUs: logUniform(15, 120),
        hitUs: logUniform(1, 8),
        tpotMs: logUniform(6, 30),
        perContextNs: logUniform(5, 50),
        queueMedianMs: logUniform(10, 60),
        queueSigma: 0.4 + 0.6 * random.next(),
        cacheMissShare: 0,
        levelSigma: 0.25,
        streamsReasoning: random.next() < 0.5,
      }
    : { gatewayMs: logUniform(2, 30), gatewayCv: 0.3 }
  const resolved = resolveProfile(name, { ...around, ...own })
  if (!resolved.ok) throw new Error(resolved.problems.join('; '))
  return resolved.profile
}

interface Scene {
  profile: Profile
  healthyMs: number
  startMs: number
  endMs: number
}

/** Sizes are log-uniform from .1 to 3 times the healthy span. */
function drawFault(
  cause: Cause,
  { profile, healthyMs: spanMs, startMs, endMs }: Scene,
  random: Random,
): Incident | Surge {
  const size = 0.1 * 30 ** random.next()
  const scattered = { fromMs: startMs, toMs: Infinity, share: 0.05 + 0.1 * random.next() }
  const lastsMs = endMs - startMs
  const fromMs = startMs + lastsMs * (0.3 + 0.3 * random.next())
  const spell = { fromMs, toMs: fromMs + lastsMs * (0.15 + 0.15 * random.next()), share: 1 }
  const replica = random.int(profile.constants.replicas)
  switch (cause) {
    case 'queueing':
    case 'network':
    case 'client-stall':
      return { cause, value: size * spanMs, ...scattered }
    case 'prefill-surge':
    case 'long-output':
    case 'reasoning':
      return { cause, size, fromMs: startMs }
    case 'retry':
    case 'cold-cache':
      return { cause, value: 1, ...scattered }
    case 'slow-replica':
      return { cause, value: 1 + size, ...spell, replica }
    case 'noisy-neighbour':
      return { cause, value: 0.2 + 0.6 * random.next(), ...spell, replica }
    case 'route-change':
      return { cause, value: 1 + size / 2, ...spell, toMs: Infinity, region: 'far' }
    default:
      return cause satisfies never
  }
}
