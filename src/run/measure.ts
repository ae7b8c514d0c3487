/** From the exchange of a prepared request to its sample. */
import type { CellLoad, Condition } from '../plan/cell.js'
import type { Protocol } from '../protocol/protocol.js'
import type { Sample } from '../sample/sample.js'
import type { SampleContext } from '../sample/to-sample.js'
import { toSample } from '../sample/to-sample.js'
import type { Tokenizer } from '../tokens/tokenizer.js'
import type { Exchange } from '../wire/exchange.js'
import type { LiveTarget } from './live-target.js'
import type { Prepared } from './prepare.js'
import type { SendContext, SenderOptions } from './sender.js'

export interface MeasureOptions {
  runStartNs: number
  runStartUtcMs: number
  redact(text: string): string
}

/** All that is known of a request beside its exchange, as data: what a recording keeps of it. */
export type SampleFacts = Omit<SampleContext, keyof MeasureOptions | 'tokenizer'> & {
  /** How long a rate limit held its start back, milliseconds. */
  heldBackMs: number
}

export function createMeasure(options: MeasureOptions): SenderOptions['measure'] {
  return (exchange, prepared, context) => {
    const { protocol, tokenizer } = prepared.target
    return measure(exchange, factsOf(prepared, context, exchange), { protocol, tokenizer }, options)
  }
}

/** The same for an exchange of now and one of a recording. */
export function measure(
  exchange: Exchange,
  { heldBackMs, ...facts }: SampleFacts,
  { protocol, tokenizer }: { protocol: Protocol; tokenizer: Tokenizer },
  options: MeasureOptions,
): Sample {
  const sample = toSample(exchange, protocol, { ...options, ...facts, tokenizer })
  return heldBackMs > 0 ? { ...sample, heldBack: heldBackMs } : sample
}

export function factsOf(
  { planned, target: live, role, primedNs, right }: Prepared,
  { id, intendedNs, attempt, heldBackMs }: SendContext,
  { startNs = intendedNs }: Pick<Exchange, 'startNs'>,
): SampleFacts {
  const { target, correction, baseUrl } = live
  const { promptTokens, prefixTokens, outputTokens, cache, connection, load } = planned.condition
  // A prime is a fresh request for the prefix alone.
  const isPrime = role === 'prime'
  return {
    id,
    target: { name: target.name, url: baseUrl, model: target.model, apiKeyEnv: keySource(live) },
    probe: planned.probe,
    cell: planned.cell,
    block: planned.block,
    attempt,
    warmup: role !== 'measure',
    asked: {
      promptTokens: isPrime ? prefixTokens : promptTokens,
      prefixTokens: isPrime ? 0 : prefixTokens,
      outputTokens: isPrime ? 1 : outputTokens,
      cache: isPrime ? 'fresh' : cache,
      ...askedLoad(load),
      connection,
      ...(isPrime
        ? {}
        : askedBeside(planned.condition, primedNs === undefined ? 0 : nsToS(startNs - primedNs))),
    },
    intendedNs,
    templateTokens: correction.overhead,
    cacheRules: target.cache,
    right,
    price: target.price ?? undefined,
    heldBackMs,
  }
}

/** What only some probes ask for. The age is the one that the prefix had: other work or a rate limit may have been in the way. */
function askedBeside(
  { ageS, search, limits, question }: Condition,
  trueAgeS: number,
): Partial<Sample['asked']> {
  return {
    ...(ageS !== undefined && { ageS: trueAgeS }),
    ...(search !== undefined && { search }),
    ...(limits !== undefined && { limits }),
    ...(question !== undefined && { question }),
  }
}

const nsToS = (ns: number): number => Math.round(ns / 1e6) / 1000

/** What to check where a server lets nobody in: a variable, or the credentials that its cloud's chain found. */
function keySource({ target, authorize }: LiveTarget): string | null {
  if (authorize === undefined) return target.apiKeyEnv
  return target.cloud === 'aws' ? 'the AWS credentials' : 'the Google Cloud credentials'
}

function askedLoad(
  load: CellLoad,
): Pick<
  Sample['asked'],
  'concurrency' | 'rate' | 'arrivals' | 'maxInFlight' | 'burstiness' | 'rateTo' | 'steps'
> {
  if (load.kind === 'closed') return { concurrency: load.concurrency, rate: null }
  const { rate, arrivals, maxInFlight, burstiness, rateTo, steps } = load
  return {
    concurrency: null,
    rate,
    arrivals,
    maxInFlight,
    ...(burstiness !== undefined && { burstiness }),
    ...(rateTo !== undefined && { rateTo }),
    ...(steps !== undefined && { steps }),
  }
}
