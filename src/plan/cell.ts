/** A cell: one condition of a probe on a target, under a name that two snapshots share. */
import type { Arrivals } from './arrivals.js'
import { DEFAULT_STEPS, meanRate } from './arrivals.js'
import type { CacheAsked, CellAsk, ConnectionMode, Question, RequestLimits } from './probe.js'

export type CellLoad =
  { kind: 'closed'; concurrency: number } | ({ kind: 'open'; maxInFlight: number } & Arrivals)

/** A `CellAsk` with every default filled in. */
export interface Condition {
  promptTokens: number
  prefixTokens: number
  outputTokens: number
  cache: CacheAsked
  connection: ConnectionMode
  load: CellLoad
  /** Requests in one visit. */
  requests: number
  ageS?: number | undefined
  search?: true | undefined
  limits?: RequestLimits | undefined
  question?: Question | undefined
}

const DEFAULT_MAX_IN_FLIGHT = 256

/** Fills in what a probe left open; `load` stands in where it asked for no load of its own. */
export function toCondition(ask: CellAsk, load: CellLoad): Condition {
  const cellLoad = loadOf(ask, load)
  const perVisit =
    cellLoad.kind === 'closed' ? cellLoad.concurrency : Math.max(1, Math.round(meanRate(cellLoad)))
  return {
    promptTokens: ask.promptTokens,
    prefixTokens: ask.cache === 'warm' ? ask.prefixTokens : 0,
    outputTokens: ask.outputTokens,
    cache: ask.cache,
    connection: ask.connection ?? 'reused',
    load: cellLoad,
    requests: ask.requests ?? perVisit,
    ...(ask.ageS !== undefined && { ageS: ask.ageS }),
    ...(ask.search === true && { search: true }),
    ...(ask.limits !== undefined && { limits: ask.limits }),
    ...(ask.question !== undefined && { question: ask.question }),
  }
}

function loadOf(ask: CellAsk, fallback: CellLoad): CellLoad {
  if (ask.rate !== undefined) {
    return {
      kind: 'open',
      rate: ask.rate,
      arrivals: ask.arrivals ?? 'poisson',
      maxInFlight: ask.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT,
      ...(ask.burstiness !== undefined && { burstiness: ask.burstiness }),
      ...(ask.rateTo !== undefined && { rateTo: ask.rateTo }),
      ...(ask.steps !== undefined && { steps: ask.steps }),
    }
  }
  if (ask.concurrency !== undefined) return { kind: 'closed', concurrency: ask.concurrency }
  return fallback
}

/**
 * The name of a cell, as in `prompt-length/1024/64/fresh/c1/reused`. It holds everything by which two snapshots are
 * comparable and nothing by which they are not: how many blocks were run, or in which order, is not in it.
 */
export function cellId(probe: string, condition: Condition): string {
  const { promptTokens, prefixTokens, outputTokens, cache, connection, load, ageS, question } = condition
  const age = ageS === undefined ? '' : `+${ageS}s`
  const state = cache === 'warm' ? `warm${prefixTokens}${age}` : cache
  const parts = [probe, promptTokens, outputTokens, state, loadLabel(load), connection]
  if (question !== undefined) parts.push(questionLabel(question))
  // What is met while searching must not be mixed with a cell of the design.
  if (condition.search === true) parts.push('search')
  return parts.join('/')
}

/** `recall@50%`, `arithmetic`, … */
export function questionLabel(question: Question): string {
  return question.kind === 'recall' ? `recall@${Math.round(100 * question.depth)}%` : question.kind
}

function loadLabel(load: CellLoad): string {
  return load.kind === 'closed'
    ? `c${load.concurrency}`
    : `${load.arrivals}${load.rate}${shapeLabel(load)}-max${load.maxInFlight}`
}

function shapeLabel({
  arrivals,
  rate,
  burstiness = 1,
  rateTo = rate,
  steps = DEFAULT_STEPS,
}: Arrivals): string {
  if (arrivals === 'gamma') return `@${burstiness}`
  if (arrivals === 'ramp') return `to${rateTo}`
  return arrivals === 'step' ? `to${rateTo}x${steps}` : ''
}
