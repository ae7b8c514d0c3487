/** Sends one prepared request: money reserved, exchange made, sample taken, journal written, money settled. */
import type { Budget, LimitName, Reported, Reservation, WorstCase } from '../plan/budget.js'
import type { ConnectionMode } from '../plan/probe.js'
import type { Sample } from '../sample/sample.js'
import type { Exchange } from '../wire/exchange.js'
import type { Prepared } from './prepare.js'

export interface SenderOptions {
  budget: Budget
  /** In-flight requests are cut off when it fires. */
  cut: AbortSignal
  /** A name for the sample to come, never given before. */
  nextId(): string
  /** Headers that only this request carries. */
  headersOf(id: string): Readonly<Record<string, string>>
  /** Told before a request is sent; the journal holds the worst case over a crash. False: it could not, so nothing is sent. */
  onReserve(id: string, worst: WorstCase): boolean
  /** From exchange to sample. */
  measure(exchange: Exchange, prepared: Prepared, context: SendContext): Sample
  /** The sample is in the journal when this returns. */
  onSample(sample: Sample, reported: Reported | null, exchange: Exchange): void
  /** Told as soon as an exchange is over, while others may still be in the air. */
  onLanded(prepared: Prepared, exchange: Exchange): void
  /** Told before the exchange is measured, in a quiet moment. */
  onExchange(exchange: Exchange, prepared: Prepared, context: SendContext): void
}

export interface SendContext {
  id: string
  intendedNs: number
  attempt: number
  /** How long a rate limit held the start back, milliseconds. */
  heldBackMs: number
}

export type Sent =
  | { kind: 'sample'; sample: Sample; exchange: Exchange }
  | { kind: 'later' }
  | { kind: 'passed'; limit: LimitName }
  | { kind: 'unsent' }

export interface Sender {
  /**
   * Resolves when the exchange is over. A success met while other streams are still being stamped is measured `later`,
   * in a quiet moment: parsing it at once would make the stamps of the others late.
   */
  send(prepared: Prepared, context: Omit<SendContext, 'id'>): Promise<Sent>
  /** Measures what waits. Called when nothing is in flight. */
  settle(): void
}

// A kill loses what is not yet measured: never let it wait longer than this.
const LONGEST_WAIT_MS = 1000

interface Waiting {
  exchange: Exchange
  prepared: Prepared
  context: SendContext
  reservation: Reservation
}

export function createSender(options: SenderOptions): Sender {
  const { budget } = options
  const waiting: Waiting[] = []
  let inFlight = 0
  let timer: NodeJS.Timeout | undefined
  /** Woken when an exchange is over and its money free. */
  let landings: (() => void)[] = []

  function take({ exchange, prepared, context, reservation }: Waiting): Sample {
    options.onExchange(exchange, prepared, context)
    const sample = options.measure(exchange, prepared, context)
    const used = settlement(sample, exchange, prepared)
    reservation.settle(used)
    options.onSample(sample, used, exchange)
    return sample
  }

  function settle(): void {
    clearTimeout(timer)
    timer = undefined
    for (const each of waiting.splice(0)) take(each)
  }

  /** One a turn of the loop, so that no stamp is late by more than the measuring of one stream. */
  function settleOne(): void {
    timer = undefined
    const next = waiting.shift()
    if (next === undefined) return
    take(next)
    if (waiting.length > 0) timer = setTimeout(settleOne, 0)
  }

  /** What is in flight or waits holds its worst case; over and measured, it frees the rest. So a cap is only reached once nothing of that kind is left. */
  async function reserve(prepared: Prepared): Promise<Reservation | { passed: LimitName }> {
    for (;;) {
      const reservation = budget.reserve(prepared.worst)
      if (!('passed' in reservation)) return reservation
      if (waiting.length > 0) settle()
      else if (inFlight > 0) await new Promise<void>((resolve) => landings.push(resolve))
      else return reservation
    }
  }

  function landed(): void {
    inFlight--
    const woken = landings
    landings = []
    for (const wake of woken) wake()
  }

  return {
    settle,
    async send(prepared, sendContext) {
      const reservation = await reserve(prepared)
      if ('passed' in reservation) return { kind: 'passed', limit: reservation.passed }
      const context = { id: options.nextId(), ...sendContext }
      if (!options.onReserve(context.id, prepared.worst)) {
        reservation.settle(null)
        return { kind: 'unsent' }
      }
      const connection: ConnectionMode = prepared.planned.condition.connection
      const { request } = prepared
      const own = { ...request, headers: { ...request.headers, ...options.headersOf(context.id) } }
      inFlight++
      const exchange = await prepared.target.transport.send(own, {
        connection,
        signal: options.cut,
        notBeforeNs: context.intendedNs,
      })
      options.onLanded(prepared, exchange)
      const done = { exchange, prepared, context, reservation }
      const healthy = exchange.failure === undefined && exchange.status === 200
      if (healthy && inFlight > 1) {
        waiting.push(done)
        timer ??= setTimeout(settleOne, LONGEST_WAIT_MS)
        landed()
        return { kind: 'later' }
      }
      settle()
      const sample = take(done)
      landed()
      return { kind: 'sample', sample, exchange }
    },
  }
}

/**
 * What a request used: nothing where it never left, no tokens where the server refused it, what usage says of a whole
 * answer, else the worst. A count below what was sent or seen is no count: a server that reports too little frees no money.
 */
function settlement(sample: Sample, exchange: Exchange, prepared: Prepared): Reported | null {
  if (exchange.startNs === undefined) return null
  if (exchange.status !== undefined && exchange.status >= 400)
    return { promptTokens: 0, outputTokens: 0, cost: 0 }
  const { outcome, tokenSource, promptAssumed, promptTokens, outputTokens, cost } = sample
  // Behind what broke off the server may have gone on, and usage in mid-stream (Anthropic, Gemini) knows the begin only.
  const isWhole = outcome === 'ok' || outcome === 'empty'
  if (!isWhole || tokenSource !== 'usage' || promptAssumed) return {}
  const isLow = (promptTokens ?? 0) < leastPrompt(prepared) || (outputTokens ?? 0) < leastOutput(sample)
  return isLow ? {} : { promptTokens, outputTokens, cost: cost?.amount }
}

/** An estimate may be twice too high, an exact count may not. */
function leastPrompt({ localTokens, target }: Prepared): number {
  return target.tokenizer.exact ? localTokens : localTokens / 2
}

/** Output events that arrived: one of them holds a token at least. */
function leastOutput({ itl, ttft, coalesced }: Sample): number {
  return (itl?.count ?? 0) + (ttft === null ? 0 : 1) + coalesced
}
