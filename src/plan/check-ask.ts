/** Whether what a probe asks for can be asked: probes may be the user's own, so their answers are not trusted. */
import type { Block, CellAsk } from './probe.js'

/** The first thing in a block that cannot be asked, in words that follow "it asks for"; null where all can. */
export function faultOfBlock(block: Block): string | null {
  if (!Array.isArray(block)) return 'a block that is no list'
  for (const ask of block) {
    const fault = faultOfAsk(ask)
    if (fault !== null) return fault
  }
  return null
}

const isWhole = (value: unknown, least: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least

function faultOfAsk(ask: CellAsk): string | null {
  if (typeof ask !== 'object' || ask === null) return 'a cell that is no object'
  const {
    promptTokens,
    prefixTokens,
    outputTokens,
    cache,
    concurrency,
    rate,
    maxInFlight,
    requests,
    connection,
    arrivals,
  } = ask
  if (!isWhole(promptTokens, 1))
    return `promptTokens ${String(promptTokens)}: a whole number from 1 up is needed`
  if (!isWhole(outputTokens, 1))
    return `outputTokens ${String(outputTokens)}: a whole number from 1 up is needed`
  if (!isWhole(prefixTokens, 0))
    return `prefixTokens ${String(prefixTokens)}: a whole number from 0 up is needed`
  if (cache !== 'fresh' && cache !== 'warm') return `cache ${cache}: 'fresh' or 'warm' is needed`
  if (cache === 'warm' && prefixTokens >= promptTokens)
    return `a warm prefix of ${prefixTokens} in ${promptTokens} tokens`
  if (concurrency !== undefined && rate !== undefined)
    return 'both concurrency and rate: a load is closed or open'
  if (concurrency !== undefined && !isWhole(concurrency, 1)) return `concurrency ${String(concurrency)}`
  if (rate !== undefined && !(rate > 0 && Number.isFinite(rate))) return `rate ${String(rate)}`
  if (maxInFlight !== undefined && !isWhole(maxInFlight, 1)) return `maxInFlight ${String(maxInFlight)}`
  if (connection !== undefined && connection !== 'reused' && connection !== 'new')
    return `connection ${String(connection)}: 'reused' or 'new' is needed`
  if (arrivals !== undefined && arrivals !== 'constant' && arrivals !== 'poisson')
    return `arrivals ${String(arrivals)}: 'constant' or 'poisson' is needed`
  if (requests !== undefined && !isWhole(requests, 1)) return `requests ${String(requests)}`
  return null
}
