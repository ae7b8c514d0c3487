/** The values of one metric, block by block and cell by cell, as two arms of one design. */
import type { Sample } from '../sample/sample.js'
import type { Arm } from '../stats/blocks-shift.js'
import { median } from '../stats/quantile.js'
import { counts, isUnproven } from '../sample/counts.js'
import { valueOf, type SampleMetric } from './sample-metric.js'

export interface Arms {
  base: Arm
  candidate: Arm
  /** Some cells were asked in some of the blocks only, as a design does that chooses them: a block is no whole pass. */
  isUneven: boolean
  /** Cells that both arms have but that are not tested: of a probe with far fewer blocks, or mostly without a value. */
  leftOut: readonly string[]
}

// A probe with fewer blocks than this share of the longest would cost more precision than it brings.
const LEAST_SHARE = 0.5
// As a block that lacks more than a quarter of its cells, so a cell that lacks a value in more than a quarter of those asked.
const LEAST_PRESENT = 0.75
// A cell asked in fewer blocks says nothing of its own scatter.
const LEAST_ASKED = 2

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
  const tested = [...first.keys()].filter((cell) => isPresent(first.get(cell)) && isPresent(second.get(cell)))
  if (tested.length === 0) return null
  const seen = cellsOf(ours).filter((cell) => cellsOf(theirs).includes(cell))
  return {
    base: new Map(tested.map((cell) => [cell, first.get(cell)!.values])),
    candidate: new Map(tested.map((cell) => [cell, second.get(cell)!.values])),
    isUneven: tested.some((cell) => isChosen(first.get(cell)!) || isChosen(second.get(cell)!)),
    leftOut: seen.filter((cell) => !tested.includes(cell)),
  }
}

/** Of each cell that a block asked, its values; none where all of its requests failed. */
type BlockValues = ReadonlyMap<string, readonly number[]>

/** Of each probe its blocks, in order; a block in which every value is missing is not there. */
function byProbe(
  samples: readonly Sample[],
  cells: ReadonlySet<string>,
  metric: SampleMetric,
): Map<string, BlockValues[]> {
  const probes = new Map<string, Map<number, Map<string, number[]>>>()
  for (const sample of samples) {
    // What a search asks depends on what it found.
    if (!cells.has(sample.cell) || sample.asked.search === true) continue
    const blocks = fetch(probes, sample.probe, () => new Map<number, Map<string, number[]>>())
    const block = fetch(blocks, sample.block, () => new Map<string, number[]>())
    const values = fetch(block, sample.cell, () => [])
    const value = counts(sample) && !isUnproven(sample) ? valueOf(sample, metric) : null
    if (value !== null && value > 0) values.push(value)
  }
  const inOrder = (blocks: Map<number, BlockValues>): BlockValues[] =>
    [...blocks]
      .filter(([, block]) => [...block.values()].some(({ length }) => length > 0))
      .sort(([a], [b]) => a - b)
      .map(([, block]) => block)
  return new Map(
    [...probes].flatMap(([probe, blocks]) => {
      const found = inOrder(blocks)
      return found.length === 0 ? [] : [[probe, found]]
    }),
  )
}

/** One cell over the blocks of an arm. */
interface Column {
  /** Null where a block has no value. */
  values: (number | null)[]
  /** Blocks that asked it. */
  asked: number
}

function joined(
  probes: ReadonlyMap<string, readonly BlockValues[]>,
  kept: readonly string[],
): Map<string, Column> {
  const count = Math.min(...kept.map((probe) => probes.get(probe)!.length))
  const arm = new Map<string, Column>()
  for (const probe of kept) {
    const blocks = probes.get(probe)!
    for (const cell of new Set(blocks.flatMap(valued))) {
      const groups = Array.from({ length: count }, (): number[] => [])
      const asked = new Set<number>()
      for (const [i, block] of blocks.entries()) {
        const group = Math.floor((i * count) / blocks.length)
        if (block.has(cell)) asked.add(group)
        groups[group]!.push(...(block.get(cell) ?? []))
      }
      const values = groups.map((group) => (group.length === 0 ? null : median(group)))
      arm.set(cell, { values, asked: asked.size })
    }
  }
  return arm
}

/** Left out of blocks by design, and not by failures. */
const isChosen = ({ values, asked }: Column): boolean => asked < LEAST_PRESENT * values.length

function isPresent(column: Column | undefined): boolean {
  if (column === undefined) return false
  const { values, asked } = column
  const present = values.filter((value) => value !== null).length
  return isChosen(column)
    ? asked >= LEAST_ASKED && present >= LEAST_PRESENT * asked
    : present >= LEAST_PRESENT * values.length
}

/** Cells of a block that have a value. */
const valued = (block: BlockValues): string[] =>
  [...block].filter(([, { length }]) => length > 0).map(([cell]) => cell)

const cellsOf = (probes: ReadonlyMap<string, readonly BlockValues[]>): string[] => [
  ...new Set([...probes.values()].flatMap((blocks) => blocks.flatMap(valued))),
]

function fetch<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
