/** Cell by cell: the shift of each median, to show where a shift comes from. */
import type { Random } from '../random/random.js'
import type { Sample } from '../sample/sample.js'
import { blockBootstrap, expandedLevel } from '../stats/block-bootstrap.js'
import { ascending, median, quantile } from '../stats/quantile.js'
import { weightedMedian } from '../stats/weighted-median.js'
import type { CellShift } from './comparison.js'
import type { Joined } from './join.js'
import { counts } from '../sample/counts.js'
import { valueOf, type SampleMetric } from './sample-metric.js'

interface Values {
  logs: number[]
  blocks: number[]
}

/** A row a common cell and metric, for those in which both sides have values; `explains` is decided by the caller. */
export function cellShifts(
  joined: Joined,
  metrics: readonly SampleMetric[],
  { random, resamples }: { random: Random; resamples: number },
): Omit<CellShift, 'explains'>[] {
  const sides = [joined.base, joined.candidate].map((samples) => samples.filter(counts))
  return [...joined.cells].flatMap((cell) => {
    const [ours, theirs] = sides.map((samples) => samples.filter((sample) => sample.cell === cell))
    return metrics.flatMap((metric) => {
      const [a, b] = [valuesOf(ours!, metric), valuesOf(theirs!, metric)]
      if (a.logs.length === 0 || b.logs.length === 0) return []
      const [first, second] = [median(a.logs), median(b.logs)]
      const own = random.fork(`${cell}/${metric}`)
      const interval = medianShift(a, b, second - first, own, resamples)
      return [
        {
          pair: joined.pair,
          cell,
          metric,
          base: { median: Math.exp(first), n: a.logs.length },
          candidate: { median: Math.exp(second), n: b.logs.length },
          ratio: Math.exp(second - first),
          low: interval && Math.exp(interval[0]),
          high: interval && Math.exp(interval[1]),
        },
      ]
    })
  })
}

/** In rising order, which the resampling asks for a thousand times. */
function valuesOf(samples: readonly Sample[], metric: SampleMetric): Values {
  const pairs = samples.flatMap((sample) => {
    const value = valueOf(sample, metric)
    return value !== null && value > 0 ? [{ log: Math.log(value), block: sample.block }] : []
  })
  pairs.sort((a, b) => a.log - b.log)
  return { logs: pairs.map(({ log }) => log), blocks: pairs.map(({ block }) => block) }
}

/** Resampled medians of both sides, subtracted draw by draw: they are independent. At least the estimate is inside. */
function medianShift(
  a: Values,
  b: Values,
  shift: number,
  random: Random,
  resamples: number,
): [number, number] | null {
  const draws = [a, b].map(({ logs, blocks }) =>
    blockBootstrap({
      blocks,
      random,
      resamples,
      fit: (weights) => [weightedMedian(logs, weights, { sorted: true })],
    }),
  )
  const [first, second] = draws
  if (!first || !second) return null
  const shifts = ascending(second.draws.map((draw, i) => draw[0]! - first.draws[i]![0]!))
  const level = expandedLevel(Math.min(first.blockCount, second.blockCount))
  const low = quantile(shifts, level, { type: 6, sorted: true })
  const high = quantile(shifts, 1 - level, { type: 6, sorted: true })
  return [Math.min(shift, low), Math.max(shift, high)]
}
