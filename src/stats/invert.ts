/** The root of a rising function, for quantiles of continuous distributions. */

/**
 * x with `cdf(x)` = p: Newton's steps by `density`, halving the bracket wherever a step leaves it.
 * `low` and `high` must enclose the root; `start` lies between them.
 */
export function invert(
  p: number,
  cdf: (x: number) => number,
  density: (x: number) => number,
  bracket: { readonly low: number; readonly high: number; readonly start: number },
): number {
  let { low, high, start: x } = bracket
  for (let i = 0; i < 200; i++) {
    const excess = cdf(x) - p
    if (excess === 0) return x
    if (excess > 0) high = x
    else low = x
    const newton = x - excess / density(x)
    const next = newton > low && newton < high ? newton : (low + high) / 2
    if (Math.abs(next - x) <= 1e-14 * Math.abs(x)) return next
    x = next
  }
  return x
}
