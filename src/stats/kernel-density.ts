/** A smooth density through a sample. */
import { sampleStandardDeviation } from 'simple-statistics'
import { quantiles } from './quantile.js'

/**
 * Gaussian kernels of width .9·min(sd, IQR ÷ 1.34)·n^−.2 (Silverman 1986, Density Estimation, eq. 3.31), at least
 * `leastWidth`. Throws a RangeError below two values.
 */
export function kernelDensity(values: readonly number[], leastWidth = 1e-6): (x: number) => number {
  if (values.length < 2) throw new RangeError('a density takes two values')
  const [low, high] = quantiles(values, [0.25, 0.75])
  const sd = sampleStandardDeviation([...values])
  const iqr = (high! - low!) / 1.34
  const width = Math.max(leastWidth, 0.9 * Math.min(sd, iqr > 0 ? iqr : sd) * values.length ** -0.2)
  const scale = 1 / (values.length * width * Math.sqrt(2 * Math.PI))
  return (x) => scale * values.reduce((sum, value) => sum + Math.exp(-0.5 * ((x - value) / width) ** 2), 0)
}
