/** The inverse of a small square matrix: Gauss-Jordan with partial pivoting. Null where it has none. */
export function matrixInverse(matrix: readonly (readonly number[])[]): number[][] | null {
  const size = matrix.length
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))])
  for (let column = 0; column < size; column++) {
    const pivot = rows.reduce(
      (best, row, i) => (i >= column && Math.abs(row[column]!) > Math.abs(rows[best]![column]!) ? i : best),
      column,
    )
    const [a, b] = [rows[column]!, rows[pivot]!]
    rows[column] = b
    rows[pivot] = a
    const head = b[column]!
    if (!(Math.abs(head) > 0)) return null
    rows[column] = b.map((value) => value / head)
    for (const [i, row] of rows.entries()) {
      if (i === column) continue
      const factor = row[column]!
      rows[i] = row.map((value, j) => value - factor * rows[column]![j]!)
    }
  }
  return rows.map((row) => row.slice(size))
}
