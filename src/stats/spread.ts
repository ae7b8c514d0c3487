/** Whether places on an axis are enough, and far enough apart, to tell what a law does between them. */

// Servers count the same prompt a few tokens apart, so lengths this near are one.
const SAME_LENGTH = 1.25

/** Below these a parabola cannot be told from a line. */
export const BEND_LENGTHS = 4
export const BEND_RATIO = 8

export interface Spread {
  /** Different lengths. */
  count: number
  /** Of the longest to the shortest, 1 without any. */
  ratio: number
}

export function spreadOf(lengths: readonly number[]): Spread {
  let count = 0
  let from = -Infinity
  const sorted = lengths.map((length) => Math.max(1, length)).sort((a, b) => a - b)
  for (const length of sorted) {
    if (length <= from * SAME_LENGTH) continue
    from = length
    count++
  }
  return { count, ratio: (sorted.at(-1) ?? 1) / (sorted[0] ?? 1) }
}

export const isOneLength = (a: number, b: number): boolean => Math.max(a, b) <= SAME_LENGTH * Math.min(a, b)

export const showsBend = ({ count, ratio }: Spread): boolean => count >= BEND_LENGTHS && ratio >= BEND_RATIO
