/** How long one engine step takes: a smooth roofline, attention, and a cost per sequence and per step. */

/** Constants of the step-time law. Each unit is in the name; per token² where attention is quadratic. */
export interface StepConstants {
  /** w: reading the weights once, the floor of any step. */
  readonly weightsMs: number
  /** c: compute per token in the step. */
  readonly tokenUs: number
  /** cpf2: attention of a prefill chunk, per token of the chunk × token before it. */
  readonly attentionNs: number
  /** ckv: reading the KV cache, per context token of each decoding sequence. */
  readonly contextNs: number
  /** cseq: per sequence in the step. */
  readonly sequenceUs: number
  /** cstep: scheduling, sampling, launches. */
  readonly stepMs: number
  /** Tokens that fit in one step: the size of a prefill chunk. */
  readonly maxBatchedTokens: number
}

/** What a step carries: its tokens and sequences, and the sums that attention depends on. */
export interface StepLoad {
  tokens: number
  sequences: number
  /** Σ context of decoding sequences. */
  decodeContext: number
  /** Σ chunk·(done + chunk/2) over prefill chunks. */
  prefillPairs: number
}

/**
 * gemm = (w^1.5 + (c·n)^1.5)^(1/1.5); the exponent is the median fitted over 16 public operator profiles (Vidur).
 * A hard max(w, c·n) is 13-26 % low near the knee. x^1.5 is x·√x and x^(2/3) is ∛x², which are cheaper than pow.
 */
export function gemmMs(constants: StepConstants, tokens: number): number {
  const w = constants.weightsMs
  const compute = constants.tokenUs * tokens * 1e-3
  const root = Math.cbrt(w * Math.sqrt(w) + compute * Math.sqrt(compute))
  return root * root
}

/** The step's time on a replica of normal speed, without noise, ms. */
export function stepMs(constants: StepConstants, load: StepLoad): number {
  return (
    gemmMs(constants, load.tokens) +
    (constants.contextNs * load.decodeContext + constants.attentionNs * load.prefillPairs) * 1e-6 +
    constants.sequenceUs * load.sequences * 1e-3 +
    constants.stepMs
  )
}

/** Prefill of `fresh` tokens behind `cached` ones on an idle replica, ms: a staircase of whole chunks. */
export function idlePrefillMs(constants: StepConstants, fresh: number, cached: number): number {
  let ms = 0
  for (let done = 0; done < fresh; done += constants.maxBatchedTokens) {
    const chunk = Math.min(constants.maxBatchedTokens, fresh - done)
    const prefillPairs = chunk * (cached + done + chunk / 2)
    ms += stepMs(constants, { tokens: chunk, sequences: 1, decodeContext: 0, prefillPairs })
  }
  return ms
}

/** `steps` decode steps of one sequence alone, the first with `context` tokens, each with one more, ms. */
export function idleDecodeMs(constants: StepConstants, context: number, steps: number): number {
  if (steps <= 0) return 0
  const decodeContext = steps * context + (steps * (steps - 1)) / 2
  const fixed = gemmMs(constants, 1) + constants.sequenceUs * 1e-3 + constants.stepMs
  return steps * fixed + constants.contextNs * decodeContext * 1e-6
}
