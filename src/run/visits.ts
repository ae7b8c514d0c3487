/** Makes the requests of visits, one visit after another: prime, prepare, run under load, measure what waited. */
import type { PlannedRequest, Visit, VisitBlock } from '../plan/visit.js'
import type { Random } from '../random/random.js'
import type { Clock } from '../units/time.js'
import type { Stop } from './events.js'
import { authorize } from './access.js'
import { underLoad } from './load.js'
import { giveWay } from './pace.js'
import type { Ageing, WarmPrefix } from './prefix.js'
import { NO_PREFIX } from './prefix.js'
import type { Made, Prepared, Preparer } from './prepare.js'
import { sendWithRetry } from './retry.js'
import type { RetryContext } from './retry.js'
import type { Sender } from './sender.js'

const NS_PER_S = 1e9

export interface VisitContext extends RetryContext {
  clock: Clock
  random: Random
  sender: Sender
  preparer: Preparer
  /** Set when the run is to end: by the user, by the budget, by a failure. The first reason stays. */
  stop(reason: Stop): void
  stopping(): boolean
  drain: AbortSignal
  /** Something the reader must know. */
  note(text: string): void
}

/** `whole`: every request of the block was made. `holed`: a visit had to be left out. `broken`: the run is ending. */
export type BlockResult = 'whole' | 'holed' | 'broken'

/** Visits whose prefix is to age first are primed only, and put on `ageing`. */
export async function runBlock(
  { visits }: VisitBlock,
  context: VisitContext,
  ageing: Ageing[],
  between: () => Promise<void>,
): Promise<BlockResult> {
  let result: BlockResult = 'whole'
  // One turn of the event loop at least, whatever the block holds: a signal must get through.
  await giveWay()
  for (const visit of visits) {
    await between()
    if (context.stopping()) return 'broken'
    const prefix = await prime(visit, context)
    const ageS = visit.chains[0]?.[0]?.condition.ageS
    if (prefix === null) result = 'holed'
    else if (ageS !== undefined) ageing.push({ visit, prefix, dueNs: prefix.primedNs + ageS * NS_PER_S })
    else if (!(await measureVisit(visit, prefix, context))) result = 'holed'
  }
  return context.stopping() ? 'broken' : result
}

/** False where the visit was left out; what follows goes on. */
export async function measureVisit(
  visit: Visit,
  prefix: WarmPrefix,
  context: VisitContext,
): Promise<boolean> {
  const { clock, random, sender, preparer } = context
  const chains = await prepareAll(visit, prefix, context)
  if (chains === null || context.stopping()) return false
  const spares = spareRequests(visit, prefix, context)
  await openConnections(visit, chains)
  const { stopping, drain } = context
  const leadNs = chains[0]?.[0]?.target.transport.leadNs
  await underLoad(
    chains,
    visit.load,
    { clock, random, stopping, drain, leadNs },
    async (chain, intendedNs) => {
      for (const [i, prepared] of chain.entries()) {
        if (stopping()) return
        const again = (): Prepared | null =>
          spares.pop() ?? orNull(preparer.measure(prepared.planned, prefix))
        await sendWithRetry(prepared, i === 0 ? intendedNs : clock.nowNs(), context, again)
      }
    },
  )
  sender.settle()
  return true
}

// Long enough to build several prompts, short enough that a signal, a deadline and the journal are served.
const BUILD_SLICE_NS = 10_000_000

/** Every prompt of the visit, before the first intended start, so that none is built inside the timed path. */
async function prepareAll(
  visit: Visit,
  prefix: WarmPrefix,
  context: VisitContext,
): Promise<Prepared[][] | null> {
  const chains: Prepared[][] = []
  let sliceEndNs = context.clock.nowNs() + BUILD_SLICE_NS
  for (const chain of visit.chains) {
    if (context.clock.nowNs() > sliceEndNs) {
      await giveWay()
      sliceEndNs = context.clock.nowNs() + BUILD_SLICE_NS
    }
    if (context.stopping()) return null
    const made = prepareChain(chain, prefix, context)
    if (made === null) return null
    // What is wrong with credentials shows when the request is sent.
    for (const prepared of made) await authorize(prepared, context.clock.utcMs())
    chains.push(made)
  }
  return chains
}

// Requests for which one second try is made ready.
const REQUESTS_A_SPARE = 8

/** For second tries, where a prompt that is built then would make the stamps of the streams beside it late. */
function spareRequests({ chains, load }: Visit, prefix: WarmPrefix, { preparer }: VisitContext): Prepared[] {
  const planned = chains[0]?.[0]
  const isAlone = load.kind === 'closed' && load.concurrency === 1
  // The user's own prompts are there already, and each is another one.
  if (planned === undefined || isAlone || planned.own !== undefined) return []
  const count = Math.ceil(chains.length / REQUESTS_A_SPARE)
  return Array.from({ length: count }, () => orNull(preparer.measure(planned, prefix))).filter(
    (made) => made !== null,
  )
}

function prepareChain(
  chain: readonly PlannedRequest[],
  prefix: WarmPrefix,
  { preparer, note }: VisitContext,
): Prepared[] | null {
  const made: Prepared[] = []
  for (const planned of chain) {
    const prepared = preparer.measure(planned, prefix)
    if ('tooShort' in prepared) {
      note(`${planned.target}: ${planned.cell} left out: ${prepared.tooShort}`)
      return null
    }
    made.push(prepared)
  }
  return made
}

/** Connections are opened before the first start, so that none is opened for a request that is timed. */
async function openConnections({ load }: Visit, chains: readonly (readonly Prepared[])[]): Promise<void> {
  const first = chains[0]?.[0]
  if (first === undefined || first.planned.condition.connection === 'new') return
  const most = load.kind === 'closed' ? load.concurrency : load.maxInFlight
  // A failure shows in the requests themselves, with its kind.
  await first.target.transport.warm(Math.min(most, chains.length))
}

/**
 * Brings the visit's prefix into the cache and waits for the end of that answer; null where that failed. Behind a prime
 * that failed nothing is warm, and what was then measured would pass for it where a server reports no cached tokens.
 */
async function prime(visit: Visit, context: VisitContext): Promise<WarmPrefix | null> {
  const planned = visit.chains[0]?.[0]
  if (planned === undefined || planned.condition.cache !== 'warm') return NO_PREFIX
  const prefixNonce = context.preparer.prefixNonce()
  const prepared = context.preparer.prime(planned, prefixNonce)
  if ('tooShort' in prepared) {
    context.note(`${planned.target}: ${planned.cell} left out: ${prepared.tooShort}`)
    return null
  }
  const again = (): Prepared | null => orNull(context.preparer.prime(planned, prefixNonce))
  const outcome = await sendWithRetry(prepared, context.clock.nowNs(), context, again)
  context.sender.settle()
  if (outcome === 'ok') return { nonce: prefixNonce, primedNs: context.clock.nowNs() }
  if (!context.stopping()) {
    context.note(
      `${planned.target}: visits to ${planned.cell} left out, since the request that primes its prefix failed`,
    )
  }
  return null
}

function orNull(prepared: Made): Prepared | null {
  return 'tooShort' in prepared ? null : prepared
}
