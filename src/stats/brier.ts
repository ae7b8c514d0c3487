/** The Brier score of probabilities, and what it is made of. */

export interface Brier {
  /** Mean squared difference of probability and event: 0 is perfect. */
  readonly score: number
  /** Score = reliability − resolution + uncertainty, over cases of equal probability. */
  readonly reliability: number
  readonly resolution: number
  readonly uncertainty: number
}

/** Brier 1950 (Mon. Weather Rev. 78), decomposed by Murphy 1973 (J. Appl. Meteorol. 12). Null without cases. */
export function brier(probabilities: readonly number[], happened: readonly boolean[]): Brier | null {
  const n = probabilities.length
  if (n === 0) return null
  const groups = new Map<number, { count: number; events: number }>()
  let score = 0
  let events = 0
  for (const [i, p] of probabilities.entries()) {
    const y = happened[i] === true ? 1 : 0
    score += (p - y) ** 2
    events += y
    const group = groups.get(p) ?? { count: 0, events: 0 }
    groups.set(p, { count: group.count + 1, events: group.events + y })
  }
  const rate = events / n
  let reliability = 0
  let resolution = 0
  for (const [p, group] of groups) {
    const own = group.events / group.count
    reliability += group.count * (p - own) ** 2
    resolution += group.count * (own - rate) ** 2
  }
  return {
    score: score / n,
    reliability: reliability / n,
    resolution: resolution / n,
    uncertainty: rate * (1 - rate),
  }
}
