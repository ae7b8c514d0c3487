// @ts-check
/** Holds a snapshot of a real engine against what the engine says of itself; docs/engine.md has the definitions. */

const LEAST_R2 = 0.98
const TOLERANCE = { share: 0.03, ms: 2 }
/** How far a prompt may be from the length asked for, where the tokenizer is learned from the server's counts. */
const LENGTH_SHARE = 0.05
const LENGTHS = { from: 64, to: 2048 }

/**
 * What is read of a sample. `serverTimings` holds llama.cpp's `prompt_ms` as prefillMs and `predicted_ms` as decodeMs.
 * @typedef {{
 *   probe: string, cell: string, outcome: string, warmup: boolean, cacheState: string,
 *   asked: { promptTokens: number, prefixTokens: number, cache: string },
 *   ttfb: number | null, ttft: number | null, tpot: number | null,
 *   promptTokens?: number, cachedTokens?: number, outputTokens?: number,
 *   serverTimings?: { prefillMs?: number, decodeMs?: number },
 * }} Sample
 * @typedef {{ law: string, parameters: Record<string, { value: number }> }} Curve
 * @typedef {{ partial: boolean, samples: Sample[], curves: Curve[] }} Snapshot
 * @typedef {{ name: string, passed: boolean, figures: string }} Check
 */

/** @param {Snapshot} snapshot @returns {Check[]} */
export function judge({ partial, samples, curves }) {
  const measured = samples.filter(({ warmup }) => !warmup)
  const failed = measured.filter(({ outcome }) => outcome !== 'ok').length
  const good = measured.filter(({ outcome }) => outcome === 'ok')
  return [
    {
      name: 'the run is whole, without an error',
      passed: !partial && failed === 0 && good.length > 0,
      figures: `${good.length} samples, ${failed} failed${partial ? ', partial' : ''}`,
    },
    promptLengths(good),
    cacheStates(good),
    straightness(good, curves),
    ...warmth(good),
    agreement(
      'TTFT of a fresh prompt agrees with the prefill time that the engine reports',
      good.filter(({ asked }) => asked.cache === 'fresh'),
      ({ ttft }) => ttft,
      prefillMs,
    ),
    agreement(
      'TTFT less TTFB agrees with it, fresh and warm',
      good,
      // The engine reads, templates and tokenizes a prompt before its clock starts, and sends its headers as it does.
      ({ ttft, ttfb }) => (ttft === null || ttfb === null ? null : ttft - ttfb),
      prefillMs,
    ),
    agreement(
      'decode time agrees with the one that the engine reports',
      good,
      // The engine counts from its first token to its last: one step less than there are tokens.
      ({ tpot, outputTokens }) =>
        tpot === null || outputTokens === undefined ? null : tpot * (outputTokens - 1),
      ({ serverTimings }) => serverTimings?.decodeMs,
    ),
  ]
}

/** @param {Sample} sample */
const prefillMs = ({ serverTimings }) => serverTimings?.prefillMs

/** @param {Sample[]} good @returns {Check} */
function promptLengths(good) {
  const off = good.map(({ promptTokens, asked }) => share(promptTokens ?? 0, asked.promptTokens))
  const exact = good.filter(({ promptTokens, asked }) => promptTokens === asked.promptTokens).length
  const worst = Math.max(...off)
  return {
    name: 'prompts have the length asked for, by the engine’s count',
    passed: good.length > 0 && worst <= LENGTH_SHARE,
    figures: `off by ${percent(median(off))} (median), ${percent(worst)} (most); ${exact} of ${good.length} to the token`,
  }
}

/** @param {Sample[]} good @returns {Check} */
function cacheStates(good) {
  const confirmed = good.filter(({ cacheState }) => cacheState === 'confirmed').length
  return {
    name: 'the engine confirms every cache state, fresh and warm',
    passed: confirmed === good.length && good.some(({ asked }) => asked.cache === 'warm'),
    figures: `${confirmed} of ${good.length}`,
  }
}

/**
 * R² of the fitted prefill curve over the median TTFT of each length, fresh samples of the prompt-length probe. That
 * over the samples themselves stands beside it: whatever else runs on the machine slows single prefills.
 * @param {Sample[]} good @param {Curve[]} curves @returns {Check}
 */
function straightness(good, curves) {
  const name = `fresh TTFT follows the prompt length, ${LENGTHS.from} to ${LENGTHS.to} tokens: R² ≥ ${LEAST_R2}`
  const law = curves.find((curve) => curve.law === 'prefill')?.parameters
  if (law === undefined) return { name, passed: false, figures: 'there is no prefill curve' }
  const of = (/** @type {string} */ parameter) => law[parameter]?.value ?? 0
  const points = good
    .filter(({ probe, asked }) => probe === 'prompt-length' && asked.cache === 'fresh')
    .map(({ asked, ttft, promptTokens = NaN, cachedTokens = 0 }) => {
      const fresh = promptTokens - cachedTokens
      const us = of('fresh') * fresh + of('hit') * cachedTokens + of('curve') * fresh ** 2
      return { length: asked.promptTokens, ttft: ttft ?? NaN, predicted: of('base') + us / 1000 }
    })
  const lengths = [...new Set(points.map(({ length }) => length))].sort((a, b) => a - b)
  const medians = lengths.map((length) => {
    const own = points.filter((point) => point.length === length)
    return {
      ttft: median(own.map(({ ttft }) => ttft)),
      predicted: median(own.map(({ predicted }) => predicted)),
    }
  })
  const r2 = determination(medians)
  const covers = Number(lengths[0]) <= LENGTHS.from && Number(lengths.at(-1)) >= LENGTHS.to
  return {
    name,
    passed: r2 >= LEAST_R2 && covers,
    figures: `R² ${r2.toFixed(4)} of ${lengths.length} medians, ${determination(points).toFixed(4)} of ${points.length} samples; the curve is ${law['curve'] === undefined ? 'straight' : 'bent'}`,
  }
}

/** A check for each length of the prefix-cache probe. @param {Sample[]} good @returns {Check[]} */
function warmth(good) {
  const own = good.filter(({ probe }) => probe === 'prefix-cache')
  const all = [...new Set(own.map(({ asked }) => asked.promptTokens))].sort((a, b) => a - b)
  if (all.length === 0)
    return [{ name: 'a warm prefix beats a fresh one', passed: false, figures: 'no sample' }]
  return all.map((length) => {
    const of = (/** @type {string} */ cache) =>
      own.filter(({ asked }) => asked.promptTokens === length && asked.cache === cache)
    const warm = of('warm')
    const [warmMs, freshMs] = [warm, of('fresh')].map((each) => median(each.map(({ ttft }) => ttft ?? NaN)))
    const cached = median(warm.map(({ cachedTokens }) => cachedTokens ?? 0))
    const prefix = warm[0]?.asked.prefixTokens ?? NaN
    return {
      name: `a warm prefix of ${prefix} tokens beats a fresh prompt of ${length}`,
      passed: Number(warmMs) < Number(freshMs) && cached >= prefix * (1 - LENGTH_SHARE),
      figures: `TTFT ${ms(warmMs)} against ${ms(freshMs)}; cached by the engine: ${cached.toFixed(0)}`,
    }
  })
}

/**
 * For every cell: |median of (ours − the engine's)| ≤ 3 % of the median of the engine's + 2 ms.
 * @param {string} name @param {Sample[]} good
 * @param {(sample: Sample) => number | null} ours @param {(sample: Sample) => number | undefined} engine
 * @returns {Check}
 */
function agreement(name, good, ours, engine) {
  const cells = [...new Set(good.map(({ cell }) => cell))].map((cell) => {
    const pairs = good
      .filter((sample) => sample.cell === cell)
      .map((sample) => ({ ours: ours(sample) ?? NaN, engine: engine(sample) ?? NaN }))
    const theirs = median(pairs.map((pair) => pair.engine))
    const off = median(pairs.map((pair) => pair.ours - pair.engine))
    return { off, theirs, used: Math.abs(off) / (TOLERANCE.share * theirs + TOLERANCE.ms) }
  })
  const isWithin = cells.every(({ used }) => used <= 1) // NaN, where a time is missing, is not
  const worst = cells.reduce(
    (a, b) => (b.used > a.used ? b : a),
    cells[0] ?? { off: NaN, theirs: NaN, used: NaN },
  )
  return {
    name: `${name}: within ${percent(TOLERANCE.share)} + ${TOLERANCE.ms} ms`,
    passed: cells.length > 0 && isWithin,
    figures: `${cells.length} cells, median ${signed(median(cells.map(({ off }) => off)))}; nearest the limit: ${signed(worst.off)} at ${ms(worst.theirs)}`,
  }
}

/** @param {{ ttft: number, predicted: number }[]} points */
function determination(points) {
  const mean = points.reduce((sum, { ttft }) => sum + ttft, 0) / points.length
  const left = points.reduce((sum, { ttft, predicted }) => sum + (ttft - predicted) ** 2, 0)
  return 1 - left / points.reduce((sum, { ttft }) => sum + (ttft - mean) ** 2, 0)
}

/** NaN without values, and where one of them is NaN. @param {number[]} values */
function median(values) {
  if (values.some(Number.isNaN)) return NaN
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return (Number(sorted[Math.ceil(half) - 1]) + Number(sorted[Math.floor(half)])) / 2
}

/** @param {number} value @param {number} of */
const share = (value, of) => Math.abs(value - of) / of
/** @param {number} value */
const percent = (value) => `${Number((100 * value).toPrecision(2))} %`
/** @param {number | undefined} value */
const ms = (value) => `${Number(value).toFixed(1)} ms`
/** @param {number} value */
const signed = (value) => `${value < 0 ? '−' : '+'}${ms(Math.abs(value))}`
