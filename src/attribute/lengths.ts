/** What lengths should cost by the curve, phase by phase. */
import type { Known } from './known.js'

/** Tokens; `visible` is output less reasoning. */
export interface Lengths {
  fresh: number
  cached: number
  visible: number
  reasoning: number
}

/** Milliseconds by phase, as the curve has them. */
export interface Parts {
  base: number
  prefillFresh: number
  prefillCached: number
  reasoning: number
  decode: number
}

export const createParts = (): Parts => ({
  base: NaN,
  prefillFresh: NaN,
  prefillCached: NaN,
  reasoning: NaN,
  decode: NaN,
})

/** A curve's answer for lengths. The first output token belongs to the prefill, each further one to decode. */
export function fillParts(into: Parts, known: Known, { fresh, cached, visible, reasoning }: Lengths): void {
  const prompt = fresh + cached
  const steps = Math.max(0, visible + reasoning - 1)
  const perToken = known.tpot(prompt + (visible + reasoning) / 2)
  const thinking = Math.min(reasoning, steps)
  const { base, prefillFresh, prefillCached } = known.ttft(fresh, cached)
  into.base = base
  into.prefillFresh = prefillFresh
  into.prefillCached = prefillCached
  into.reasoning = thinking * perToken
  into.decode = (steps - thinking) * perToken
}

const scratch = createParts()

/** Milliseconds of a call of these lengths. */
export function costOf(known: Known, lengths: Lengths): number {
  fillParts(scratch, known, lengths)
  return sum(scratch)
}

export function sum(parts: Parts): number {
  return parts.base + parts.prefillFresh + parts.prefillCached + parts.reasoning + parts.decode
}
