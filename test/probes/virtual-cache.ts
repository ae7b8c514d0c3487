/** A prefix cache without a server: what an adaptive probe is shown after its requests were made. */
import type { AdaptiveProbe, CellSeen, MixedProbe } from '../../src/plan/probe.js'
import type { Random } from '../../src/random/random.js'

export interface VirtualCache {
  minimumTokens: number
  stepTokens: number
  /** Tokens in front of the text that every prompt shares: the chat template. */
  templateTokens?: number
  missShare?: number
  lifetimeS?: number
}

/** Lets a probe decide until it is done; answers with its reason, its cells and the requests it took, primes included. */
export function letDecide<S>(
  probe: AdaptiveProbe<S> | MixedProbe<S>,
  settings: S,
  cache: VirtualCache,
  random: Random,
): { reason: string; cells: CellSeen[]; requests: number; blocks: number } {
  const cells = new Map<string, CellSeen>()
  let requests = 0
  for (let blocks = 0; blocks < 200; blocks++) {
    const next = probe.next(settings, { blocks, cells: [...cells.values()], halfWidths: {} }, random)
    if ('done' in next) return { reason: next.done, cells: [...cells.values()], requests, blocks }
    for (const ask of next.ask) {
      const key = `${ask.prefixTokens}+${ask.ageS ?? ''}`
      const cell = cells.get(key) ?? emptyCell(ask)
      requests += 1 + (ask.requests ?? 1)
      for (let i = 0; i < (ask.requests ?? 1); i++) {
        const { minimumTokens, stepTokens, templateTokens = 0, missShare = 0, lifetimeS = Infinity } = cache
        const known = Math.floor((ask.prefixTokens + templateTokens) / stepTokens) * stepTokens
        const isHit = known >= minimumTokens && (ask.ageS ?? 0) <= lifetimeS && random.next() >= missShare
        cell.cacheHits.reported++
        if (isHit && known > 0) {
          cell.cacheHits.hits++
          cell.cacheHits.mostTokens = Math.max(cell.cacheHits.mostTokens, known)
          cell.n++
        } else cell.contradicted++
      }
      cells.set(key, cell)
    }
  }
  throw new Error('it never made up its mind')
}

export function emptyCell(ask: CellSeen['ask']): CellSeen {
  return {
    ask,
    n: 0,
    ttft: undefined,
    tpot: undefined,
    confirmed: 0,
    contradicted: 0,
    unverified: 0,
    cachedTokens: undefined,
    cacheHits: { reported: 0, hits: 0, mostTokens: 0 },
    errors: 0,
    e2e: undefined,
    goodput: undefined,
  }
}
