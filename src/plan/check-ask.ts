/** Whether what a probe asks for can be asked: probes may be the user's own, so their answers are not trusted. */
import type { Block, CellAsk, Question } from './probe.js'

/** The first thing in a block that cannot be asked, in words that follow "it asks for"; null where all can. */
export function faultOfBlock(block: Block): string | null {
  if (!Array.isArray(block)) return 'a block that is no list'
  for (const ask of block) {
    const fault = faultOfAsk(ask)
    if (fault !== null) return fault
  }
  return null
}

const LONGEST_AGE_S = 7 * 86_400

function faultOfQuestion(question: Question): boolean {
  if (question.kind === 'recall') return !(question.depth >= 0 && question.depth <= 1)
  return !['arithmetic', 'echo', 'json'].includes(question.kind)
}

/** A trace belongs to the scenario's load: it is a file. */
const PROBE_ARRIVALS: ReadonlySet<string> = new Set(['constant', 'poisson', 'gamma', 'ramp', 'step'])

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
    burstiness,
    rateTo,
    steps,
    ageS,
    question,
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
  if (arrivals !== undefined && !PROBE_ARRIVALS.has(arrivals))
    return `arrivals ${arrivals}: one of ${[...PROBE_ARRIVALS].join(', ')} is needed`
  for (const [name, value] of Object.entries({ burstiness, rateTo }))
    if (value !== undefined && !(value > 0 && Number.isFinite(value))) return `${name} ${String(value)}`
  if (steps !== undefined && !isWhole(steps, 1)) return `steps ${String(steps)}`
  if (requests !== undefined && !isWhole(requests, 1)) return `requests ${String(requests)}`
  if (ageS !== undefined && (cache !== 'warm' || !(ageS >= 0 && ageS <= LONGEST_AGE_S)))
    return `ageS ${String(ageS)}: a warm prefix is left alone for 0 to ${LONGEST_AGE_S} seconds`
  if (question !== undefined && faultOfQuestion(question)) return `question ${JSON.stringify(question)}`
  return null
}
