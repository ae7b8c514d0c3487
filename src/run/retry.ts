/** One request until it is answered: each try is a sample of its own. */
import type { Outcome } from '../sample/sample.js'
import type { Clock } from '../units/time.js'
import type { Exchange } from '../wire/exchange.js'
import { authorize } from './access.js'
import type { Stop } from './events.js'
import { holdUntil } from './pace.js'
import type { Prepared } from './prepare.js'
import type { Sender } from './sender.js'
import { shouldRetry } from './stop-rules.js'

export interface RetryContext {
  sender: Sender
  /** Waits until the account may be asked; answers with how long that held the start back, milliseconds. */
  pass(prepared: Prepared): Promise<number>
  /** Tries of one request. */
  attempts: number
  /** How long a server that said no is left alone, milliseconds; null: longer than we are willing to wait. */
  backOffMs(exchange: Exchange, attempt: number): number | null
  stop(reason: Stop): void
  stopping(): boolean
  drain: AbortSignal
  clock: Clock
}

/**
 * Each try has a prompt of its own, from `again`: what a failed one left in the cache proves nothing. All keep the
 * intended start of the first: a server that sheds load must not look fast by it. Null where nothing was sent.
 */
export async function sendWithRetry(
  first: Prepared,
  intendedNs: number,
  context: RetryContext,
  again: () => Prepared | null,
): Promise<Outcome | null> {
  let prepared: Prepared | null = first
  for (let attempt = 1; prepared !== null; attempt++) {
    const heldBackMs = await context.pass(prepared)
    if (heldBackMs > 0 && context.stopping()) return null
    const unauthorized = await authorize(prepared, context.clock.utcMs())
    if (unauthorized !== null) {
      context.stop({ reason: 'unauthorized', message: unauthorized })
      return null
    }
    const sent = await context.sender.send(prepared, { intendedNs, attempt, heldBackMs })
    if (sent.kind === 'later') return 'ok'
    if (sent.kind === 'unsent') return null
    if (sent.kind === 'passed') {
      context.stop({ reason: 'budget', message: budgetMessage(sent.limit) })
      return null
    }
    const { outcome } = sent.sample
    if (!shouldRetry(outcome) || attempt >= context.attempts || context.stopping()) return outcome
    const waitMs = context.backOffMs(sent.exchange, attempt)
    if (waitMs === null) return outcome
    await holdUntil(context.clock.nowNs() + waitMs * 1e6, context)
    if (context.stopping()) return outcome
    prepared = again()
  }
  return null
}

function budgetMessage(limit: 'requests' | 'tokens' | 'cost'): string {
  return `the budget of ${limit} leaves no room for the next request at its worst. Raise budget.${limit} (or --budget-${limit}) to measure more`
}
