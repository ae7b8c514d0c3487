/** A baseline by probing: fresh and warm prompts of several lengths, one at a time, while the service is at work. */
import type { Sample } from '../../src/sample/sample.js'
import { chainPrefix } from '../../src/simulate/prefix-chain.js'
import type { Profile } from '../../src/simulate/profiles.js'
import type { LabelledOutcome, VirtualRequest } from '../../src/simulate/virtual-request.js'
import { sample } from '../curve/simulated-run.js'

/** Tokens of a block of the prefix cache. */
export const BLOCK_TOKENS = 16
/** Longest prompt that is probed, and that production sends. */
export const LONGEST = 32_000
/** Lengths of the probes: six fresh and three warm prompts, twenty blocks, one at a time. */
const FRESH = [128, 400, 1200, 4000, 12_000, LONGEST]
const WARM = [1536, 6144, 24_000]
const BLOCKS = 20
const PROBE_OUTPUT = 96
const PROBE_GAP_MS = 5_000
export function probeRequests(profile: Profile): VirtualRequest[] {
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

export function toSample(
  request: VirtualRequest,
  outcome: LabelledOutcome,
  index: number,
  epochMs: number,
): Sample {
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
