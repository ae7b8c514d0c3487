/** A service that follows a law seen from outside: exact without noise, or hosted with queue, gateway and stalls. */
import type { Random } from '../random/random.js'
import type { Agenda } from './agenda.js'
import { settlePhases, type Job, type Outcome, type Service } from './job.js'
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
  /** Gamma-distributed gateway time with this mean and coefficient of variation. */
  readonly gatewayMs: number
  readonly gatewayCv: number
  /** Lognormal provider queue: median, and σ of the logarithm. */
  readonly queueMedianMs: number
  readonly queueSigma: number
  /** Share of prompts in the cache that miss all the same. */
  readonly cacheMissShare: number
  /** Share of requests with a pause of `stallMinMs` to `stallMaxMs` before some token. */
  readonly stallShare: number
  readonly stallMinMs: number
  readonly stallMaxMs: number
}

interface Flight {
  job: Job
  cachedTokens: number
  gatewayMs: number
  queueMs: number
  /** ms by phase so far, beside those that follow from the constants. */
  decodeMs: number
  reasoningMs: number
  prefillCachedMs: number
  prefillFreshMs: number
  ttftMs: number
  stallAt: number
  stallMs: number
}

export function createLawService(constants: LawConstants, random: Random, agenda: Agenda): Service {
  const flights = new Map<number, Flight>()
  const memory = createPrefixMemory(constants)

  function take(job: Job): Flight {
    const draws = random.fork(`job/${job.id}`)
    const found = memory.lookUp(job.hashes, job.promptTokens, job.arrivalMs)
    const cachedTokens = draws.next() < constants.cacheMissShare ? 0 : found
    const fresh = job.promptTokens - cachedTokens
    const stalls = draws.next() < constants.stallShare
    return {
      job,
      cachedTokens,
      gatewayMs: constants.gatewayMs * positiveWithCv(constants.gatewayCv, draws),
      queueMs: constants.queueMedianMs * Math.exp(constants.queueSigma * draws.normal()),
      prefillFreshMs: fresh * constants.freshUs * 1e-3 + fresh * fresh * constants.curveNs * 1e-6,
      prefillCachedMs: cachedTokens * constants.hitUs * 1e-3,
      decodeMs: 0,
      reasoningMs: 0,
      ttftMs: 0,
      stallAt: stalls ? draws.int(job.outputTokens) : -1,
      stallMs: constants.stallMinMs + draws.next() * (constants.stallMaxMs - constants.stallMinMs),
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
      const aloneMs = constants.tpotMs + constants.perContextNs * (job.promptTokens + index + 1) * 1e-6
      const stallMs = index + 1 === flight.stallAt ? flight.stallMs : 0
      const nextMs = dueMs + aloneMs + constants.tpotPerPeerMs * (flights.size - 1) + stallMs
      if (index < job.reasoningTokens) flight.reasoningMs += aloneMs
      else flight.decodeMs += aloneMs
      agenda.at(nextMs, (nextDueMs) => emit(flight, index + 1, nextDueMs))
    } else flights.delete(job.id)
    job.onToken(index, dueMs, isLast ? describe(constants, flight, dueMs) : undefined)
  }

  return {
    submit(job, nowMs) {
      const flight = take(job)
      flights.set(job.id, flight)
      job.onCached?.(flight.cachedTokens)
      const stallMs = flight.stallAt === 0 ? flight.stallMs : 0
      const dueMs =
        job.arrivalMs +
        constants.baseMs +
        flight.gatewayMs +
        flight.queueMs +
        flight.prefillFreshMs +
        flight.prefillCachedMs +
        stallMs
      agenda.at(Math.max(nowMs, dueMs), () => answer(flight, dueMs))
    },
    cancel: (id) => void flights.delete(id),
    inFlight: () => flights.size,
  }
}

/** Gamma with mean 1 by the Wilson-Hilferty cube (1931): close for the CVs here (≤ .5), and never negative. */
function positiveWithCv(cv: number, draws: Random): number {
  const spread = (cv * cv) / 9
  return Math.max(0, 1 - spread + Math.sqrt(spread) * draws.normal()) ** 3
}

function describe(constants: LawConstants, flight: Flight, endMs: number): Outcome {
  const { job, cachedTokens, ttftMs } = flight
  const e2eMs = endMs - job.arrivalMs
  const phases = settlePhases(e2eMs, {
    gateway: constants.baseMs + flight.gatewayMs,
    queue: flight.queueMs,
    prefillFresh: flight.prefillFreshMs,
    prefillCached: flight.prefillCachedMs,
    reasoning: flight.reasoningMs,
    decode: flight.decodeMs,
  })
  return { cachedTokens, preemptions: 0, ttftMs, e2eMs, phases }
}
