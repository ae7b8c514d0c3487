/** A service that follows a law seen from outside: no engine, no steps. */
import type { Agenda } from './agenda.js'
import { settlePhases, type FactorAt, type Outcome, type Replica, type ReplicaJob } from './job.js'
import { createPrefixMemory, type PrefixRules } from './prefix-memory.js'

/**
 * ttft = base + fresh·freshUs + cached·hitUs + curveNs·fresh² + ttftPerPeer·(k−1), counted from the arrival;
 * each later token tpot + perContext·context + tpotPerPeer·(k−1) after the one before it.
 */
export interface LawConstants extends PrefixRules {
  readonly baseMs: number
  readonly freshUs: number
  readonly hitUs: number
  readonly curveNs: number
  readonly tpotMs: number
  readonly perContextNs: number
  readonly ttftPerPeerMs: number
  readonly tpotPerPeerMs: number
}

interface Flight {
  job: ReplicaJob
  cachedTokens: number
  /** ms by phase, as this request would have them alone. */
  baseMs: number
  prefillCachedMs: number
  prefillFreshMs: number
  decodeMs: number
  reasoningMs: number
  ttftMs: number
  gapMaxMs: number
}

/** `crowdAt` is the load of background tenants: prefill and decode take 1 + crowd times as long. */
export function createLawService(
  constants: LawConstants,
  agenda: Agenda,
  factorAt: FactorAt = () => 1,
  crowdAt: FactorAt = () => 0,
): Replica {
  const flights = new Map<number, Flight>()
  const memory = createPrefixMemory(constants)
  const totals = { prefilledTokens: 0, cachedTokens: 0, decodedTokens: 0 }
  let crowdedMs = -Infinity

  function crowd(nowMs: number): number {
    const load = crowdAt(nowMs)
    if (load > 0) crowdedMs = nowMs
    return load
  }

  function take(job: ReplicaJob): Flight {
    const found = memory.lookUp(job.hashes, job.promptTokens, job.arrivalMs)
    const cachedTokens = Math.max(job.missesCache ? 0 : found, job.grantedTokens ?? 0)
    const fresh = job.promptTokens - cachedTokens
    const factor = factorAt(job.arrivalMs)
    totals.prefilledTokens += fresh
    totals.cachedTokens += cachedTokens
    return {
      job,
      cachedTokens,
      baseMs: constants.baseMs * factor,
      prefillFreshMs: (fresh * constants.freshUs * 1e-3 + fresh * fresh * constants.curveNs * 1e-6) * factor,
      prefillCachedMs: cachedTokens * constants.hitUs * 1e-3 * factor,
      decodeMs: 0,
      reasoningMs: 0,
      ttftMs: 0,
      gapMaxMs: 0,
    }
  }

  /**
   * `dueMs` is when the request, alone, would be answered. Peers are counted here and not at the arrival, so that a
   * burst of k requests sees k at each of them, as a closed loop of k does.
   */
  function answer(flight: Flight, dueMs: number): void {
    const { job } = flight
    if (!flights.has(job.id)) return
    const firstMs = dueMs + constants.ttftPerPeerMs * (flights.size - 1)
    flight.ttftMs = firstMs - job.arrivalMs
    agenda.at(firstMs, (firstDueMs) => {
      memory.remember(job.hashes, firstDueMs)
      emit(flight, 0, firstDueMs)
    })
  }

  function emit(flight: Flight, index: number, dueMs: number): void {
    const { job } = flight
    if (!flights.has(job.id)) return
    const isLast = index === job.outputTokens - 1
    if (!isLast) {
      const next = nextTold(job, index)
      const tokens = next - index
      const peersMs = constants.tpotPerPeerMs * (flights.size - 1)
      const context = tokens * (job.promptTokens + index + 1) + (tokens * (tokens - 1)) / 2
      const aloneMs = (tokens * constants.tpotMs + constants.perContextNs * context * 1e-6) * factorAt(dueMs)
      const takesMs = aloneMs * (1 + crowd(dueMs)) + tokens * peersMs
      if (index < job.reasoningTokens) flight.reasoningMs += aloneMs
      else flight.decodeMs += aloneMs
      flight.gapMaxMs = Math.max(flight.gapMaxMs, takesMs / tokens)
      agenda.at(dueMs + takesMs, (nextDueMs) => emit(flight, next, nextDueMs))
    } else {
      flights.delete(job.id)
      totals.decodedTokens += job.outputTokens
    }
    job.onToken(index, dueMs, isLast ? describe(flight, dueMs) : undefined)
  }

  /** Without peers nothing happens between two tokens that somebody hears of, so they are passed over. */
  function nextTold({ tells, reasoningTokens, outputTokens }: ReplicaJob, index: number): number {
    if (tells !== 'ends' || constants.tpotPerPeerMs > 0) return index + 1
    return index < reasoningTokens && reasoningTokens < outputTokens ? reasoningTokens : outputTokens - 1
  }

  return {
    submit(job, nowMs) {
      const flight = take(job)
      flights.set(job.id, flight)
      job.onCached?.(flight.cachedTokens)
      const prefillMs = flight.prefillFreshMs + flight.prefillCachedMs
      const dueMs = job.arrivalMs + flight.baseMs + prefillMs * (1 + crowd(job.arrivalMs))
      agenda.at(Math.max(nowMs, dueMs), () => answer(flight, dueMs))
    },
    cancel: (id) => void flights.delete(id),
    inFlight: () => flights.size,
    load: () => ({
      running: flights.size,
      waiting: 0,
      kvUsage: 0,
      preemptions: 0,
      steps: 0,
      stepSequences: 0,
      ...totals,
    }),
    crowdedMs: () => crowdedMs,
  }
}

function describe(flight: Flight, endMs: number): Outcome {
  const { job, cachedTokens, ttftMs, gapMaxMs } = flight
  const e2eMs = endMs - job.arrivalMs
  const phases = settlePhases(e2eMs, {
    gateway: flight.baseMs,
    prefillFresh: flight.prefillFreshMs,
    prefillCached: flight.prefillCachedMs,
    reasoning: flight.reasoningMs,
    decode: flight.decodeMs,
  })
  return { cachedTokens, preemptions: 0, ttftMs, e2eMs, gapMaxMs, phases }
}
