/** An engine replica on an agenda: steps follow one another without a gap as long as there is work. */
import type { Random } from '../random/random.js'
import type { Agenda } from './agenda.js'
import { createEngine, createSequence, type EngineConstants, type Sequence } from './engine-state.js'
import { cancel, enqueue, step } from './engine.js'
import { settlePhases, type FactorAt, type Outcome, type Replica, type ReplicaJob } from './job.js'
import { idleDecodeMs, idlePrefillMs } from './step-law.js'

/** The front end works on requests beside the engine, so its time delays a request and nobody else. */
export interface ReplicaConstants extends EngineConstants {
  readonly frontEndMs: number
}

interface Resident {
  job: ReplicaJob
  sequence: Sequence
  firstVisibleMs: number
}

const ORDINARY: FactorAt = () => 1

export function createReplica(
  constants: ReplicaConstants,
  random: Random,
  agenda: Agenda,
  factorAt: FactorAt = ORDINARY,
): Replica {
  const engine = createEngine(constants, random)
  const residents = new Map<number, Resident>()
  let stepping = false
  let background = 0
  let crowdedMs = -Infinity

  /** Starts a step at `nowMs`; its tokens, and the next step, come at its end. */
  function startStep(nowMs: number): void {
    const durationMs = step(engine, nowMs, factorAt(nowMs))
    stepping = durationMs >= 0
    if (!stepping) return
    if (background > 0) crowdedMs = nowMs
    agenda.at(nowMs + durationMs, endStep)
  }

  /** The engine's list holds until the next step, whatever a listener does. */
  function endStep(dueMs: number): void {
    for (const sequence of engine.noticed) deliver(sequence, dueMs)
    startStep(dueMs)
  }

  function deliver(sequence: Sequence, dueMs: number): void {
    const resident = residents.get(sequence.id)
    if (!resident) return
    const { job } = resident
    const index = sequence.generated - 1
    if (index === 0) job.onCached?.(sequence.cachedTokens)
    if (index === job.reasoningTokens) resident.firstVisibleMs = dueMs
    const isLast = sequence.generated === sequence.outputTokens
    if (isLast) remove(resident)
    else sequence.notice = noticeAfter(job, sequence.generated)
    job.onToken(
      index,
      dueMs,
      isLast ? describe(constants, resident, factorAt(sequence.startedMs)) : undefined,
    )
  }

  function remove({ job }: Resident): void {
    residents.delete(job.id)
    if (job.isBackground) background--
  }

  return {
    submit(job, nowMs) {
      const sequence = createSequence(job.id, job.promptTokens, job.outputTokens, job.hashes)
      // A background sequence leaves at its end as all do, and nobody waits for its first token.
      sequence.notice = job.isBackground ? job.outputTokens : 1
      sequence.missesCache = job.missesCache ?? false
      sequence.grantedTokens = job.grantedTokens ?? 0
      residents.set(job.id, { job, sequence, firstVisibleMs: NaN })
      if (job.isBackground) background++
      agenda.at(Math.max(nowMs, job.arrivalMs + constants.frontEndMs), (dueMs) => {
        if (!residents.has(job.id)) return
        enqueue(engine, sequence, dueMs)
        if (stepping) return
        // Through the agenda, so that all that arrive at this instant share the step.
        stepping = true
        agenda.at(dueMs, startStep)
      })
    },
    cancel(id) {
      const resident = residents.get(id)
      if (!resident) return
      remove(resident)
      cancel(engine, resident.sequence)
    },
    inFlight: () => residents.size,
    load: () => ({
      running: engine.running.length,
      waiting: engine.waiting.length - engine.waitingHead + engine.preempted.length,
      kvUsage: 1 - engine.kv.free / constants.kvBlocks,
      preemptions: engine.totals.preemptions,
      prefilledTokens: engine.totals.prefilled,
      cachedTokens: engine.totals.cached,
      decodedTokens: engine.totals.decoded,
      steps: engine.totals.steps,
      stepSequences: engine.totals.batch,
    }),
    crowdedMs: () => crowdedMs,
  }
}

/** The next generated token (from 1) that somebody wants to hear of, when `generated` have come. */
function noticeAfter({ tells, reasoningTokens, outputTokens }: ReplicaJob, generated: number): number {
  if (tells !== 'ends') return generated + 1
  return generated <= reasoningTokens && reasoningTokens < outputTokens ? reasoningTokens + 1 : outputTokens
}

/** The truth: what each part would take alone, the rest being interference. */
function describe(
  constants: ReplicaConstants,
  { job, sequence, firstVisibleMs }: Resident,
  factor: number,
): Outcome {
  const { promptTokens, cachedTokens, outputTokens } = sequence
  const slowness = constants.slowness * factor
  const fresh = promptTokens - cachedTokens
  const loadMs = cachedTokens * constants.hitUs * 1e-3
  const alone = (idlePrefillMs(constants, fresh, cachedTokens) + loadMs) * slowness
  const withoutPrefix = idlePrefillMs(constants, fresh, 0) * slowness
  const e2eMs = sequence.endMs - job.arrivalMs
  const reasoningSteps = Math.min(job.reasoningTokens, outputTokens - 1)
  const decodeAlone = (from: number, steps: number): number =>
    idleDecodeMs(constants, promptTokens + 1 + from, steps) * slowness
  const actualPrefillMs = sequence.firstTokenMs - sequence.startedMs
  const reasoningEndMs = Number.isNaN(firstVisibleMs) ? sequence.endMs : firstVisibleMs
  const actualReasoningMs = reasoningSteps === 0 ? 0 : reasoningEndMs - sequence.firstTokenMs
  const actualDecodeMs = sequence.endMs - sequence.firstTokenMs - actualReasoningMs
  const prefillFresh = Math.min(actualPrefillMs, withoutPrefix)
  return {
    cachedTokens,
    preemptions: sequence.preemptions,
    ttftMs: sequence.firstTokenMs - job.arrivalMs,
    e2eMs,
    gapMaxMs: sequence.gapMaxMs,
    phases: settlePhases(e2eMs, {
      gateway: sequence.enqueuedMs - job.arrivalMs,
      queue: sequence.startedMs - sequence.enqueuedMs,
      prefillFresh,
      prefillCached: Math.min(actualPrefillMs - prefillFresh, alone - withoutPrefix),
      reasoning: Math.min(actualReasoningMs, decodeAlone(0, reasoningSteps)),
      decode: Math.min(actualDecodeMs, decodeAlone(reasoningSteps, outputTokens - 1 - reasoningSteps)),
    }),
  }
}
