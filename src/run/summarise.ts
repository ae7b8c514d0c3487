/** Samples summed up cell by cell: the rows that people read, and what an adaptive probe sees. */
import type { Condition } from '../plan/cell.js'
import type { CellAsk, CellSeen } from '../plan/probe.js'
import { counts } from '../sample/counts.js'
import { goodputOf } from '../sample/goodput.js'
import type { Sample } from '../sample/sample.js'
import type { Quantiles, SummaryRow } from '../snapshot/snapshot.js'
import { median, quantile } from '../stats/quantile.js'
import { leastSamples, quantileInterval } from '../stats/quantile-interval.js'

/** One row a cell of a target, in the order in which cells were first met. */
export function summarise(samples: readonly Sample[]): SummaryRow[] {
  return [...groupBy(measured(samples), (sample) => `${sample.target}\n${sample.cell}`).values()].map(toRow)
}

/** What is known of the cells of one probe on one target. */
export function cellsSeen(
  samples: readonly Sample[],
  conditions: ReadonlyMap<string, Condition>,
): CellSeen[] {
  return [...groupBy(measured(samples), (sample) => sample.cell)].flatMap(([cell, of]) => {
    const condition = conditions.get(cell)
    return condition === undefined ? [] : [toSeen(condition, of)]
  })
}

const measured = (samples: readonly Sample[]): Sample[] => samples.filter((sample) => !sample.warmup)

function toRow(samples: readonly Sample[]): SummaryRow {
  const first = samples[0]!
  const good = samples.filter(counts)
  const done = samples.filter((sample) => sample.outcome === 'ok')
  const errors: Record<string, number> = {}
  for (const { outcome } of samples) if (outcome !== 'ok') errors[outcome] = (errors[outcome] ?? 0) + 1
  const activeS = activeMs(samples) / 1000
  const rateLimited = samples.filter(missedItsLoad).length
  const outputTokens = sum(done.map((sample) => sample.outputTokens ?? 0))
  return {
    target: first.target,
    probe: first.probe,
    cell: first.cell,
    promptTokens: first.asked.promptTokens,
    prefixTokens: first.asked.prefixTokens,
    outputTokens: first.asked.outputTokens,
    cache: first.asked.cache,
    concurrency: first.asked.concurrency,
    rate: first.asked.rate,
    connection: first.asked.connection,
    n: good.length,
    errors,
    cacheStates: {
      confirmed: done.filter((sample) => sample.cacheState === 'confirmed').length,
      contradicted: done.filter((sample) => sample.cacheState === 'contradicted').length,
      unverified: done.filter((sample) => sample.cacheState === 'unverified').length,
    },
    ttft: quantilesOf(present(good.map((sample) => sample.ttft))),
    tpot: quantilesOf(present(good.map((sample) => sample.tpot))),
    e2e: quantilesOf(present(good.map((sample) => sample.e2e))),
    requestsPerS: activeS > 0 ? done.length / activeS : null,
    outputTokensPerS: activeS > 0 ? outputTokens / activeS : null,
    ...(rateLimited > 0 && { rateLimited }),
    ...goodputAndAnswers(samples),
  }
}

/** A rate limit refused it or held it back, and its load with it; one at a time is one at a time, whatever the pauses. */
function missedItsLoad({ asked, outcome, heldBack = 0 }: Sample): boolean {
  const isLoad = asked.rate !== null || (asked.concurrency ?? 1) > 1
  return isLoad && (outcome === 'http-429' || heldBack > 0)
}

function goodputAndAnswers(samples: readonly Sample[]): Pick<SummaryRow, 'goodput' | 'answers'> {
  const goodput = goodputOf(samples)
  const answers = samples.flatMap(({ answer }) => answer ?? [])
  const right = answers.filter((answer) => answer === 'right').length
  return {
    ...(goodput !== null && { goodput }),
    ...(answers.length > 0 && { answers: { right, wrong: answers.length - right } }),
  }
}

/** Time during which the cell was visited: for each block, from its first start to its last end. */
function activeMs(samples: readonly Sample[]): number {
  // A failed request has no end that is known; its start still lies in the time that the visit took.
  const visits = groupBy(samples, (sample) => sample.block)
  return sum(
    [...visits.values()].map((visit) => {
      const starts = visit.map((sample) => sample.atMs)
      const ends = visit.map((sample) => sample.atMs + (sample.e2e ?? 0))
      return maxOf(ends) - minOf(starts)
    }),
  )
}

function quantilesOf(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null
  const middle = quantileInterval(values, 0.5)
  return {
    p50: median(values),
    p50Low: middle?.low ?? null,
    p50High: middle?.high ?? null,
    p90: values.length >= leastSamples(0.9) ? quantile(values, 0.9) : null,
    p99: values.length >= leastSamples(0.99) ? quantile(values, 0.99) : null,
  }
}

function toSeen(condition: Condition, samples: readonly Sample[]): CellSeen {
  const good = samples.filter(counts)
  const done = samples.filter((sample) => sample.outcome === 'ok')
  const middleAndTail = (values: readonly number[]): { p50: number; p90: number } | undefined =>
    values.length === 0 ? undefined : { p50: median(values), p90: quantile(values, 0.9) }
  // Where the state is known, a count that is left out was one of 0 (`omitsZeros` of its protocol).
  const cached = done.flatMap(({ cacheState, cachedTokens }) =>
    cachedTokens === undefined && cacheState === 'unverified' ? [] : [cachedTokens ?? 0],
  )
  return {
    ask: toAsk(condition),
    n: good.length,
    ttft: middleAndTail(present(good.map((sample) => sample.ttft))),
    tpot: middleAndTail(present(good.map((sample) => sample.tpot))),
    confirmed: done.filter((sample) => sample.cacheState === 'confirmed').length,
    contradicted: done.filter((sample) => sample.cacheState === 'contradicted').length,
    unverified: done.filter((sample) => sample.cacheState === 'unverified').length,
    cachedTokens: cached.length === 0 ? undefined : median(cached),
    cacheHits: {
      reported: cached.length,
      hits: cached.filter((tokens) => tokens > 0).length,
      mostTokens: Math.max(0, ...cached),
    },
    errors: samples.length - done.length,
    e2e: middleAndTail(present(good.map((sample) => sample.e2e)))?.p50,
    goodput: goodputOf(samples) ?? undefined,
  }
}

function toAsk({ load, ...condition }: Condition): CellAsk {
  const ask: CellAsk = condition
  if (load.kind === 'closed') return { ...ask, concurrency: load.concurrency }
  const { rate, arrivals, maxInFlight, burstiness, rateTo, steps } = load
  return { ...ask, rate, arrivals, maxInFlight, burstiness, rateTo, steps }
}

function groupBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group === undefined) groups.set(key(item), [item])
    else group.push(item)
  }
  return groups
}

const present = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null)
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const maxOf = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity)
const minOf = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity)
