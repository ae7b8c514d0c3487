/** What a replica's engine holds between two steps: its sequences, its blocks, its totals. */
import type { Random } from '../random/random.js'
import { createKvPool, type KvPool } from './kv.js'
import { createSlowSteps, type SlowSteps } from './slow-steps.js'
import type { StepConstants, StepLoad } from './step-law.js'

export interface EngineConstants extends StepConstants {
  readonly maxSequences: number
  readonly blockTokens: number
  readonly kvBlocks: number
  /** Times everything: 1 is a normal replica, 1.4 a slow one. */
  readonly slowness: number
  /** Standard deviation of a step's time, as a share of it. */
  readonly noise: number
  /** What a token from the prefix cache costs the step that takes it in. */
  readonly hitUs: number
  /** Fewer tokens than this are never served from the prefix cache, and what is comes in multiples of the step. */
  readonly cacheMinTokens: number
  readonly cacheStepTokens: number
  /** A cached block is gone when it was not used for this long, and at the latest after `cacheMaxMs`. 0: never. */
  readonly cacheIdleMs: number
  readonly cacheMaxMs: number
}

/** One request inside the engine. Times are NaN until they happen. */
export interface Sequence {
  readonly id: number
  readonly promptTokens: number
  readonly outputTokens: number
  /** Chained hash of each whole block of the prompt, as far as somebody else may have it too. */
  readonly hashes: ArrayLike<number>
  /** Nothing of it is served from the prefix cache, whatever is there. */
  missesCache: boolean
  /** Leading tokens that count as cached though this replica has lost them or never had them. */
  grantedTokens: number
  /** From which generated token on (from 1) somebody wants to hear of it. */
  notice: number
  enqueuedMs: number
  /** Start of the first step that carried it. */
  startedMs: number
  firstTokenMs: number
  endMs: number
  /** Prompt tokens found in the prefix cache at the first admission. */
  cachedTokens: number
  /** Its tokens so far; the last of them comes at the end of the step that is under way. */
  generated: number
  /** The longest time between two of its tokens; right once it has ended. */
  gapMaxMs: number
  /** The step that gave its last token after a pause, or its first one. */
  sinceStep: number
  /** It decodes and had no token in the last step, or was preempted: its last one came at `heldMs`. */
  held: boolean
  heldMs: number
  preemptions: number
  /** Tokens whose KV is in `blocks`. */
  computed: number
  /** Tokens to prefill: the prompt, after preemption also what was generated before it. */
  target: number
  /** Prefill is done; each step gives a token. */
  decoding: boolean
  blocks: number[]
  /** Tokens that `blocks` hold. */
  capacity: number
}

export interface Engine {
  readonly constants: EngineConstants
  readonly random: Random
  readonly kv: KvPool
  /** In order of admission; the last is the youngest. */
  readonly running: Sequence[]
  /** First come first served from `waitingHead`; what lies before it is done with. */
  waiting: Sequence[]
  waitingHead: number
  /** Preempted sequences come before all that wait; the last one in is the oldest. */
  readonly preempted: Sequence[]
  /** How many of `running` still prefill. */
  prefilling: number
  /** Sequences to which more happens at the end of this step than one token more. */
  readonly due: Sequence[]
  /** The longest steps of late, for `gapMaxMs`. */
  readonly slowSteps: SlowSteps
  /** Those that got a token which somebody wants to hear of. Valid until the next step: the array is used again. */
  readonly noticed: Sequence[]
  readonly load: StepLoad
  /** Tokens that this step takes in from the prefix cache. */
  loadedTokens: number
  readonly totals: Totals
}

/** Counted since the start. What is prefilled again after a preemption counts again. */
export interface Totals {
  steps: number
  /** Σ sequences over steps. */
  batch: number
  /** Tokens computed in prefill, taken from the prefix cache, and given out. */
  prefilled: number
  cached: number
  decoded: number
  preemptions: number
}

export function createEngine(constants: EngineConstants, random: Random): Engine {
  return {
    constants,
    random,
    kv: createKvPool(constants.kvBlocks, {
      idleMs: constants.cacheIdleMs || Infinity,
      maxMs: constants.cacheMaxMs || Infinity,
    }),
    running: [],
    waiting: [],
    waitingHead: 0,
    preempted: [],
    prefilling: 0,
    due: [],
    slowSteps: createSlowSteps(),
    noticed: [],
    load: { tokens: 0, sequences: 0, decodeContext: 0, prefillPairs: 0 },
    loadedTokens: 0,
    totals: { steps: 0, batch: 0, prefilled: 0, cached: 0, decoded: 0, preemptions: 0 },
  }
}

export function createSequence(
  id: number,
  promptTokens: number,
  outputTokens: number,
  hashes: ArrayLike<number>,
): Sequence {
  return {
    id,
    promptTokens,
    outputTokens,
    hashes,
    missesCache: false,
    grantedTokens: 0,
    notice: outputTokens,
    enqueuedMs: NaN,
    startedMs: NaN,
    firstTokenMs: NaN,
    endMs: NaN,
    cachedTokens: 0,
    generated: 0,
    gapMaxMs: 0,
    sinceStep: 0,
    held: false,
    heldMs: NaN,
    preemptions: 0,
    computed: 0,
    target: promptTokens,
    decoding: false,
    blocks: [],
    capacity: 0,
  }
}
