/** What a comparison comes to: the exit code, the plain words, and what a scenario wants to see and could not. */
import type { Comparison, Shift } from './comparison.js'
import { sentences } from './sentences.js'
import { undetected, verdictOf } from './verdict-of.js'

export interface Conclusion {
  comparison: Comparison
  exit: 0 | 1 | 4 | 5
  sentences: readonly string[]
  /** Shifts of the gate that are inconclusive, although the scenario asks that one of its size be seen. */
  undetected: readonly Shift[]
}

export function conclude(comparison: Comparison): Conclusion {
  return {
    comparison,
    exit: verdictOf(comparison),
    sentences: sentences(comparison),
    undetected: undetected(comparison),
  }
}
