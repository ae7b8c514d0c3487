/** Whether probabilities are what they say. */

/**
 * Expected calibration error: the difference between mean probability and share of events, averaged over `bins` equal
 * bins (low, high] by their number of cases (Naeini, Cooper & Hauskrecht 2015, AAAI; Guo et al. 2017, ICML). Null
 * without cases.
 * @param happened of each case, whether the event came
 */
export function calibrationError(
  probabilities: readonly number[],
  happened: readonly boolean[],
  bins = 15,
): number | null {
  if (probabilities.length === 0) return null
  const sums = Array.from({ length: bins }, () => 0)
  for (const [i, p] of probabilities.entries()) {
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(p * bins) - 1))
    sums[bin]! += p - (happened[i] === true ? 1 : 0)
  }
  return sums.reduce((sum, value) => sum + Math.abs(value), 0) / probabilities.length
}
