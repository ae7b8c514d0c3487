/** From the exchange of a prepared request to its sample. */
import type { CellLoad } from '../plan/cell.js'
import { toSample } from '../sample/to-sample.js'
import type { SenderOptions } from './sender.js'

export interface MeasureOptions {
  runStartNs: number
  runStartUtcMs: number
  redact(text: string): string
}

export function createMeasure(options: MeasureOptions): SenderOptions['measure'] {
  return (exchange, { planned, target: live, role }, { id, intendedNs, attempt }) => {
    const { target, protocol, tokenizer, correction, baseUrl } = live
    const { promptTokens, prefixTokens, outputTokens, cache, connection, load } = planned.condition
    // A prime is a fresh request for the prefix alone.
    const isPrime = role === 'prime'
    return toSample(exchange, protocol, {
      ...options,
      id,
      target: { name: target.name, url: baseUrl, model: target.model, apiKeyEnv: target.apiKeyEnv },
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
      },
      intendedNs,
      tokenizer,
      templateTokens: correction.overhead,
      cacheRules: target.cache,
      price: target.price ?? undefined,
    })
  }
}

function askedLoad(load: CellLoad): { concurrency: number | null; rate: number | null } {
  if (load.kind === 'closed') return { concurrency: load.concurrency, rate: null }
  return { concurrency: null, rate: load.rate }
}
