/** The Mann-Whitney test of two samples (Mann & Whitney 1947, Ann. Math. Stat. 18). */
import { normalCdf, normalQuantile } from './normal.js'

export interface MannWhitney {
  /** Pairs in which the first sample's value is the greater one, ties counted half. */
  readonly u: number
  /** Two-sided. */
  readonly p: number
  readonly method: 'exact' | 'normal'
}

// R's border: beyond it the normal approximation is as good.
const EXACT_BELOW = 50

/** Exact for small samples without ties, else normal with correction for ties and continuity. */
export function mannWhitney(
  a: readonly number[],
  b: readonly number[],
  method: 'auto' | 'exact' | 'normal' = 'auto',
): MannWhitney {
  if (a.length === 0 || b.length === 0) throw new RangeError('mannWhitney needs values on both sides')
  const { u, tieSum } = rank(a, b)
  const exact = tieSum === 0 && a.length < EXACT_BELOW && b.length < EXACT_BELOW
  if (method === 'exact' || (method === 'auto' && exact)) {
    const tail = lowerTail(Math.floor(Math.min(u, a.length * b.length - u)), a.length, b.length)
    return { u, p: Math.min(1, 2 * tail), method: 'exact' }
  }
  const n = a.length + b.length
  const spread = (a.length * b.length * (n + 1 - tieSum / (n * (n - 1)))) / 12
  const distance = Math.max(0, Math.abs(u - (a.length * b.length) / 2) - 0.5)
  const p = spread > 0 ? 2 * normalCdf(-distance / Math.sqrt(spread)) : 1
  return { u, p: Math.min(1, p), method: 'normal' }
}

/** The smallest u with P(U ≤ u) ≥ p under no difference (R's `qwilcox`). */
export function mannWhitneyQuantile(p: number, m: number, n: number): number {
  if (m >= EXACT_BELOW || n >= EXACT_BELOW) {
    const u = (m * n) / 2 + normalQuantile(p) * Math.sqrt((m * n * (m + n + 1)) / 12)
    return Math.max(0, Math.round(u))
  }
  const chances = distribution(m, n)
  let sum = 0
  let u = 0
  for (; u < chances.length - 1; u++) {
    sum += chances[u]!
    if (sum >= p) break
  }
  return u
}

function lowerTail(u: number, m: number, n: number): number {
  let sum = 0
  for (const chance of distribution(m, n).subarray(0, u + 1)) sum += chance
  return sum
}

/** P(U = u) for u = 0 … m·n: the greatest of all values is the first sample's with chance m ÷ (m + n). */
function distribution(m: number, n: number): Float64Array {
  // row[i] is the distribution for i values in the first sample and j, the round, in the second.
  let row: Float64Array[] = Array.from({ length: m + 1 }, () => Float64Array.of(1))
  for (let j = 1; j <= n; j++) {
    const next: Float64Array[] = [Float64Array.of(1)]
    for (let i = 1; i <= m; i++) {
      const chances = new Float64Array(i * j + 1)
      const first = next[i - 1]!
      const second = row[i]!
      for (let u = 0; u < first.length; u++) chances[u + j]! += (first[u]! * i) / (i + j)
      for (let u = 0; u < second.length; u++) chances[u]! += (second[u]! * j) / (i + j)
      next.push(chances)
    }
    row = next
  }
  return row[m]!
}

function rank(a: readonly number[], b: readonly number[]): { u: number; tieSum: number } {
  const all = [...a.map((value) => ({ value, first: true })), ...b.map((value) => ({ value, first: false }))]
  all.sort((left, right) => left.value - right.value)
  let rankSum = 0
  let tieSum = 0
  for (let from = 0; from < all.length;) {
    let to = from + 1
    while (to < all.length && all[to]!.value === all[from]!.value) to++
    const ties = to - from
    tieSum += ties ** 3 - ties
    for (let i = from; i < to; i++) if (all[i]!.first) rankSum += (from + 1 + to) / 2
    from = to
  }
  return { u: rankSum - (a.length * (a.length + 1)) / 2, tieSum }
}
