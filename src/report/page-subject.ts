/** What a page is about: one target in one snapshot, or two held against each other. */
import type { Comparison, Shift, TargetPair } from '../compare/comparison.js'
import type { Curve } from '../curve/curve.js'
import { toRows, type Row } from '../curve/rows.js'
import type { Sample } from '../sample/sample.js'
import type { Snapshot } from '../snapshot/snapshot.js'

/** One target in one snapshot. */
export interface Side {
  snapshot: Snapshot
  target: string
  /** The earlier of two. */
  isBase: boolean
  curves: readonly Curve[]
  samples: readonly Sample[]
  /** Samples that feed curves, and of those the ones from which contention is known. */
  rows: readonly Row[]
  contended: readonly Row[]
}

export interface Subject {
  name: string
  /** One, or base and candidate. */
  sides: readonly Side[]
  /** Of these two; none without a comparison. */
  shifts: readonly Shift[]
}

export function subjectsOf(snapshot: Snapshot): Subject[] {
  return snapshot.targets.map(({ name }) => ({ name, sides: [sideOf(snapshot, name, false)], shifts: [] }))
}

export function pairedSubjects(base: Snapshot, candidate: Snapshot, comparison: Comparison): Subject[] {
  return comparison.pairs.map((pair) => ({
    name: pair.base === pair.candidate ? pair.base : `${pair.candidate} against ${pair.base}`,
    sides: [sideOf(base, pair.base, true), sideOf(candidate, pair.candidate, false)],
    shifts: comparison.shifts.filter((shift) => isSame(shift.pair, pair)),
  }))
}

const isSame = (a: TargetPair, b: TargetPair): boolean => a.base === b.base && a.candidate === b.candidate

function sideOf(snapshot: Snapshot, target: string, isBase: boolean): Side {
  const samples = snapshot.samples.filter((sample) => sample.target === target)
  const curves = snapshot.curves.filter((curve) => curve.target === target)
  const [least = 0, most = 0] = curves.find(({ law }) => law === 'contention')?.validity['prompt'] ?? []
  const contended = toRows(samples.filter(({ probe }) => probe === 'concurrency')).filter(
    ({ fresh, cached }) => fresh + cached >= least && fresh + cached <= most,
  )
  return { snapshot, target, isBase, curves, samples, rows: toRows(samples), contended }
}

/** How a series is called: by itself, or with the side it is of. */
export const sideName = (name: string, { isBase }: Side, { sides }: Subject): string =>
  sides.length < 2 ? name : `${name}, ${isBase ? 'base' : 'candidate'}`
