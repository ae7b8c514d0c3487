/** Drives a profile in virtual time: requests in, truth out. */
import { createRandom } from '../../src/random/random.js'
import { createAgenda, runToEnd } from '../../src/simulate/agenda.js'
import { chainBlocks } from '../../src/simulate/count.js'
import type { Outcome } from '../../src/simulate/job.js'
import { resolveProfile, type Profile } from '../../src/simulate/profiles.js'
import { createService } from '../../src/simulate/service.js'

export interface VirtualRequest {
  arrivalMs?: number
  promptTokens: number
  outputTokens?: number
  reasoningTokens?: number
  /** Prompts of one family share their beginning: the shorter is a prefix of the longer. */
  family?: number
}

export interface VirtualAnswer extends Outcome {
  tokenMs: number[]
}

export function profileOf(name: string, overrides: Record<string, unknown> = {}): Profile {
  const resolved = resolveProfile(name, overrides)
  if (!resolved.ok) throw new Error(resolved.problems.join('; '))
  return resolved.profile
}

function promptHashes(promptTokens: number, family: number): Float64Array {
  const ids = Array.from({ length: promptTokens }, (_, i) => (family * 7919 + i * 31) % 200_000)
  return chainBlocks([family, ...ids.slice(1)], 16)
}

export function runVirtual(
  profile: Profile,
  requests: readonly VirtualRequest[],
  seed: number | string = 1,
): VirtualAnswer[] {
  const agenda = createAgenda()
  const service = createService(profile, createRandom(seed), agenda)
  const answers: VirtualAnswer[] = []
  requests.forEach((request, id) => {
    const { arrivalMs = 0, promptTokens, outputTokens = 1, reasoningTokens = 0, family = id + 1 } = request
    const hashes = promptHashes(promptTokens, family)
    const tokenMs: number[] = []
    agenda.at(arrivalMs, (nowMs) => {
      service.submit(
        {
          id,
          arrivalMs,
          promptTokens,
          hashes,
          outputTokens,
          reasoningTokens,
          onToken(index, dueMs, outcome) {
            if (index !== tokenMs.length)
              throw new Error(`token ${index} came after ${tokenMs.length} tokens`)
            tokenMs.push(dueMs)
            if (outcome) answers[id] = { ...outcome, tokenMs }
          },
        },
        nowMs,
      )
    })
  })
  runToEnd(agenda)
  if (service.inFlight() > 0) throw new Error(`${service.inFlight()} requests never ended`)
  return answers
}
