/** A run that chooses its cells until its prefill curve is known as closely as asked, from an exact law and a noise. */
import { fitCurves } from '../../src/curve/fit-curves.js'
import type { Block, CellAsk, CellSeen } from '../../src/plan/probe.js'
import type { Precision } from '../../src/plan/precision.js'
import { spend } from '../../src/plan/spend.js'
import type { Sample } from '../../src/sample/sample.js'
import { median } from '../../src/stats/quantile.js'
import { simulatedRun, type CellDesign, type RunDesign } from '../curve/simulated-run.js'

export interface ChosenDesign extends Pick<RunDesign, 'law' | 'noise' | 'random'> {
  grid: readonly CellDesign[]
  precision: Precision
}

/** Fewer than a run takes: looks scatter a little more. */
const RESAMPLES = 199

export function chosenRun({ law, noise, random, grid, precision }: ChosenDesign): Sample[] {
  const samples: Sample[] = []
  const decisions = random.fork('decisions')
  const times = random.fork('times')
  const asks = grid.map(toAsk)
  for (let block = 0; ; block++) {
    const seen = { blocks: block, cells: asks.map((ask) => seenOf(ask, samples)), halfWidths: {} }
    const fit = (curved?: true) =>
      fitCurves(samples, {
        random: random.fork(`look/${block}`),
        resamples: RESAMPLES,
        laws: ['prefill'],
        curved,
      }).curves[0]?.parameters ?? {}
    const next = spend(seen, decisions, { law: 'prefill', grid: asks, precision, fit })
    if ('done' in next) return samples
    const run = simulatedRun({ law, noise, random: times, blocks: 1, cells: designsOf(next.ask, grid) })
    for (const sample of run) {
      const atMs = samples.length * 1000
      samples.push({ ...sample, id: `s-${samples.length}`, block, atMs })
    }
  }
}

const toAsk = ({ promptTokens, prefixTokens = 0, outputTokens = 64 }: CellDesign): CellAsk => ({
  promptTokens,
  prefixTokens,
  outputTokens,
  cache: prefixTokens > 0 ? 'warm' : 'fresh',
})

const designsOf = (asks: Block, grid: readonly CellDesign[]): CellDesign[] =>
  asks.flatMap((ask) => grid.filter((cell) => isSame(ask, toAsk(cell))).slice(0, 1))

const isSame = (a: Pick<CellAsk, 'promptTokens' | 'prefixTokens'>, b: typeof a): boolean =>
  a.promptTokens === b.promptTokens && a.prefixTokens === b.prefixTokens

function seenOf(ask: CellAsk, samples: readonly Sample[]): CellSeen {
  const times = samples.flatMap(({ asked, ttft }) => (isSame(asked, ask) && ttft !== null ? [ttft] : []))
  const p50 = times.length === 0 ? undefined : median(times)
  return {
    ask,
    n: times.length,
    ttft: p50 === undefined ? undefined : { p50, p90: p50 },
    tpot: undefined,
    confirmed: times.length,
    contradicted: 0,
    unverified: 0,
    cachedTokens: ask.prefixTokens,
    cacheHits: { reported: times.length, hits: 0, mostTokens: ask.prefixTokens },
    errors: 0,
    e2e: undefined,
    goodput: undefined,
  }
}
