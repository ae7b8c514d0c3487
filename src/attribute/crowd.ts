/** What the calls of a service cost each other on one machine, by their lengths and the curve: no fault of anybody. */
import { MOST_BESIDE, slotOf, type NeighbourStore } from './neighbours.js'

/** Milliseconds. */
export interface Crowd {
  firstMs: number
  restMs: number
}

/**
 * Continuous batching with chunked prefill: while a prompt is computed every other stream of the machine gives a token
 * a chunk, so it loses about the time of that prefill; who comes later waits for it; and each stream in the batch
 * adds the reading of its context to every step. `paceMs` is a step of the call's own.
 */
export function crowdAt(neighbours: NeighbourStore, passage: number, paceMs: number): Crowd {
  const count = neighbours.beside(passage, beside)
  const { starts, firstsAt, endsAt, prefillsFrom, contexts, logRests } = neighbours.columns
  const own = slotOf(passage)
  const startMs = starts[own]!
  const ownFirstMs = firstsAt[own]!
  const endMs = endsAt[own]!
  let firstMs = 0
  let restMs = 0
  for (let i = 0; i < count; i++) {
    const slot = beside[i]!
    const otherFirstMs = firstsAt[slot]!
    const fromMs = prefillsFrom[slot]!
    // Most prefills beside it lie wholly before it or behind it.
    if (otherFirstMs > startMs && fromMs < endMs) {
      const waited = overlap(fromMs, otherFirstMs, startMs, ownFirstMs)
      // Of two prefills at once the one that ends first has had more of the machine.
      firstMs += otherFirstMs <= ownFirstMs ? waited : waited / 2
      restMs += overlap(fromMs, otherFirstMs, ownFirstMs, endMs)
    }
    const contextMs = contexts[slot]!
    if (contextMs > 0) {
      const together = overlap(otherFirstMs, endsAt[slot]!, ownFirstMs, endMs)
      restMs += (together * contextMs) / (paceMs + contextMs)
    }
  }
  return { firstMs, restMs: restMs * slowed(endMs - ownFirstMs, restMs, logRests[own]!) }
}

/** Others take a share of the time; a machine that all but stood still for it was not foreseen. */
const MOST_SHARE = 0.8

/**
 * A stream of e ms that others stop for a share c of its time lasts e ÷ (1 − c), and they cost it e·c ÷ (1 − c). What made
 * it longer still let it meet more of them, and that is no cost of theirs: this much of what it met is.
 */
function slowed(lastedMs: number, metMs: number, log: number): number {
  if (metMs <= 0 || lastedMs <= 0) return 0
  if (Number.isNaN(log)) return 1
  const share = Math.min(MOST_SHARE, metMs / lastedMs)
  const costMs = ((lastedMs / Math.exp(log)) * share) / (1 - share)
  return Math.min(1, costMs / metMs)
}

/** Used again for each search. */
const beside = new Int32Array(MOST_BESIDE)

function overlap(fromA: number, toA: number, fromB: number, toB: number): number {
  return Math.max(0, Math.min(toA, toB) - Math.max(fromA, fromB))
}

/** Whether calls of a group are really slowed by one another as their lengths foresee: on one machine they are, in a fleet hardly. */
export interface CrowdMemory {
  /** `log`: ln(observed ÷ expected) behind the first output; `crowd`: what the calls beside it should have made of it. */
  add(log: number, crowd: number, sd: number): void
  /** Probability that the next one is. */
  weight(): number
}

/** A foreseen crowd is off by so much of itself. */
export const CROWD_SD = 0.4
/** A crowd below this log ratio is lost in the scatter. */
const LEAST_CROWD = 0.05

export function createCrowdMemory(): CrowdMemory {
  // Laplace's rule of succession.
  let [trials, held] = [2, 1]
  return {
    add(log, crowd, sd) {
      if (!(crowd >= Math.max(LEAST_CROWD, 2 * sd)) || Number.isNaN(log)) return
      const plain = bell(log, Math.max(0.02, sd)) + STRANGE
      const crowded = bell(log - crowd, Math.hypot(Math.max(0.02, sd), CROWD_SD * crowd)) + STRANGE
      trials++
      held += crowded / (plain + crowded)
    },
    weight: () => held / trials,
  }
}

/** What neither foresees speaks for neither. */
const STRANGE = 0.05

function bell(x: number, sd: number): number {
  return Math.exp(-0.5 * (x / sd) ** 2) / sd
}
