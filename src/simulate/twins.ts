/** The truth per cause: each request against its twin, which had the same luck in all but that cause. */
import { CAUSES, type Cause } from './causes.js'
import { runVirtual } from './virtual.js'
import type { LabelledOutcome, VirtualOutcome, VirtualRequest, VirtualSetup } from './virtual-request.js'

/**
 * Runs once, and once more without each cause that somebody is labelled with, and tells for each label how much
 * quicker the twin was. Two causes are told apart where a crowd makes both: `queueing` is the wait to be admitted
 * (less the usual queue of a hosted service), against a twin that is let in at once, and `noisy-neighbour` is what
 * else the crowd cost.
 */
export function runWithTwins(setup: VirtualSetup, requests: readonly VirtualRequest[]): LabelledOutcome[] {
  const { outcomes } = runVirtual(setup, requests)
  const held = new Set(outcomes.flatMap(({ labels }) => labels))
  const causesMs = outcomes.map((): Partial<Record<Cause, number>> => ({}))
  for (const cause of CAUSES) {
    if (!held.has(cause)) continue
    const usualMs = setup.profile.constants.queueMedianMs
    const twins = cause === 'queueing' ? undefined : runVirtual(setup, requests, cause).outcomes
    outcomes.forEach((outcome, i) => {
      if (!outcome.labels.includes(cause)) return
      causesMs[i]![cause] = twins
        ? slower(outcome, twins[i]!, cause)
        : Math.max(0, outcome.phases.queue - usualMs)
    })
  }
  return outcomes.map((outcome, i) => ({ ...outcome, causesMs: causesMs[i]! }))
}

function slower(outcome: VirtualOutcome, twin: VirtualOutcome, cause: Cause): number {
  const ms = outcome.e2eMs - twin.e2eMs
  return cause === 'noisy-neighbour' ? ms - (outcome.phases.queue - twin.phases.queue) : ms
}
