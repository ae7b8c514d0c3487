/** Worlds to attribute in: a provider drawn at random, a service that uses it, a baseline by probing it, and what went wrong. */
import { knownTargets, type Known } from '../../src/attribute/known.js'
import { createRandom, type Random } from '../../src/random/random.js'
import type { Sample } from '../../src/sample/sample.js'
import type { Cause } from '../../src/simulate/causes.js'
import type { Incident } from '../../src/simulate/incidents.js'
import { chainPrefix } from '../../src/simulate/prefix-chain.js'
import { resolveProfile, type Profile } from '../../src/simulate/profiles.js'
import { runWithTwins } from '../../src/simulate/twins.js'
import type { LabelledOutcome, VirtualRequest } from '../../src/simulate/virtual-request.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { snapshotOf } from '../compare/simulated-snapshot.js'
import { sample } from '../curve/simulated-run.js'

/** The causes that a world may hold. Client stalls and the rest are drawn with equal odds. */
export const WORLD_CAUSES: readonly Cause[] = [
  'prefill-surge',
  'cold-cache',
  'noisy-neighbour',
  'queueing',
  'route-change',
  'retry',
  'slow-replica',
  'long-output',
  'reasoning',
  'client-stall',
  'network',
]

export interface World {
  snapshot: Snapshot
  known: Known[]
  profile: Profile
  incidents: Incident[]
  requests: readonly VirtualRequest[]
  /** Of production; in order of arrival. */
  outcomes: LabelledOutcome[]
  /** So many of them were made while the baseline was: they are what is ordinary, and are not judged. */
  history: number
  /** Conversation of each request. */
  conversations: readonly number[]
  epochMs: number
}

export interface WorldOptions {
  spans: number
  /** Causes at once. */
  faults: number
  /** Of these. @default all */
  among?: readonly Cause[]
}

const HOUR_MS = 3_600_000
const BLOCK_TOKENS = 16

/** The same seed gives the same world. */
export function drawWorld(seed: string, { spans, faults, among = WORLD_CAUSES }: WorldOptions): World {
  const random = createRandom(seed)
  const profile = drawProfile(random.fork('profile'))
  const service = drawService(profile, random.fork('service'))
  const probes = probeRequests(profile)
  const startMs = probes.at(-1)!.arrivalMs + 60_000
  // The service is at work while the probes run, so that what its own calls cost each other stands in the baseline.
  const causes = random.fork('causes').shuffle(among).slice(0, faults)
  const calls = production(profile, service, spans, startMs, random.fork('calls'), causes)
  const { healthyMs } = calls
  const endMs = calls.requests.at(-1)!.arrivalMs
  const incidents = causes.map((cause) =>
    drawIncident(cause, { profile, service, healthyMs, startMs, endMs }, random.fork(`incident/${cause}`)),
  )
  const all = [
    ...probes.map((request, i) => ({ request, probe: i, conversation: -1 })),
    ...calls.requests.map((request, i) => ({ request, probe: -1, conversation: calls.conversations[i]! })),
  ].sort((a, b) => a.request.arrivalMs - b.request.arrivalMs)
  const labelled = runWithTwins(
    { profile, incidents, seed },
    all.map(({ request }) => request),
  )
  const pairs = all.map((each, i) => ({ ...each, outcome: labelled[i]! }))
  const probed = pairs.filter(({ probe }) => probe >= 0)
  const served = pairs.filter(({ probe }) => probe < 0)
  const epochMs = Date.UTC(2026, 10, 23, 9)
  const samples = probed.map(({ request, outcome, probe }) => toSample(request, outcome, probe, epochMs))
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
    incidents,
    requests: served.map(({ request }) => request),
    outcomes: served.map(({ outcome }) => outcome),
    conversations: served.map(({ conversation }) => conversation),
    history: served.filter(({ request }) => request.arrivalMs < startMs).length,
    epochMs,
  }
}

function drawProfile(random: Random): Profile {
  const logUniform = (low: number, high: number): number => low * (high / low) ** random.next()
  const replicas = 2 + random.int(4)
  const name = random.shuffle(['hosted-frontier', 'hosted-reasoning', '8b-h100', '70b-h100x4', '8b-a100'])[0]!
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

interface Service {
  systemTokens: number
  turnTokens: number
  answerTokens: number
  reasoningTokens: number
  ratePerS: number
}

function drawService(profile: Profile, random: Random): Service {
  const logUniform = (low: number, high: number): number => low * (high / low) ** random.next()
  const hosted = profile.kind === 'law'
  return {
    systemTokens: Math.round(logUniform(1200, 4000)),
    turnTokens: Math.round(logUniform(60, 500)),
    answerTokens: Math.round(logUniform(60, 300)),
    reasoningTokens: profile.constants.reasoningTokens > 0 ? Math.round(logUniform(60, 300)) : 0,
    ratePerS: hosted ? logUniform(0.5, 3) : logUniform(0.05, 0.25) * profile.constants.replicas,
  }
}

/** Lengths of the probes: six fresh and three warm prompts, twenty blocks, one at a time. */
const FRESH = [128, 320, 800, 2000, 5000, 12_000]
const WARM = [1536, 4096, 12_000]
const BLOCKS = 20
const PROBE_OUTPUT = 96
const PROBE_GAP_MS = 5_000
/** The 90th percentile of a normal variable. */
const Z90 = 1.2816
/** Share of requests that a surge of lengths meets; .9 ÷ (1 − share) is the percentile of the others. */
const RARE_SHARE = 0.04
const Z_SURGE = 1.5341
/** Of the logarithm of lengths. */
const SIGMA = 0.4

function probeRequests(profile: Profile): VirtualRequest[] {
  const requests: VirtualRequest[] = []
  const reasoningTokens = Math.min(profile.constants.reasoningTokens, PROBE_OUTPUT / 2)
  const put = (promptTokens: number, hashes?: ArrayLike<number>): void => {
    requests.push({
      arrivalMs: requests.length * PROBE_GAP_MS,
      promptTokens,
      outputTokens: PROBE_OUTPUT + reasoningTokens,
      reasoningTokens,
      ...(hashes && { hashes }),
    })
  }
  for (let block = 0; block < BLOCKS; block++) {
    for (const length of FRESH) put(length)
    for (const length of WARM) {
      const prefix = chainPrefix(
        [{ name: 10_000_000 + block * 10 + WARM.indexOf(length), tokens: length - 64 }],
        BLOCK_TOKENS,
      )
      put(length, prefix)
      put(length, prefix)
    }
  }
  return requests
}

function toSample(request: VirtualRequest, outcome: LabelledOutcome, index: number, epochMs: number): Sample {
  const perBlock = FRESH.length + 2 * WARM.length
  const warmCell = (index % perBlock) - FRESH.length
  const { promptTokens, outputTokens, cachedTokens, ttftMs, e2eMs, reasoningTokens } = outcome
  const isPrime = warmCell >= 0 && warmCell % 2 === 0
  const warm = warmCell >= 0 && !isPrime
  const prefixTokens = warm ? promptTokens - 64 : 0
  // Hidden reasoning is in the time to the first token, and is taken off by a design that asks for none.
  return sample({
    id: String(index),
    probe: 'prompt-length',
    cell: `prompt-length/${promptTokens}/${outputTokens}/${warm ? `warm${prefixTokens}` : 'fresh'}/c1/reused`,
    block: Math.floor(index / perBlock),
    warmup: isPrime,
    atMs: request.arrivalMs,
    asked: {
      promptTokens,
      prefixTokens,
      outputTokens,
      cache: warm ? 'warm' : 'fresh',
      concurrency: 1,
      rate: null,
      connection: 'reused',
    },
    startedAt: new Date(epochMs + request.arrivalMs).toISOString(),
    ttft: ttftMs,
    e2e: e2eMs,
    tpot: (e2eMs - ttftMs) / (outputTokens - 1),
    promptTokens,
    outputTokens,
    reasoningTokens,
    cachedTokens,
    cacheState: warm ? (cachedTokens > 0 ? 'confirmed' : 'contradicted') : 'confirmed',
    route: { region: outcome.region, fingerprint: outcome.fingerprint },
  })
}

function production(
  { constants }: Profile,
  service: Service,
  spans: number,
  startMs: number,
  random: Random,
  causes: readonly Cause[],
): { requests: VirtualRequest[]; conversations: number[]; healthyMs: number } {
  const requests: VirtualRequest[] = []
  const conversations: number[] = []
  const open: { id: number; parts: { name: number; tokens: number }[]; turns: number }[] = []
  let arrivalMs = 0
  let nextId = 1
  const around = (median: number, sigma: number): number =>
    Math.max(4, Math.round(median * Math.exp(sigma * random.normal())))
  let after = 0
  while (after < spans) {
    arrivalMs += (random.exponential() * 1000) / service.ratePerS
    if (arrivalMs >= startMs) after++
    const goesOn = open.length > 20 && random.next() < 0.7
    const at = goesOn ? random.int(open.length) : -1
    const conversation = goesOn
      ? open[at]!
      : { id: nextId++, parts: [{ name: 1, tokens: service.systemTokens }], turns: 0 }
    const turn = around(service.turnTokens, SIGMA)
    const answer = around(service.answerTokens, SIGMA)
    const prompt = conversation.parts.reduce((sum, { tokens }) => sum + tokens, 0) + turn
    const reasoningTokens = service.reasoningTokens > 0 ? around(service.reasoningTokens, SIGMA) : 0
    const parts = [...conversation.parts, { name: 1000 + requests.length, tokens: turn }]
    requests.push({
      arrivalMs,
      promptTokens: prompt,
      outputTokens: answer + reasoningTokens,
      reasoningTokens,
      hashes: chainPrefix(
        parts.map(({ name, tokens }) => ({ name, tokens: Math.floor(tokens / BLOCK_TOKENS) * BLOCK_TOKENS })),
        BLOCK_TOKENS,
      ),
      // The router looks at the key: its tenants spread over the replicas.
      key: `tenant ${conversation.id % 24}`,
      usual: {
        promptTokens: prompt - Math.max(0, turn - p90(service.turnTokens, causes.includes('prefill-surge'))),
        visibleTokens: Math.min(answer, p90(service.answerTokens, causes.includes('long-output'))),
        reasoningTokens: Math.min(
          reasoningTokens,
          p90(service.reasoningTokens, causes.includes('reasoning')),
        ),
      },
    })
    conversations.push(conversation.id)
    conversation.parts = [...parts, { name: 2000 + requests.length, tokens: answer }].map(
      ({ name, tokens }) => ({
        name,
        tokens: Math.max(BLOCK_TOKENS, Math.floor(tokens / BLOCK_TOKENS) * BLOCK_TOKENS),
      }),
    )
    conversation.turns++
    if (!goesOn) open.push(conversation)
    else if (conversation.turns > 6) open.splice(at, 1)
  }
  const tpot = 'tpotMs' in constants ? constants.tpotMs : constants.weightsMs + constants.stepMs
  const base = 'baseMs' in constants ? constants.baseMs : constants.frontEndMs
  return {
    requests,
    conversations,
    healthyMs: base + tpot * (service.answerTokens + service.reasoningTokens),
  }
}

/** Of lengths of which a share is far longer by an incident: the 90th percentile of all is a higher one of the others. */
const p90 = (median: number, surge: boolean): number =>
  Math.round(median * Math.exp(SIGMA * (surge ? Z_SURGE : Z90)))

interface Scene {
  profile: Profile
  service: Service
  healthyMs: number
  startMs: number
  endMs: number
}

/** Sizes are log-uniform from .1 to 3 times the healthy span. */
function drawIncident(
  cause: Cause,
  { profile, service, healthyMs, startMs, endMs }: Scene,
  random: Random,
): Incident {
  const size = 0.1 * 30 ** random.next()
  const scattered = { fromMs: startMs, toMs: Infinity, share: 0.05 + 0.1 * random.next() }
  // Lengths are ordinary up to the ninth decile of what comes: a surge is what stays rare.
  const rare = { ...scattered, share: RARE_SHARE }
  const spanMs = endMs - startMs
  const fromMs = startMs + spanMs * (0.3 + 0.3 * random.next())
  const spell = { fromMs, toMs: fromMs + spanMs * (0.1 + 0.1 * random.next()), share: 1 }
  const { constants } = profile
  const replica = random.int(constants.replicas)
  switch (cause) {
    case 'queueing':
    case 'network':
    case 'client-stall':
      return { cause, value: size * healthyMs, ...scattered }
    case 'prefill-surge': {
      const prompt = service.systemTokens + 3 * service.turnTokens
      const perTokenMs = 'freshUs' in constants ? constants.freshUs / 1000 : constants.tokenUs / 1000
      const factor = 1 + (size * healthyMs) / (perTokenMs * prompt)
      return { cause, value: Math.min(factor, 12_000 / prompt), ...rare }
    }
    case 'long-output':
      return { cause, value: 1 + size, ...rare }
    case 'reasoning':
      return { cause, value: Math.ceil(size * (service.answerTokens + service.reasoningTokens)), ...rare }
    case 'retry':
      return { cause, value: 1, ...scattered }
    case 'cold-cache':
      return { cause, value: 1, ...scattered }
    case 'slow-replica':
      return { cause, value: 1 + size, ...spell, toMs: fromMs + spanMs * 0.25, replica }
    case 'noisy-neighbour':
      return { cause, value: Math.min(0.9, 0.2 + 0.6 * random.next()), ...spell, replica }
    case 'route-change':
      return { cause, value: 1 + size / 2, ...spell, toMs: Infinity, share: 1, region: 'far' }
    default:
      return cause satisfies never
  }
}

export const epochHours = HOUR_MS
