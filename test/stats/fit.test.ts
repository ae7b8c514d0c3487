import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRandom, type Random } from '../../src/random/random.js'
import { blockBootstrap, expandedLevel } from '../../src/stats/block-bootstrap.js'
import { lad } from '../../src/stats/lad.js'
import { median } from '../../src/stats/quantile.js'
import { blockMeans, serialCorrelation, stretchInterval } from '../../src/stats/serial-correlation.js'
import { prefillRun } from './prefill-run.js'

const positive = (max: number): fc.Arbitrary<number> => fc.double({ min: max / 1000, max, noNaN: true })

test('lad recovers an exact law of three parameters to 1e-5: it stops when no prediction moves by 1e-6', () => {
  fc.assert(
    fc.property(positive(1000), positive(300), positive(80), (base, fresh, hit) => {
      const { rows } = prefillRun({
        law: [base, fresh, hit],
        blocks: 2,
        random: createRandom(1),
        noise: () => 1,
      })
      const fit = lad(rows)!
      const found = fit.parameters.map((value, j) => value / [base, fresh, hit][j]!)
      for (const ratio of found) expect(Math.abs(ratio - 1)).toBeLessThan(1e-5)
      expect(fit.bounded).toEqual([false, false, false])
      expect(fit.converged).toBe(true)
    }),
    { numRuns: 50 },
  )
})

test('lad stays within 2 % of the median law of skewed noise', () => {
  const skewed = (random: Random): number => clean(random) * (random.next() < 0.3 ? 1.6 : 1)
  const { rows } = prefillRun({ law: [400, 45, 12], blocks: 200, random: createRandom(2), noise: skewed })
  const noiseMedian = 1.0287 // exp(.05 · Φ⁻¹(.5 ÷ .7)), as the slow regime lies wholly above
  expect(Math.abs(lad(rows)!.parameters[0]! / (400 * noiseMedian) - 1)).toBeLessThan(0.02)
})

test('lad keeps an exact law though every sixth request is five times slower', () => {
  const noise = (_: Random, i: number): number => (i % 6 === 0 ? 5 : 1)
  const { rows } = prefillRun({ law: [400, 45, 12], blocks: 20, random: createRandom(2), noise })
  const found = lad(rows)!.parameters
  for (const [j, value] of found.entries())
    expect(Math.abs(value / [400, 45, 12][j]! - 1)).toBeLessThan(0.001)
})

test('lad of an intercept alone is the median', () => {
  const random = createRandom(3)
  const y = Array.from({ length: 101 }, () => Math.exp(random.normal()))
  const fit = lad({ columns: [y.map(() => 1)], y })!
  expect(fit.parameters[0]! / median(y)).toBeCloseTo(1, 1.5)
})

test('the fit follows the units: y × 1000 and a column ÷ 1000 change the parameters alike', () => {
  const { rows } = prefillRun({ law: [400, 45, 12], blocks: 6, random: createRandom(4), noise: clean })
  const [one, fresh, hit] = rows.columns
  const plain = lad(rows)!.parameters
  const scaled = lad({
    columns: [one!, fresh!.map((n) => n * 1000), hit!],
    y: rows.y.map((v) => v * 7),
  })!.parameters
  expect(scaled[0]! / plain[0]!).toBeCloseTo(7, 6)
  expect((scaled[1]! / plain[1]!) * 1000).toBeCloseTo(7, 6)
  expect(scaled[2]! / plain[2]!).toBeCloseTo(7, 5)
})

test('a weight of 2 counts as the row twice and a weight of 0 as no row', () => {
  const { rows } = prefillRun({ law: [400, 45, 12], blocks: 4, random: createRandom(5), noise: clean })
  const weights = rows.y.map((_, i) => i % 3)
  const repeated = rows.y.flatMap((_, i) => Array.from({ length: weights[i]! }, () => i))
  const options = { scale: 0.05, start: [400, 45, 12] }
  const weighted = lad({ ...rows, weights }, options)!.parameters
  const copied = lad(
    {
      columns: rows.columns.map((column) => repeated.map((i) => column[i]!)),
      y: repeated.map((i) => rows.y[i]!),
    },
    options,
  )!.parameters
  for (const [j, value] of weighted.entries()) expect(value / copied[j]!).toBeCloseTo(1, 9)
})

test('a parameter that would be negative is held at 0, marked, and the others refitted without it', () => {
  const tokens = [1, 2, 4, 8, 16]
  const columns = [tokens.map(() => 1), tokens]
  const y = tokens.map((n) => 10 * n - 5) // a line with a negative intercept
  const fit = lad({ columns, y })!
  expect(fit.bounded).toEqual([true, false])
  expect(fit.parameters[0]).toBe(0)
  expect(fit.parameters[1]!).toBeCloseTo(lad({ columns: [tokens], y })!.parameters[0]!, 9)
})

test('columns that do not determine the law give null, never numbers', () => {
  const one = [1, 1, 1, 1]
  expect(lad({ columns: [one, [2, 2, 2, 2]], y: [1, 2, 3, 4] })).toBeNull()
  expect(lad({ columns: [one, [0, 0, 0, 0]], y: [1, 2, 3, 4] })).toBeNull()
  expect(lad({ columns: [[1], [2]], y: [1] })).toBeNull()
})

test('residuals are ln(y ÷ predicted), a row each, rows of weight 0 included', () => {
  const { rows } = prefillRun({ law: [400, 45, 12], blocks: 3, random: createRandom(6), noise: clean })
  const fit = lad({ ...rows, weights: rows.y.map((_, i) => (i === 4 ? 0 : 1)) })!
  expect(fit.residuals).toHaveLength(rows.y.length)
  expect(fit.residuals[4]!).toBeCloseTo(Math.log(rows.y[4]! / fit.predicted[4]!), 12)
})

test.each([
  [8, 0.0057],
  [10, 0.0086],
  [12, 0.0108],
  [15, 0.0132],
  [20, 0.0159],
  [30, 0.0188],
])('the expanded level of %i blocks is %f (Hesterberg 2015)', (g, level) => {
  expect(expandedLevel(g)).toBeCloseTo(level, 4)
})

/** Weighted mean of `values` as a statistic. */
const weightedMean = (values: readonly number[]) => (weights: Float64Array) => {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return [values.reduce((sum, value, i) => sum + value * weights[i]!, 0) / total]
}

test('the bootstrap is the same from the same seed and another from another', () => {
  const values = Array.from({ length: 40 }, (_, i) => (i * 7919) % 101)
  const blocks = values.map((_, i) => i % 10)
  const run = (seed: number) =>
    blockBootstrap({ blocks, random: createRandom(seed), fit: weightedMean(values) })
  expect(run(1)).toEqual(run(1))
  expect(run(1)!.intervals).not.toEqual(run(2)!.intervals)
})

test('whole blocks are drawn: a statistic that only varies inside blocks has an interval of width 0', () => {
  const values = [1, 5, 1, 5, 1, 5, 1, 5]
  const result = blockBootstrap({
    blocks: [0, 0, 1, 1, 2, 2, 3, 3],
    random: createRandom(1),
    fit: weightedMean(values),
    resamples: 99,
  })!
  expect(result.blockCount).toBe(4)
  expect(result.intervals[0]).toEqual({ low: 3, high: 3, se: 0 })
})

test('the standard error of a mean of 30 normal blocks is sd ÷ √30 within 25 %', () => {
  const random = createRandom('se')
  const values = Array.from({ length: 30 }, () => random.normal())
  const mean = values.reduce((sum, value) => sum + value, 0) / 30
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 29)
  const [interval] = blockBootstrap({
    blocks: values.map((_, i) => i),
    random,
    fit: weightedMean(values),
  })!.intervals
  expect(interval!.se / (sd / Math.sqrt(30))).toBeGreaterThan(0.75)
  expect(interval!.se / (sd / Math.sqrt(30))).toBeLessThan(1.25)
})

test('one block, or resamples that mostly fail, give null', () => {
  const random = createRandom(1)
  expect(blockBootstrap({ blocks: [1, 1, 1], random, fit: () => [1] })).toBeNull()
  expect(blockBootstrap({ blocks: [1, 2, 3], random, fit: () => null })).toBeNull()
})

test('rho is 0 and G_eff is G for independent blocks on average; an AR(1) of .6 is found within .1', () => {
  const random = createRandom('serial')
  const average = (phi: number): number => {
    let sum = 0
    for (let k = 0; k < 400; k++) {
      let level = random.normal()
      const series = Array.from(
        { length: 40 },
        () => (level = phi * level + Math.sqrt(1 - phi ** 2) * random.normal()),
      )
      sum += serialCorrelation(series).rho / 400
    }
    return sum
  }
  expect(average(0)).toBeLessThan(0.09) // clipped at 0, so above it on average
  expect(Math.abs(average(0.6) - 0.6)).toBeLessThan(0.1)
})

test('rho keeps to [0, limit], f = (1 + rho) ÷ (1 − rho), G_eff = G ÷ f', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 40 }),
      (series) => {
        const { rho, f, gEff } = serialCorrelation(series)
        expect(rho).toBeGreaterThanOrEqual(0)
        expect(rho).toBeLessThanOrEqual(0.8)
        expect(f).toBeCloseTo((1 + rho) / (1 - rho), 12)
        expect(gEff).toBeCloseTo(series.length / f, 9)
      },
    ),
  )
  const rising = Array.from({ length: 30 }, (_, i) => i)
  expect(serialCorrelation(rising).rho).toBe(0.8)
  expect(serialCorrelation(rising, { limit: 0.9 }).rho).toBe(0.9)
})

test('a worked case: r of 1, 2, 3, 4, 5 is .4, rho by Marriott & Pope is clipped from 1.5', () => {
  expect(serialCorrelation([1, 2, 3, 4, 5]).r).toBeCloseTo(0.4, 12)
  const found = serialCorrelation([1, 2, 1, 3, 2, 4, 1, 2, 2, 3])
  expect(found.rho).toBeCloseTo(Math.max(0, (found.r + 0.1) / 0.7), 12)
})

test('the means of blocks come in order of first appearance', () => {
  expect(blockMeans([1, 2, 10, 3], [7, 7, 2, 7])).toEqual([2, 10])
})

test('without correlation an interval is not stretched; with it, about the estimate, and se stays', () => {
  const interval = { low: 90, high: 115, se: 5 }
  const none = stretchInterval(interval, 100, { r: 0, rho: 0, f: 1, gEff: 12 }, 12)
  expect(none).toEqual(interval)
  const wide = stretchInterval(interval, 100, { r: 0.5, rho: 0.6, f: 4, gEff: 3 }, 12)
  const factor = (2 * 4.302652729696142) / 2.200985160091639
  expect(wide.low).toBeCloseTo(100 - 10 * factor, 8)
  expect(wide.high).toBeCloseTo(100 + 15 * factor, 8)
  expect(wide.se).toBe(5)
})

function clean(random: Random): number {
  return Math.exp(0.05 * random.normal())
}

test('measured token counts that differ a little inside a cell start from the cells and end at the same law', () => {
  const random = createRandom(7)
  const { rows } = prefillRun({ law: [400, 45, 12], blocks: 8, random, noise: clean })
  const cells = rows.columns[1]!.map((fresh, i) => Math.round(1000 * (fresh + 100 * rows.columns[2]![i]!)))
  const jittered = rows.columns.map((column, j) =>
    j === 1 ? column.map((n) => n + 0.002 * random.next()) : column,
  )
  const plain = lad(rows)!.parameters
  for (const fit of [lad({ ...rows, columns: jittered, cells })!, lad({ ...rows, columns: jittered })!]) {
    for (const [j, value] of fit.parameters.entries())
      expect(Math.abs(value / plain[j]! - 1)).toBeLessThan(0.02)
  }
})

test('a fourth column, the square of the fresh tokens, is found within 10 % under noise of 2 %', () => {
  const random = createRandom(8)
  const { rows } = prefillRun({ law: [20, 100, 12], blocks: 12, random, noise: () => 1 })
  const square = rows.columns[1]!.map((n) => n * n)
  const y = rows.y.map((value, i) => (value + 8 * square[i]!) * Math.exp(0.02 * random.normal()))
  const fit = lad({ columns: [...rows.columns, square], y })!
  expect(Math.abs(fit.parameters[3]! / 8 - 1)).toBeLessThan(0.1)
  expect(Math.abs(fit.parameters[1]! / 100 - 1)).toBeLessThan(0.1)
})
