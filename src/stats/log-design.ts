/** The rows of a fit, sorted by condition: what is the same for all rounds and resamples. */

/** What is fitted: a row is one measurement. */
export interface FitRows {
  /**
   * One array a column, e.g. ones, fresh tokens ÷ 1000, cached tokens ÷ 1000. At most 4. A column that is
   * constant 1 is the intercept.
   */
  readonly columns: readonly ArrayLike<number>[]
  /** Measured times, all above 0. */
  readonly y: ArrayLike<number>
  /** Multiplicity or weight of each row, ≥ 0. @default 1 each */
  readonly weights?: ArrayLike<number>
  /** The condition of each row; the start is fitted to their medians. @default rows with equal columns */
  readonly cells?: ArrayLike<number>
}

/** Rows of one condition stand together: they share a prediction, so that a round takes one logarithm for all of them. */
export interface Design {
  /** The columns, a value a condition. */
  readonly columns: readonly Float64Array[]
  /** Rows of condition k: from `ends[k − 1]` to `ends[k]`. */
  readonly ends: Int32Array
  /** Number of each row in the order given, and ln y. */
  readonly rows: Int32Array
  readonly logs: Float64Array
}

export function toDesign({ columns, y }: FitRows): Design {
  const members = new Map<string, number[]>()
  for (let i = 0; i < y.length; i++) {
    const key = columns.map((column) => column[i]).join()
    const group = members.get(key)
    if (group) group.push(i)
    else members.set(key, [i])
  }
  const groups = [...members.values()]
  const rows = Int32Array.from(groups.flat())
  let end = 0
  return {
    columns: columns.map((column) => Float64Array.from(groups, (group) => column[group[0]!]!)),
    ends: Int32Array.from(groups, (group) => (end += group.length)),
    rows,
    logs: Float64Array.from(rows, (i) => Math.log(y[i]!)),
  }
}

export interface Carried {
  ends: Int32Array
  logs: Float64Array
  multiplicity: Float64Array
}

/** The rows of a design that carry weight: in a resample two of three. */
export function carried({ ends, rows, logs }: Design, weights: ArrayLike<number> | undefined): Carried {
  const kept = new Float64Array(rows.length)
  const multiplicity = new Float64Array(rows.length)
  const keptEnds = new Int32Array(ends.length)
  let count = 0
  for (let k = 0, i = 0; k < ends.length; k++) {
    for (; i < ends[k]!; i++) {
      const weight = weights === undefined ? 1 : weights[rows[i]!]!
      if (!(weight > 0)) continue
      kept[count] = logs[i]!
      multiplicity[count++] = weight
    }
    keptEnds[k] = count
  }
  return {
    ends: keptEnds,
    logs: kept.subarray(0, count),
    multiplicity: multiplicity.subarray(0, count),
  }
}
