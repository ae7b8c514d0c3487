import { expect, test } from 'vitest'
import { createRandom, type Random } from '../../src/random/random.js'
import { blockBootstrap } from '../../src/stats/blockBootstrap.js'
import { lad } from '../../src/stats/lad.js'
import { normalCdf } from '../../src/stats/normal.js'
import { blockMeans, serialCorrelation, stretchInterval } from '../../src/stats/serialCorrelation.js'
import { prefillRun } from './prefillRun.js'

const LAW = [400, 45, 12] as const
const REPEATS = 200

/** Share of repeats in which the interval of base, fresh and hit holds the law × the noise's median. */
function coverage(noise: (random: Random) => number, noiseMedian: number, seed: string): number[] {
  const random = createRandom(seed)
  const covered = [0, 0, 0]
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const { rows, blocks } = prefillRun({ law: LAW, blocks: 12, random, noise })
    const fit = lad(rows)!
    const start = { start: fit.parameters, scale: fit.scale, rounds: 15 }
    const { intervals, blockCount } = blockBootstrap({
      blocks,
      random,
      resamples: 149, // level .0108: between the second and the third smallest draw
      fit: (weights) => lad({ ...rows, weights }, start)?.parameters ?? null,
    })!
    const serial = serialCorrelation(blockMeans(fit.residuals, blocks))
    for (const [j, interval] of intervals.entries()) {
      const { low, high } =
        j === 0 ? stretchInterval(interval, fit.parameters[0]!, serial, blockCount) : interval
      const truth = LAW[j]! * noiseMedian
      if (low <= truth && truth <= high) covered[j]!++
    }
  }
  return covered.map((count) => count / REPEATS)
}

test('95 % intervals of base, fresh and hit cover 92-100 % under clean noise of 5 %', () => {
  for (const share of coverage((random) => Math.exp(0.05 * random.normal()), 1, 'clean')) {
    expect(share).toBeGreaterThanOrEqual(0.92)
  }
})

test('they cover as well when 30 % of the requests are 1.6 times slower, about the conditional median', () => {
  const sd = 0.08
  const noise = (random: Random): number => Math.exp(sd * random.normal()) * (random.next() < 0.3 ? 1.6 : 1)
  for (const share of coverage(noise, bimodalMedian(sd), 'bimodal'))
    expect(share).toBeGreaterThanOrEqual(0.92)
})

/** The median of the mixture, by bisection on its CDF. */
function bimodalMedian(sd: number): number {
  let low = 0
  let high = Math.log(1.6)
  for (let i = 0; i < 60; i++) {
    const x = (low + high) / 2
    const below = 0.7 * normalCdf(x / sd) + 0.3 * normalCdf((x - Math.log(1.6)) / sd)
    if (below < 0.5) low = x
    else high = x
  }
  return Math.exp(low)
}
