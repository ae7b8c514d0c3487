/** An engine replica on an agenda: steps follow one another without a gap as long as there is work. */
import type { Random } from '../random/random.js'
import type { Agenda } from './agenda.js'
import {
  cancel,
  createEngine,
  createSequence,
  enqueue,
  step,
  type EngineConstants,
  type Sequence,
} from './engine.js'
import { settlePhases, type Job, type Outcome, type Service } from './job.js'
import { idleDecodeMs, idlePrefillMs } from './step-law.js'

/** The front end works on requests beside the engine, so its time delays a request and nobody else. */
export interface ReplicaConstants extends EngineConstants {
  readonly frontEndMs: number
}

interface Resident {
  job: Job
  sequence: Sequence
  firstVisibleMs: number
}

export function createReplica(constants: ReplicaConstants, random: Random, agenda: Agenda): Service {
  const engine = createEngine(constants, random)
  const residents = new Map<number, Resident>()
  let stepping = false

  /** Starts a step at `nowMs`; its tokens, and the next step, come at its end. */
  function startStep(nowMs: number): void {
    const started = step(engine, nowMs)
    stepping = started !== undefined
    if (!started) return
    const endMs = nowMs + started.durationMs
    // A token may be delivered to a listener that cancels others, so the step's list is copied.
    const emissions = started.emissions.map((sequence) => ({ sequence, index: sequence.generated - 1 }))
    agenda.at(endMs, (dueMs) => {
      for (const { sequence, index } of emissions) deliver(sequence, index, dueMs)
      startStep(dueMs)
    })
  }

  function deliver(sequence: Sequence, index: number, dueMs: number): void {
    const resident = residents.get(sequence.id)
    if (!resident) return
    const { job } = resident
    if (index === 0) job.onCached?.(sequence.cachedTokens)
    if (index === job.reasoningTokens) resident.firstVisibleMs = dueMs
    const isLast = index === sequence.outputTokens - 1
    if (isLast) residents.delete(sequence.id)
    job.onToken(index, dueMs, isLast ? describe(constants, resident) : undefined)
  }

  return {
    submit(job, nowMs) {
      const sequence = createSequence(job.id, job.promptTokens, job.outputTokens, job.hashes)
      residents.set(job.id, { job, sequence, firstVisibleMs: NaN })
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
      residents.delete(id)
      cancel(engine, resident.sequence)
    },
    inFlight: () => residents.size,
    load: () => ({
      running: engine.running.length,
      waiting: engine.preempted.length + engine.waiting.length - engine.waitingHead,
      kvUsage: 1 - engine.kv.free / engine.constants.kvBlocks,
    }),
  }
}

/** The truth: what each part would take alone, the rest being interference. */
function describe(constants: ReplicaConstants, { job, sequence, firstVisibleMs }: Resident): Outcome {
  const { promptTokens, cachedTokens, outputTokens } = sequence
  const fresh = promptTokens - cachedTokens
  const alone = idlePrefillMs(constants, fresh, cachedTokens) * constants.slowness
  const withoutPrefix = idlePrefillMs(constants, fresh, 0) * constants.slowness
  const e2eMs = sequence.endMs - job.arrivalMs
  const reasoningSteps = Math.min(job.reasoningTokens, outputTokens - 1)
  const decodeAlone = (from: number, steps: number): number =>
    idleDecodeMs(constants, promptTokens + 1 + from, steps) * constants.slowness
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
