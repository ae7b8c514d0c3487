/** How far healthy requests scatter about their curve: the density of ln(observed ÷ predicted). */

export interface Noise {
  /** Density of a log ratio under health; never 0. */
  density(logRatio: number): number
  /** Median log ratio, and standard deviation of the bulk. */
  readonly centre: number
  readonly sd: number
}

export interface Residuals {
  /** Evenly spaced quantiles of the log residuals, ascending. */
  quantiles: readonly number[]
  sd: number
  /** Number of residuals behind them. */
  samples: number
}

/** Share of what no curve foresees, and how far it reaches in standard deviations: no likelihood is ever 0. */
const WILD_SHARE = 0.02
const WILD_SCALE = 3
// Below 1 % nothing in a clock, a token count or a law is right.
const LEAST_SD = 0.01
const CELLS = 1024
const REACH = 6

/**
 * .98 · a Gaussian kernel estimate of the residuals (bandwidth by Silverman 1986, .9·min(sd, IQR/1.34)·n^−1/5) + .02 · a
 * Student t with 3 degrees of freedom and a scale of 3 sd. `doubt` is a standard deviation of the law itself, where
 * it is asked beyond what was sampled or is old; it widens the kernel.
 */
export function createNoise({ quantiles, sd, samples }: Residuals, doubt = 0): Noise {
  const n = quantiles.length
  const at = (p: number): number => quantiles[Math.min(n - 1, Math.max(0, Math.round(p * (n - 1))))] ?? 0
  const iqr = at(0.75) - at(0.25)
  const bulk = Math.max(LEAST_SD, iqr > 0 ? Math.min(sd, iqr / 1.34) : sd)
  const kernel = Math.hypot(Math.max(LEAST_SD, 0.9 * bulk * Math.max(1, samples) ** -0.2), doubt)
  const spread = Math.max(LEAST_SD, Math.hypot(sd, doubt))
  const wide = WILD_SCALE * spread
  const low = (quantiles[0] ?? 0) - REACH * kernel
  const high = (quantiles.at(-1) ?? 0) + REACH * kernel
  const cell = (high - low) / (CELLS - 1)
  const table = Float64Array.from({ length: CELLS }, (_, i) => {
    const x = low + i * cell
    let sum = 0
    for (const q of quantiles) sum += Math.exp(-0.5 * ((x - q) / kernel) ** 2)
    return sum / (Math.max(1, n) * kernel * Math.sqrt(2 * Math.PI))
  })
  return {
    centre: at(0.5),
    sd: Math.hypot(bulk, doubt),
    density(logRatio) {
      const position = (logRatio - low) / cell
      const i = Math.floor(position)
      const inside = i < 0 || i >= CELLS - 1 ? 0 : table[i]! + (position - i) * (table[i + 1]! - table[i]!)
      return (1 - WILD_SHARE) * inside + WILD_SHARE * wildDensity(logRatio, wide)
    },
  }
}

/** Student's t with 3 degrees of freedom: 2/(π√3)·(1 + t²/3)^−2 (Student 1908, Biometrika 6). */
export function wildDensity(x: number, scale: number): number {
  const t = x / scale
  const spread = 1 + (t * t) / 3
  return STUDENT / (scale * spread * spread)
}
const STUDENT = 2 / (Math.PI * Math.sqrt(3))
