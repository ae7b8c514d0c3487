import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binomialCdf, binomialQuantile } from '../../src/stats/binomial.js'
import { chiSquaredCdf, chiSquaredQuantile } from '../../src/stats/chi-squared.js'
import { lnGamma } from '../../src/stats/gamma.js'
import { normalCdf, normalQuantile } from '../../src/stats/normal.js'
import { tCdf, tQuantile, tTwoSided } from '../../src/stats/student-t.js'

/** Known answers are scipy's; 1e-9 relative. */
function near(actual: number, expected: number, relative = 1e-9): void {
  expect(Math.abs(actual / expected - 1), `${actual} against ${expected}`).toBeLessThan(relative)
}

test.each([
  [-8, 6.22096057427174e-16],
  [-5, 2.866515718791933e-7],
  [-1.96, 0.024997895148220435],
  [0.3, 0.6179114221889526],
  [2, 0.9772498680518208],
])('the normal CDF at %f is %f, far tail included', (x, expected) => near(normalCdf(x), expected))

test.each([
  [1e-12, -7.034483825301131],
  [3e-4, -3.431614403623269],
  [0.025, -1.9599639845400545],
  [0.4, -0.2533471031357997],
  [0.975, 1.959963984540054],
  [0.999999, 4.753424308817087],
])('the normal quantile of %f is %f', (p, expected) => near(normalQuantile(p), expected))

test.each([
  [-3.5, 4.7, 0.009564796750138218],
  [1.2, 1, 0.7788579383763045],
  [-12, 30, 2.7900927075996303e-13],
  [2, 500.5, 0.9769799288072357],
])('t CDF at %f with %f degrees of freedom is %f', (t, df, expected) => near(tCdf(t, df), expected))

test.each([
  [0.975, 11, 2.200985160091639],
  [0.975, 1, 12.706204736174694],
  [0.0003, 2.5, -22.443407701483036],
  [0.995, 7, 3.4994832973504924],
  [0.99944, 38.2, 3.5243287384005573],
  [1e-8, 300, -5.767580151575073],
  [0.75, 0.5, 1.5537739740300383],
])('t quantile %f with %f degrees of freedom is %f', (p, df, expected) => near(tQuantile(p, df), expected))

test.each([
  [3.2, 1, 0.9263617298796974],
  [40, 20, 0.9950045876916924],
  [480, 500, 0.2676500698540158],
])('chi-squared CDF at %f with %f degrees of freedom is %f', (x, df, expected) =>
  near(chiSquaredCdf(x, df), expected),
)

test.each([
  [0.1, 20, 12.442609210450062],
  [0.005, 49, 27.24934906956969],
  [0.995, 49, 78.23070808668994],
  [0.01, 0.7, 2.7781075483963826e-6],
  [0.999, 1000, 1143.9170926196791],
  [1e-6, 2, 2.0000010000006676e-6],
])('chi-squared quantile %f with %f degrees of freedom is %f', (p, df, expected) =>
  near(chiSquaredQuantile(p, df), expected),
)

test.each([
  [3, 10, 0.5, 0.171875],
  [985, 1000, 0.99, 0.0824123195160892],
  [2, 5000, 0.001, 0.1245256541977479],
  [-1, 10, 0.5, 0],
  [10, 10, 0.5, 1],
])('binomial CDF at %i of %i trials of %f is %f', (k, n, p, expected) =>
  expect(binomialCdf(k, n, p)).toBeCloseTo(expected, 10),
)

test.each([
  [0.025, 20, 0.5, 6],
  [0.975, 20, 0.5, 14],
  [0.975, 1000, 0.99, 996],
  [0.5, 7, 0.3, 2],
])('binomial quantile %f of %i trials of %f is %i', (q, n, p, expected) =>
  expect(binomialQuantile(q, n, p)).toBe(expected),
)

test('ln Γ(n) is the logarithm of (n − 1)! up to 170!', () => {
  let factorial = 1
  for (let n = 1; n <= 171; n++) {
    expect(Math.abs(lnGamma(n) - Math.log(factorial))).toBeLessThan(1e-12 * Math.max(1, Math.log(factorial)))
    factorial *= n
  }
  near(lnGamma(0.5), Math.log(Math.PI) / 2)
  near(lnGamma(0.1), 2.252712651734206)
})

const probability = fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true })
const freedom = fc.double({ min: 0.5, max: 2000, noNaN: true })

test('each quantile is the inverse of its CDF within 1e-9', () => {
  fc.assert(
    fc.property(probability, freedom, (p, df) => {
      near(normalCdf(normalQuantile(p)), p)
      near(tCdf(tQuantile(p, df), df), p)
      near(chiSquaredCdf(chiSquaredQuantile(p, df), df), p)
    }),
    { numRuns: 300 },
  )
})

test('the two-sided p of t is twice the lower tail, and t tends to the normal', () => {
  fc.assert(
    fc.property(fc.double({ min: -30, max: 30, noNaN: true }), freedom, (t, df) => {
      near(tTwoSided(t, df), 2 * tCdf(-Math.abs(t), df))
    }),
  )
  near(tCdf(-2.5, 1e7), normalCdf(-2.5), 1e-5)
})
