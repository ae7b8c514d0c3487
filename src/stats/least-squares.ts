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
  const b = new Float64Array(width)
  return leastSquaresSolver(width)(x, y, weights, b) ? Array.from(b) : null
}

/** The same, written into `b`, with working space of its own: a bootstrap solves a million of them. False for null. */
export function leastSquaresSolver(
  width: number,
): (x: Float64Array, y: Float64Array, weights: Float64Array, b: Float64Array) => boolean {
  const matrix = new Float64Array(width * width) // lower triangle
  const scale = new Float64Array(width)
  return (x, y, weights, b) => {
    matrix.fill(0)
    b.fill(0)
    for (let i = 0, at = 0; i < y.length; i++, at += width) {
      const weight = weights[i]!
      if (weight === 0) continue
      for (let j = 0; j < width; j++) {
        const scaled = weight * x[at + j]!
        b[j]! += scaled * y[i]!
        for (let k = 0; k <= j; k++) matrix[j * width + k]! += scaled * x[at + k]!
      }
    }
    return solve(matrix, scale, b)
  }
}

/**
 * Cholesky on the matrix scaled to a unit diagonal, so that columns of any unit are judged alike. A pivot
 * below 1e-11 says that a column is a combination of the others. `b` holds the right side, then the solution.
 */
function solve(matrix: Float64Array, scale: Float64Array, b: Float64Array): boolean {
  const width = b.length
  for (let j = 0; j < width; j++) {
    const diagonal = matrix[j * width + j]!
    if (!(diagonal > 0)) return false
    scale[j] = 1 / Math.sqrt(diagonal)
  }
  for (let j = 0; j < width; j++) {
    b[j]! *= scale[j]!
    for (let k = 0; k <= j; k++) {
      let sum = matrix[j * width + k]! * scale[j]! * scale[k]!
      for (let m = 0; m < k; m++) sum -= matrix[j * width + m]! * matrix[k * width + m]!
      if (k < j) matrix[j * width + k] = sum / matrix[k * width + k]!
      else if (sum > 1e-11) matrix[j * width + j] = Math.sqrt(sum)
      else return false
    }
  }
  for (let j = 0; j < width; j++) {
    for (let k = 0; k < j; k++) b[j]! -= matrix[j * width + k]! * b[k]!
    b[j]! /= matrix[j * width + j]!
  }
  for (let j = width - 1; j >= 0; j--) {
    for (let k = j + 1; k < width; k++) b[j]! -= matrix[k * width + j]! * b[k]!
    b[j]! /= matrix[j * width + j]!
  }
  for (let j = 0; j < width; j++) b[j]! *= scale[j]!
  return true
}
