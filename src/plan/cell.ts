/** A cell: one condition of a probe on a target, under a name that two snapshots share. */
import type { ArrivalProcess, CacheAsked, CellAsk, ConnectionMode } from './probe.js'

export type CellLoad =
  | { kind: 'closed'; concurrency: number }
  | { kind: 'open'; rate: number; arrivals: ArrivalProcess; maxInFlight: number }

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
}

const DEFAULT_MAX_IN_FLIGHT = 256

/** Fills in what a probe left open; `load` stands in where it asked for no load of its own. */
export function toCondition(ask: CellAsk, load: CellLoad): Condition {
  const cellLoad = loadOf(ask, load)
  const perVisit = cellLoad.kind === 'closed' ? cellLoad.concurrency : Math.max(1, Math.round(cellLoad.rate))
  return {
    promptTokens: ask.promptTokens,
    prefixTokens: ask.cache === 'warm' ? ask.prefixTokens : 0,
    outputTokens: ask.outputTokens,
    cache: ask.cache,
    connection: ask.connection ?? 'reused',
    load: cellLoad,
    requests: ask.requests ?? perVisit,
  }
}

function loadOf(ask: CellAsk, fallback: CellLoad): CellLoad {
  if (ask.rate !== undefined) {
    return {
      kind: 'open',
      rate: ask.rate,
      arrivals: ask.arrivals ?? 'poisson',
      maxInFlight: ask.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT,
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
  const { promptTokens, prefixTokens, outputTokens, cache, connection, load } = condition
  const state = cache === 'warm' ? `warm${prefixTokens}` : cache
  return [probe, promptTokens, outputTokens, state, loadLabel(load), connection].join('/')
}

function loadLabel(load: CellLoad): string {
  return load.kind === 'closed'
    ? `c${load.concurrency}`
    : `${load.arrivals}${load.rate}-max${load.maxInFlight}`
}
