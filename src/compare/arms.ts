/** The values of one metric, block by block and cell by cell, as two arms of one design. */
import type { Sample } from '../sample/sample.js'
import type { Arm } from '../stats/blocks-shift.js'
import { median } from '../stats/quantile.js'
import { counts, isUnproven } from '../sample/counts.js'
import { valueOf, type SampleMetric } from './sample-metric.js'

export interface Arms {
  base: Arm
  candidate: Arm
  /** Cells that both arms have but that are not tested: of a probe with far fewer blocks, or mostly without a value. */
  leftOut: readonly string[]
}

// A probe with fewer blocks than this share of the longest would cost more precision than it brings.
const LEAST_SHARE = 0.5
// As a block that lacks more than a quarter of its cells, so a cell that lacks more than a quarter of its blocks.
const LEAST_PRESENT = 0.75

/**
 * Block g of one probe stands beside block g of every other. Where probes have different numbers of blocks, those
 * of the longer one are joined, neighbours first, until the numbers are equal. Several samples of one cell in a block
 * count by their median. Warm samples that no server confirmed carry no verdict.
 */
export function toArms(
  base: readonly Sample[],
  candidate: readonly Sample[],
  cells: ReadonlySet<string>,
  metric: SampleMetric,
): Arms | null {
  const sides = [base, candidate].map((samples) => byProbe(samples, cells, metric))
  const [ours, theirs] = [sides[0]!, sides[1]!]
  const counted = [...ours.keys()]
    .filter((probe) => theirs.has(probe))
    .map((probe) => ({ probe, blocks: Math.min(ours.get(probe)!.length, theirs.get(probe)!.length) }))
  const longest = Math.max(0, ...counted.map(({ blocks }) => blocks))
  const kept = counted.filter(({ blocks }) => blocks >= LEAST_SHARE * longest).map(({ probe }) => probe)
  if (kept.length === 0) return null
  const [first, second] = [joined(ours, kept), joined(theirs, kept)]
  const present = (cell: string): boolean => isPresent(first.get(cell)) && isPresent(second.get(cell))
  const tested = [...first.keys()].filter(present)
  if (tested.length === 0) return null
  const seen = cellsOf(ours).filter((cell) => cellsOf(theirs).includes(cell))
  return {
    base: new Map(tested.map((cell) => [cell, first.get(cell)!])),
    candidate: new Map(tested.map((cell) => [cell, second.get(cell)!])),
    leftOut: seen.filter((cell) => !tested.includes(cell)),
  }
}

/** Values of each cell in one block. */
type BlockValues = ReadonlyMap<string, readonly number[]>

/** Of each probe its blocks, in order; a block in which every value is missing is not there. */
function byProbe(
  samples: readonly Sample[],
  cells: ReadonlySet<string>,
  metric: SampleMetric,
): Map<string, BlockValues[]> {
  const probes = new Map<string, Map<number, Map<string, number[]>>>()
  for (const sample of samples) {
    const value =
      counts(sample) && !isUnproven(sample) && cells.has(sample.cell) ? valueOf(sample, metric) : null
    if (value === null || !(value > 0)) continue
    const blocks = fetch(probes, sample.probe, () => new Map<number, Map<string, number[]>>())
    const block = fetch(blocks, sample.block, () => new Map<string, number[]>())
    fetch(block, sample.cell, () => []).push(value)
  }
  const inOrder = (blocks: Map<number, BlockValues>): BlockValues[] =>
    [...blocks].sort(([a], [b]) => a - b).map(([, block]) => block)
  return new Map([...probes].map(([probe, blocks]) => [probe, inOrder(blocks)]))
}

function joined(
  probes: ReadonlyMap<string, readonly BlockValues[]>,
  kept: readonly string[],
): Map<string, (number | null)[]> {
  const count = Math.min(...kept.map((probe) => probes.get(probe)!.length))
  const arm = new Map<string, (number | null)[]>()
  for (const probe of kept) {
    const blocks = probes.get(probe)!
    for (const cell of new Set(blocks.flatMap((block) => [...block.keys()]))) {
      const groups = Array.from({ length: count }, (): number[] => [])
      for (const [i, block] of blocks.entries()) {
        groups[Math.floor((i * count) / blocks.length)]!.push(...(block.get(cell) ?? []))
      }
      arm.set(
        cell,
        groups.map((values) => (values.length === 0 ? null : median(values))),
      )
    }
  }
  return arm
}

function isPresent(values: readonly (number | null)[] | undefined): boolean {
  if (values === undefined) return false
  return values.filter((value) => value !== null).length >= LEAST_PRESENT * values.length
}

const cellsOf = (probes: ReadonlyMap<string, readonly BlockValues[]>): string[] => [
  ...new Set([...probes.values()].flatMap((blocks) => blocks.flatMap((block) => [...block.keys()]))),
]

function fetch<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
