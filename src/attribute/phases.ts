/** Shares out the milliseconds of a span over its phases, and says where each was read. */
import type { Phase, Phases } from '../span/causes.js'
import { phases as names } from '../span/causes.js'
import type { PhaseSource } from './attribution.js'
import type { Direct } from './direct.js'
import { residualCauses } from './evidence.js'
import type { Inferred } from './infer.js'
import type { Span } from '../span/span.js'
import type { Observation } from './observation.js'

export interface PhaseShares {
  phases: Phases
  sources: Partial<Record<Phase, PhaseSource>>
}

/** Adds up to the duration. Without `inferred` what the curve does not explain is scatter: each phase its share. */
export function phasesOf(
  observation: Observation,
  direct: readonly Direct[],
  inferred?: Inferred,
): PhaseShares {
  const { expected, first, rest, whole, hidden, retryMs, span } = observation
  if (inferred === undefined && direct.length === 0 && !isTimed(span)) return scaled(observation)
  const phases = zero()
  const sources: Partial<Record<Phase, PhaseSource>> = {}
  phases.retry = retryMs
  if (retryMs > 0) sources.retry = 'trace'
  for (const { cause, firstMs, restMs } of direct) {
    if (cause === 'retry') continue
    const phase = cause === 'queueing' ? 'queue' : cause === 'client-stall' ? 'client' : 'network'
    phases[phase] += firstMs + restMs
    sources[phase] = cause === 'queueing' ? 'server' : 'trace'
  }
  const taken = (part: 'firstMs' | 'restMs'): number =>
    direct.reduce((ms, each) => (each.cause === 'retry' ? ms : ms + each[part]), 0)

  const added = inferred === undefined ? undefined : delaysOf(inferred)
  const prefill: Partial<Phases> = {
    network: expected.base,
    prefillFresh: expected.prefillFresh,
    prefillCached: expected.prefillCached,
    ...(hidden && { reasoning: expected.reasoning }),
  }
  const stream: Partial<Phases> = {
    decode: expected.decode,
    ...(!hidden && { reasoning: expected.reasoning }),
  }
  if (first === undefined) {
    const parts = { ...prefill, ...stream }
    fill(
      phases,
      parts,
      whole.observedMs - taken('firstMs') - taken('restMs'),
      merge(added?.first, added?.rest),
    )
    mark(sources, parts, 'duration')
  } else {
    fill(phases, prefill, first.observedMs - taken('firstMs'), added?.first)
    fill(phases, stream, whole.observedMs - first.observedMs - taken('restMs'), added?.rest)
    mark(sources, prefill, 'ttft')
    mark(sources, stream, rest === undefined ? 'duration' : 'ttft')
  }
  serverSays(phases, sources, observation)
  settle(phases, sources, span.durationMs)
  return { phases, sources }
}

const BY_TTFT: PhaseShares['sources'] = {
  network: 'curve',
  prefillFresh: 'ttft',
  prefillCached: 'ttft',
  reasoning: 'ttft',
  decode: 'ttft',
}
const BY_DURATION: PhaseShares['sources'] = {
  network: 'curve',
  prefillFresh: 'duration',
  prefillCached: 'duration',
  reasoning: 'duration',
  decode: 'duration',
}

const isTimed = ({ queueMs, prefillMs, decodeMs }: Span): boolean =>
  queueMs !== undefined || prefillMs !== undefined || decodeMs !== undefined

/** All that differs from the curve is scatter: each phase has its share. The way of nineteen spans in twenty. */
function scaled({ expected, first, hidden, span }: Observation): PhaseShares {
  const { base, prefillFresh, prefillCached, reasoning, decode } = expected
  const toFirst = base + prefillFresh + prefillCached + (hidden ? reasoning : 0)
  const behind = decode + (hidden ? 0 : reasoning)
  const all = toFirst + behind
  const isSplit = first !== undefined && toFirst > 0 && behind > 0
  const one = isSplit ? first.observedMs / toFirst : all > 0 ? span.durationMs / all : 0
  const two = isSplit ? (span.durationMs - first.observedMs) / behind : one
  return {
    phases: {
      network: all > 0 ? base * one : span.durationMs,
      queue: 0,
      prefillFresh: prefillFresh * one,
      prefillCached: prefillCached * one,
      reasoning: reasoning * (hidden ? one : two),
      decode: decode * two,
      retry: 0,
      client: 0,
    },
    sources: isSplit ? BY_TTFT : BY_DURATION,
  }
}

/** From even odds up a cause is named, and the time that it is said to cost stands in its phase. */
const NAMED = 0.5

/**
 * Delays of each phase: those of the causes that are named. Where none is, a wait before the first output is shared out by
 * what may have been, and what came behind it is decode: a client or a retry is drawn where something shows it.
 */
function delaysOf({ causes }: Inferred): { first: Partial<Phases>; rest: Partial<Phases> } {
  const first: Partial<Phases> = {}
  const rest: Partial<Phases> = {}
  const add = (to: Partial<Phases>, phase: Phase, ms: number): void => {
    to[phase] = (to[phase] ?? 0) + ms
  }
  const named = residualCauses.filter((cause) => causes[cause].probability >= NAMED)
  for (const cause of named) {
    add(first, PHASE_OF[cause].first, causes[cause].firstMs)
    add(rest, PHASE_OF[cause].rest, causes[cause].restMs)
  }
  if (named.length > 0) return { first, rest }
  const all = { first: 0, rest: 0 }
  for (const cause of residualCauses) {
    const { probability, firstMs, restMs } = causes[cause]
    all.first += probability * firstMs
    all.rest += probability * restMs
    const phase = PHASE_OF[cause].first
    if (phase !== 'client' && phase !== 'retry') add(first, phase, probability * firstMs)
  }
  const drawn = total(first)
  for (const phase of names) if (first[phase] !== undefined) first[phase] *= drawn > 0 ? all.first / drawn : 0
  rest.decode = all.rest
  return { first, rest }
}

/** Whom a delay lengthens: interference is booked on the phase that it lengthened. */
const PHASE_OF = {
  queueing: { first: 'queue', rest: 'decode' },
  network: { first: 'network', rest: 'decode' },
  retry: { first: 'retry', rest: 'decode' },
  'client-stall': { first: 'client', rest: 'client' },
  'noisy-neighbour': { first: 'prefillFresh', rest: 'decode' },
  'slow-replica': { first: 'prefillFresh', rest: 'decode' },
  'route-change': { first: 'network', rest: 'decode' },
} as const satisfies Record<string, { first: Phase; rest: Phase }>

/** Books the delays, and what is left over the parts in proportion. Delays beyond what was observed are cut. */
function fill(
  phases: Phases,
  parts: Partial<Phases>,
  observedMs: number,
  delays: Partial<Phases> = {},
): void {
  const expectedMs = total(parts)
  const room = Math.max(0, observedMs - expectedMs)
  const asked = total(delays)
  const factor = asked > room ? (asked > 0 ? room / asked : 0) : 1
  for (const name of names) phases[name] += (delays[name] ?? 0) * factor
  const left = Math.max(0, observedMs) - asked * factor
  const scale = expectedMs > 0 ? left / expectedMs : 0
  for (const name of names) phases[name] += (parts[name] ?? 0) * scale
  if (expectedMs <= 0) phases.network += left
}

/** Prefill and decode as the server timed them; what it did not see is network. */
function serverSays(
  phases: Phases,
  sources: Partial<Record<Phase, PhaseSource>>,
  { span, expected }: Observation,
): void {
  const { queueMs, prefillMs, decodeMs } = span
  if (queueMs !== undefined) {
    // What the baseline's own requests usually queued stands in its base.
    phases.network = Math.max(0, phases.network - Math.max(0, queueMs - phases.queue))
    phases.queue = queueMs
    sources.queue = 'server'
  }
  if (prefillMs !== undefined) {
    const work = expected.prefillFresh + expected.prefillCached
    const cachedShare = work > 0 ? expected.prefillCached / work : 0
    phases.network += phases.prefillFresh + phases.prefillCached - prefillMs
    phases.prefillFresh = prefillMs * (1 - cachedShare)
    phases.prefillCached = prefillMs * cachedShare
    sources.prefillFresh = sources.prefillCached = 'server'
  }
  if (decodeMs !== undefined && decodeMs <= phases.decode + phases.reasoning + phases.client) {
    const stream = expected.decode + expected.reasoning
    const thinking = stream > 0 ? expected.reasoning / stream : 0
    // A client that read it late was found before; the rest is the way.
    phases.network += Math.max(0, phases.decode + phases.reasoning - decodeMs)
    phases.decode = Math.min(decodeMs, decodeMs * (1 - thinking))
    phases.reasoning = decodeMs * thinking
    sources.decode = sources.reasoning = 'server'
  }
  phases.network = Math.max(0, phases.network)
}

/** Clocks that overlap leave a difference: it is shared out in proportion, first over what the server did not time itself. */
function settle(
  phases: Phases,
  sources: Readonly<Partial<Record<Phase, PhaseSource>>>,
  durationMs: number,
): void {
  const free = names.filter((name) => sources[name] !== 'server')
  const freeMs = free.reduce((sum, name) => sum + phases[name], 0)
  const toldMs = total(phases) - freeMs
  if (freeMs > 0 && toldMs <= durationMs) {
    for (const name of free) phases[name] *= (durationMs - toldMs) / freeMs
  } else if (toldMs > 0) {
    for (const name of free) phases[name] = 0
    for (const name of names) phases[name] *= durationMs / toldMs
  } else phases.network = durationMs
}

function merge(a: Partial<Phases> = {}, b: Partial<Phases> = {}): Partial<Phases> {
  return Object.fromEntries(names.map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]))
}

function mark(
  sources: Partial<Record<Phase, PhaseSource>>,
  parts: Partial<Phases>,
  source: PhaseSource,
): void {
  for (const name of names)
    if ((parts[name] ?? 0) > 0) sources[name] ??= name === 'network' ? 'curve' : source
}

/** No time in any phase. */
export const zero = (): Phases => ({
  network: 0,
  queue: 0,
  prefillFresh: 0,
  prefillCached: 0,
  reasoning: 0,
  decode: 0,
  retry: 0,
  client: 0,
})

function total(parts: Partial<Phases>): number {
  return names.reduce((sum, name) => sum + (parts[name] ?? 0), 0)
}
