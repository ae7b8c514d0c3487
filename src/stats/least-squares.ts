/** Weighted least squares with a few columns, by normal equations: the inner step of the robust fits. */

/**
 * Minimises Σ weight·(y − x·b)². `x` holds the rows one after the other, `width` numbers each (at most about
 * 4: normal equations square the condition number). Null when the columns are linearly dependent.
 */
export function leastSquares(
  x: Float64Array,
  width: number,
  y: Float64Array,
  weights: Float64Array,
): number[] | null {
  const matrix = new Float64Array(width * width) // lower triangle
  const right = new Float64Array(width)
  for (let i = 0, at = 0; i < y.length; i++, at += width) {
    const weight = weights[i]!
    if (weight === 0) continue
    for (let j = 0; j < width; j++) {
      const scaled = weight * x[at + j]!
      right[j]! += scaled * y[i]!
      for (let k = 0; k <= j; k++) matrix[j * width + k]! += scaled * x[at + k]!
    }
  }
  return solve(matrix, right)
}

/**
 * Cholesky on the matrix scaled to a unit diagonal, so that columns of any unit are judged alike. A pivot
 * below 1e-11 says that a column is a combination of the others.
 */
function solve(matrix: Float64Array, right: Float64Array): number[] | null {
  const width = right.length
  const scale = new Float64Array(width)
  for (let j = 0; j < width; j++) {
    const diagonal = matrix[j * width + j]!
    if (!(diagonal > 0)) return null
    scale[j] = 1 / Math.sqrt(diagonal)
  }
  for (let j = 0; j < width; j++) {
    right[j]! *= scale[j]!
    for (let k = 0; k <= j; k++) {
      let sum = matrix[j * width + k]! * scale[j]! * scale[k]!
      for (let m = 0; m < k; m++) sum -= matrix[j * width + m]! * matrix[k * width + m]!
      if (k < j) matrix[j * width + k] = sum / matrix[k * width + k]!
      else if (sum > 1e-11) matrix[j * width + j] = Math.sqrt(sum)
      else return null
    }
  }
  const b = Array.from(right)
  for (let j = 0; j < width; j++) {
    for (let k = 0; k < j; k++) b[j]! -= matrix[j * width + k]! * b[k]!
    b[j]! /= matrix[j * width + j]!
  }
  for (let j = width - 1; j >= 0; j--) {
    for (let k = j + 1; k < width; k++) b[j]! -= matrix[k * width + j]! * b[k]!
    b[j]! /= matrix[j * width + j]!
  }
  return b.map((value, j) => value * scale[j]!)
}
