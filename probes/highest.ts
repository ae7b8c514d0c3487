/** The highest load that still does, by doubling and bisection: what the two load probes search with. */

export interface Tried {
  load: number
  does: boolean
}

export interface Search {
  /** Where to begin. */
  from: number
  /** Smallest and largest load that is asked. */
  least: number
  most: number
  /** Ends when the lowest load that fails is at most this much above the highest that does, as a ratio. */
  within: number
  round(load: number): number
}

/** `does` and `fails`: the bracket found; null where every load does, or none. */
export type Step = { ask: number } | { does: number | null; fails: number | null }

/** The next load to try. A load that does above one that fails counts for nothing: the knee is where it first fails. */
export function highest(tried: readonly Tried[], { from, least, most, within, round }: Search): Step {
  if (tried.length === 0) return { ask: round(Math.min(most, Math.max(least, from))) }
  const failed = tried.filter(({ does }) => !does).map(({ load }) => load)
  const fails = failed.length === 0 ? null : Math.min(...failed)
  const good = tried.filter(({ load, does }) => does && (fails === null || load < fails))
  const does = good.length === 0 ? null : Math.max(...good.map(({ load }) => load))
  if (does === null && fails !== null) {
    return fails <= least ? { does, fails } : { ask: Math.max(least, round(fails / 2)) }
  }
  if (does !== null && fails === null) {
    return does >= most ? { does, fails } : { ask: Math.min(most, round(does * 2)) }
  }
  const [low, high] = [does ?? least, fails ?? most]
  const middle = round(Math.sqrt(low * high))
  return high / low <= within || middle <= low || middle >= high ? { does, fails } : { ask: middle }
}
