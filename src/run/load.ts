/** Runs the chains of a visit under its load: a closed loop of fixed concurrency, or an open one of due times. */
import pLimit from 'p-limit'
import { arrivalOffsetsNs } from '../plan/arrivals.js'
import type { CellLoad } from '../plan/cell.js'
import type { Random } from '../random/random.js'
import type { Clock } from '../units/time.js'
import { sleepUntil, waitUntil } from './pace.js'

export interface LoadContext {
  clock: Clock
  random: Random
  /** True once nothing new may start. */
  stopping(): boolean
  /** Ends a wait for the next due time. */
  drain: AbortSignal
  /** How long before its due time an open loop's chain is called: whoever carries it waits out the rest. @default 0 */
  leadNs?: number | undefined
}

/**
 * Calls `start` once a chain. `intendedNs` is when the chain was due: in an open loop by the arrival process, whatever
 * the state of earlier ones; in a closed loop the moment its stream was free.
 */
export async function underLoad<T>(
  chains: readonly T[],
  load: CellLoad,
  context: LoadContext,
  start: (chain: T, intendedNs: number) => Promise<void>,
): Promise<void> {
  if (load.kind === 'closed') await closedLoop(chains, load.concurrency, context, start)
  else await openLoop(chains, load, context, start)
}

async function closedLoop<T>(
  chains: readonly T[],
  concurrency: number,
  { clock, stopping }: LoadContext,
  start: (chain: T, intendedNs: number) => Promise<void>,
): Promise<void> {
  const limit = pLimit(concurrency)
  const begin = async (chain: T): Promise<void> => {
    if (!stopping()) await start(chain, clock.nowNs())
  }
  await Promise.all(chains.map((chain) => limit(begin, chain)))
}

// Room to build nothing and to reach the first due time by a timer.
const LEAD_NS = 5_000_000

async function openLoop<T>(
  chains: readonly T[],
  load: Extract<CellLoad, { kind: 'open' }>,
  { clock, random, stopping, drain, leadNs = 0 }: LoadContext,
  start: (chain: T, intendedNs: number) => Promise<void>,
): Promise<void> {
  const limit = pLimit(load.maxInFlight)
  const originNs = clock.nowNs() + LEAD_NS + leadNs
  const offsets = arrivalOffsetsNs(load, chains.length, random)
  const reach = leadNs > 0 ? sleepUntil : waitUntil
  const running: Promise<void>[] = []
  for (const [i, chain] of chains.entries()) {
    const dueNs = Math.round(originNs + offsets[i]!)
    await reach(dueNs - leadNs, clock, drain)
    if (stopping()) break
    // At the bound the start is held back; the delay shows as start delay, since it is counted from the due time.
    running.push(limit(async () => (stopping() ? undefined : start(chain, dueNs))))
  }
  await Promise.all(running)
}
