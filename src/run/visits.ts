/** Makes the requests of visits, one visit after another: prime, prepare, run under load, measure what waited. */
import type { Visit, VisitBlock } from '../plan/visit.js'
import type { Random } from '../random/random.js'
import type { Outcome } from '../sample/sample.js'
import type { Clock } from '../units/time.js'
import type { Exchange } from '../wire/exchange.js'
import type { Stop } from './events.js'
import { underLoad } from './load.js'
import { pause } from './pace.js'
import type { Prepared, Preparer } from './prepare.js'
import type { Sender } from './sender.js'
import { shouldRetry } from './stop-rules.js'

export interface VisitContext {
  clock: Clock
  random: Random
  sender: Sender
  preparer: Preparer
  /** Tries of one request. */
  attempts: number
  /** How long a server that said no is left alone, milliseconds; null: longer than we are willing to wait. */
  backOffMs(headers: Exchange['headers'], attempt: number): number | null
  /** Set when the run is to end: by the user, by the budget, by a failure. The first reason stays. */
  stop(reason: Stop): void
  stopping(): boolean
  drain: AbortSignal
}

/** Runs the visits of a block in order. True when every request of it was made. */
export async function runBlock({ visits }: VisitBlock, context: VisitContext): Promise<boolean> {
  for (const visit of visits) {
    if (context.stopping()) return false
    await runVisit(visit, context)
  }
  return !context.stopping()
}

async function runVisit(visit: Visit, context: VisitContext): Promise<void> {
  const { clock, random, sender, preparer } = context
  const prefixNonce = await prime(visit, context)
  if (context.stopping()) return
  // Prompts are built here, before the first intended start, so that none is built inside the timed path.
  const chains = visit.chains.map((chain) => chain.map((planned) => preparer.measure(planned, prefixNonce)))
  await openConnections(visit, chains)
  await underLoad(
    chains,
    visit.load,
    { clock, random, stopping: context.stopping },
    async (chain, intendedNs) => {
      for (const [i, prepared] of chain.entries()) {
        if (context.stopping()) return
        await sendWithRetry(prepared, i === 0 ? intendedNs : clock.nowNs(), context, () =>
          preparer.measure(prepared.planned, prefixNonce),
        )
      }
    },
  )
  sender.settle()
}

/** Connections are opened before the first start, so that none is opened for a request that is timed. */
async function openConnections({ load }: Visit, chains: readonly (readonly Prepared[])[]): Promise<void> {
  const first = chains[0]?.[0]
  if (first === undefined || first.planned.condition.connection === 'new') return
  const most = load.kind === 'closed' ? load.concurrency : load.maxInFlight
  // A failure shows in the requests themselves, with its kind.
  await first.target.transport.warm(Math.min(most, chains.length))
}

/** Brings the visit's prefix into the cache and waits for the end of that answer; null for a fresh cell. */
async function prime(visit: Visit, context: VisitContext): Promise<string | null> {
  const planned = visit.chains[0]?.[0]
  if (planned === undefined || planned.condition.cache !== 'warm') return null
  const prefixNonce = context.preparer.prefixNonce()
  const make = (): Prepared => context.preparer.prime(planned, prefixNonce)
  await sendWithRetry(make(), context.clock.nowNs(), context, make)
  context.sender.settle()
  return prefixNonce
}

/** Each try is a sample of its own, with a prompt of its own: what a failed one left in the cache proves nothing. */
export async function sendWithRetry(
  first: Prepared,
  intendedNs: number,
  context: VisitContext,
  again: () => Prepared,
): Promise<Outcome | null> {
  let prepared = first
  for (let attempt = 1; ; attempt++) {
    const sent = await context.sender.send(
      prepared,
      attempt === 1 ? intendedNs : context.clock.nowNs(),
      attempt,
    )
    if (sent.kind === 'later') return 'ok'
    if (sent.kind === 'passed') {
      context.stop({ reason: 'budget', message: budgetMessage(sent.limit) })
      return null
    }
    const { outcome } = sent.sample
    if (!shouldRetry(outcome) || attempt >= context.attempts || context.stopping()) return outcome
    const waitMs = context.backOffMs(sent.headers, attempt)
    if (waitMs === null) return outcome
    await pause(waitMs, context.drain)
    if (context.stopping()) return outcome
    prepared = again()
  }
}

function budgetMessage(limit: 'requests' | 'tokens' | 'cost'): string {
  return `the budget of ${limit} is spent: the next request could pass it. Raise budget.${limit} (or --budget-${limit}) to measure more`
}
